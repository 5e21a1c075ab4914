// JupyterLab's side of our buttons and links: opens a file, and runs a runbook's cells if a button asks for it.
// It also keeps a runbook's notebook saved, because a page that is loaded anew shows what was saved, and shows the
// widgets that ipywidgets gave up too early.
// It is a module federation container written by hand, so nothing has to be built. It needs no module of
// JupyterLab's: an application's commands and shell are enough.
// A URL runs nothing. Only a button in a page of this server does, or `vergeos-nb lab` for its own start page.
(() => {
  const READY_MS = 60000;
  // What several cells show one after the other is saved together.
  const SAVE_AFTER_MS = 500;
  const SAVE_EVERY_MS = 3000;
  const LOOK_EVERY_MS = 1000;
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const taken = new Set();

  const option = (name) => {
    const data = document.getElementById("jupyter-config-data");
    return data ? JSON.parse(data.textContent)[name] : undefined;
  };

  const idle = (session) =>
    new Promise((resolve, reject) => {
      const until = performance.now() + READY_MS;
      const look = () => {
        if (session.isReady && session.session?.kernel?.status === "idle") return resolve();
        if (performance.now() > until) return reject(new Error("the kernel did not become idle"));
        setTimeout(look, 50);
      };
      look();
    });

  // JupyterLab asks a person about a file that cannot be written or has changed on disk, so it is left alone.
  const saveQuietly = async (contents, context) => {
    if (context.isDisposed || !context.canSave) return;
    const { hash } = await contents.get(context.path, { content: false, hash: true });
    if (hash && hash === context.contentsModel?.hash) await context.save();
  };

  const saved = new WeakSet();
  const keepSaved = (app, context) => {
    if (saved.has(context)) return;
    saved.add(context);
    // One after the other: JupyterLab takes the end of one save for another program's change in the next one.
    const save = context.save.bind(context);
    let last = Promise.resolve();
    context.save = () => (last = last.catch(() => {}).then(savedAsItIs));
    let timer = null;
    let next = 0;
    let changes = 0;
    // JupyterLab takes a notebook for saved that has changed while it was on its way to the disk.
    const savedAsItIs = async () => {
      const before = changes;
      await save();
      if (changes !== before && !context.isDisposed) context.model.dirty = true;
    };
    const changed = () => {
      changes += 1;
      timer ??= setTimeout(later, Math.max(SAVE_AFTER_MS, next - performance.now()));
    };
    const later = () => {
      timer = null;
      next = performance.now() + SAVE_EVERY_MS;
      saveQuietly(app.serviceManager.contents, context).catch((error) => {
        // JupyterLab has told the person. Its own saving goes on.
        context.model?.contentChanged.disconnect(changed);
        console.warn(`vergeos-nb: ${context.path} is not kept saved:`, error);
      });
    };
    context.model.contentChanged.connect(changed);
    changed();
  };

  // ipywidgets looks for a widget for two seconds and does not look once more at their end. If a slow page gets
  // its widgets from the kernel just then, they are there and are not shown: each is rendered once more.
  const triedAgain = new WeakSet();
  const showLateWidgets = (app) => {
    for (const panel of app.shell.widgets("main")) {
      for (const cell of panel.content?.widgets ?? []) {
        const area = cell.outputArea;
        area?.widgets.forEach((output, at) => {
          const shown = [...(output.widgets ?? [])].find((one) => one.mimeType === VIEW);
          if (!shown || triedAgain.has(shown) || shown.node.firstElementChild) return;
          if (!shown.node.textContent.endsWith("model not found")) return;
          triedAgain.add(shown);
          shown.renderModel(area.model.get(at));
        });
      }
    }
  };

  const open = async (app, path, run) => {
    const widget = await app.commands.execute("docmanager:open", { path });
    if (!run || !widget?.context) return;
    await widget.context.ready;
    await idle(widget.context.sessionContext);
    app.shell.activateById(widget.id);
    await app.commands.execute("notebook:run-all-cells");
    keepSaved(app, widget.context);
  };

  const plugin = {
    id: "vergeos-nb:open",
    description: "Opens runbooks and records that a button or link of vergeos-nb names, and keeps runbooks saved.",
    autoStart: true,
    activate: (app) => {
      const asked = (path, run) =>
        open(app, path, run).catch((error) => console.error(`vergeos-nb: cannot open ${path}:`, error));
      window.addEventListener("vergeos-nb:open", (event) => {
        event.preventDefault();
        // A widget that is shown twice asks twice.
        const { path, run, press } = event.detail;
        if (taken.has(press)) return;
        taken.add(press);
        asked(path, run);
      });
      document.addEventListener("click", (event) => {
        const link = event.target.closest?.("a[data-vnb-open]");
        if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        asked(link.dataset.vnbOpen, false);
      });
      // The header of a run is in the page: it is a runbook, whoever ran its cells.
      document.addEventListener("vergeos-nb:shown", ({ target }) => {
        const panel = [...app.shell.widgets("main")].find((widget) => widget.context && widget.node.contains(target));
        if (panel) keepSaved(app, panel.context);
      });
      setInterval(showLateWidgets, LOOK_EVERY_MS, app);
      const start = option("vergeosNbStart");
      if (!start) return;
      app.restored.then(() => {
        if (decodeURI(location.pathname).endsWith(`/tree/${start}`)) asked(start, true);
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["vergeos-nb"] = {
    init: () => {},
    get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
  };
})();
