// JupyterLab's side of our buttons and links: opens a file, and runs a runbook's cells if a button asks for it.
// It is a module federation container written by hand, so nothing has to be built. It needs no module of
// JupyterLab's: an application's commands and shell are enough.
// A URL runs nothing. Only a button in a page of this server does, or `vergeos-nb lab` for its own start page.
(() => {
  const READY_MS = 60000;
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

  const open = async (app, path, run) => {
    const widget = await app.commands.execute("docmanager:open", { path });
    if (!run || !widget?.context) return;
    await widget.context.ready;
    await idle(widget.context.sessionContext);
    app.shell.activateById(widget.id);
    await app.commands.execute("notebook:run-all-cells");
  };

  const plugin = {
    id: "vergeos-nb:open",
    description: "Opens runbooks and records that a button or link of vergeos-nb names.",
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
