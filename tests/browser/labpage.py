"""A JupyterLab page as a person uses it: cells are run, fields filled by label, buttons pressed by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from vergeos_nb.runner.jupyter_lab import Lab

# JupyterLab opens its launcher in an empty page a moment later, which can be in front of a notebook by then.
KERNEL_IS_IDLE = """() => {
  const shell = window.jupyterapp?.shell;
  if (shell && !shell.currentWidget?.context) {
    const behind = [...shell.widgets('main')].find((widget) => widget.context?.sessionContext);
    if (behind) shell.activateById(behind.id);
  }
  const session = shell?.currentWidget?.context?.sessionContext;
  return !!(session?.isReady && session.session?.kernel?.status === 'idle');
}"""
# JupyterLab covers the page while it loads a theme, and colours of ours change within a part of a second.
THEMED = """(light) => document.body.dataset.jpThemeLight === light
  && !document.getElementById('jupyterlab-splash')
  && document.getAnimations().every((one) =>
    one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)"""
# Leaves no notebook and no kernel behind, and asks nothing about what was not saved.
CLEARED = """async () => {
  const shell = window.jupyterapp.shell;
  for (const widget of [...shell.widgets('main')]) {
    if (widget.context) {
      await widget.context.sessionContext.shutdown();
      widget.context.model.dirty = false;
    }
    widget.dispose();
  }
  return document.querySelectorAll('.jp-Dialog').length === 0;
}"""
FOCUSED = """() => {
  const element = document.activeElement;
  if (!['BUTTON', 'INPUT', 'SELECT', 'TEXTAREA'].includes(element.tagName)) return '';
  return element.labels?.[0]?.textContent || element.textContent;
}"""
# Nothing has changed since it was written to disk, and it has something to show.
SAVED = """() => {
  const model = window.jupyterapp.shell.currentWidget.context.model;
  return !model.dirty && [...model.cells].some((cell) => cell.outputs?.length);
}"""
SESSION = "window.jupyterapp?.shell?.currentWidget?.context?.sessionContext"
PATIENCE_MS = 60_000
SIZE: ViewportSize = {"width": 1280, "height": 1000}
# Each card has a handful of fields, and JupyterLab's own bars come in between.
MOST_TABS = 90
BROUGHT_MS = 1500


class LabPage:
    """One notebook in one page.

    Args:
        shots: where screenshots go.
        shared: a browser's memory in which other pages have loaded JupyterLab already. Without it, the page
            has one of its own.
    """

    def __init__(
        self,
        browser: Browser,
        lab: Lab,
        shots: Path,
        *,
        notebook: str = "",
        shared: BrowserContext | None = None,
        viewport: ViewportSize = SIZE,
        **context: Any,
    ) -> None:
        self.lab = lab
        self.shots = shots
        self.outside: list[str] = []
        self._viewport = viewport
        self._own = None if shared else browser.new_context(**context)
        self._begin(shared or self._own)
        self.url = self._url_of(notebook or "start")
        self.open()

    def _begin(self, context: Any) -> None:
        self.page: Page = context.new_page()
        self.page.set_viewport_size(self._viewport)
        self.page.set_default_timeout(PATIENCE_MS)
        base = self.lab.url.partition("/lab")[0]
        self.page.on("request", lambda request: self._requested(request.url, base))

    @property
    def name(self) -> str:
        """The notebook's name, without its folder and suffix."""
        return self.url.partition("/tree/")[2].partition(".ipynb")[0]

    def _url_of(self, notebook: str) -> str:
        return self.lab.url.replace("/start.ipynb", f"/{notebook}.ipynb")

    def _requested(self, url: str, base: str) -> None:
        if not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:")):
            self.outside.append(url)

    def open(self) -> None:
        """Load the page and wait until its kernel is idle."""
        path, _, query = self.url.partition("?")
        self.page.goto(f"{path}?reset&{query}" if "reset" not in query else self.url)
        self.wait()

    def go_to(self, notebook: str) -> None:
        """Open another notebook in the page that is there, and wait until its kernel is idle."""
        self.url = self._url_of(notebook)
        self.outside.clear()
        self.command("docmanager:open", path=f"{notebook}.ipynb", factory="Notebook")
        self.wait()

    def clear(self) -> bool:
        """Close all notebooks and end their kernels. Returns whether nothing of them is left in the page."""
        return bool(self.page.evaluate(CLEARED))

    def wait(self) -> None:
        """Wait until the notebook is there and its kernel is idle."""
        self.page.wait_for_function("() => window.jupyterapp?.started.then(() => true)", timeout=PATIENCE_MS)
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=PATIENCE_MS)
        self.page.locator(".jp-NotebookPanel .jp-Notebook").first.wait_for()

    def command(self, name: str, **arguments: Any) -> Any:
        """Execute a command of JupyterLab; what it gives, or ``TIMEOUT``. An object comes as None: a notebook
        on its way to us takes seconds."""
        return self.page.evaluate(
            """async ([name, args, ms]) => {
                 const given = await Promise.race([window.jupyterapp.commands.execute(name, args),
                   new Promise((resolve) => setTimeout(() => resolve('TIMEOUT'), ms))]);
                 return typeof given === 'object' ? null : given;
               }""",
            [name, arguments, PATIENCE_MS],
        )

    def theme(self, name: str) -> None:
        """Switch to the theme ``Light`` or ``Dark``, and wait until the page shows it."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        self.page.wait_for_function(THEMED, arg=str(name == "Light").lower(), timeout=PATIENCE_MS)

    def run_all(self) -> bool:
        """Run All; whether every cell ended well.

        Raises:
            TimeoutError: JupyterLab did not return.
        """
        ended = self.command("notebook:run-all-cells")
        if ended == "TIMEOUT":
            raise TimeoutError("Run All did not return")
        return ended is True

    def card(self, step: str) -> Locator:
        """The live card of a step."""
        return self.page.locator(f".vnb-step-{step}")

    def press(self, step: str, name: str) -> None:
        """Press a button of a card, as soon as it can be."""
        self.can_press(step, name).click()

    def can_press(self, step: str, name: str) -> Locator:
        """A button of a card, as soon as it can be pressed."""
        button = self.card(step).get_by_role("button", name=name, exact=False)
        expect(button).to_be_enabled(timeout=PATIENCE_MS)
        return button

    def cell(self, step: str) -> Locator:
        """The cell of a step."""
        code = "rb.close()" if step == "close" else f'rb.step("{step}")'
        return self.page.locator(".jp-CodeCell", has_text=code).first

    def sees(self, step: str, text: str) -> None:
        """Wait until the cell of a step shows this."""
        expect(self.cell(step).locator(".jp-OutputArea")).to_contain_text(text, timeout=PATIENCE_MS)

    def holds(self, step: str, text: str) -> None:
        """Wait until the live card of a step holds this."""
        expect(self.card(step)).to_contain_text(text, timeout=PATIENCE_MS)

    def shows(self, selector: str, text: str) -> None:
        """Wait until this part of the page shows this."""
        expect(self.page.locator(selector).first).to_contain_text(text, timeout=PATIENCE_MS)

    def tick_all(self, selector: str, count: int) -> None:
        """Tick the boxes in this part of the page, as soon as all of them are there."""
        boxes = self.page.locator(selector).get_by_role("checkbox")
        expect(boxes).to_have_count(count, timeout=PATIENCE_MS)
        for box in boxes.all():
            box.check()

    def shot(self, name: str) -> None:
        """Keep what is on the screen."""
        self.shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(self.shots / f"{name}.png"))

    def is_saved(self) -> None:
        """Wait until the notebook is saved as it is shown."""
        self.page.wait_for_function(SAVED, timeout=PATIENCE_MS)

    def reload(self) -> None:
        """Load the page anew, as a person does whose browser has lost it."""
        self.page.reload()
        self.wait()

    def leave(self) -> None:
        """Close the page, and keep what its browser knows."""
        self.page.close()

    def come_back(self) -> None:
        """Open the notebook in a new page of that browser."""
        self._begin(self.page.context)
        self.open()

    def tab_to(self, words: str, *, brought: bool = True) -> None:
        """Press Tab until the focus is on what has this label or text. It may be there already.

        Args:
            brought: whether the page may still bring the focus there by itself.

        Raises:
            AssertionError: the focus never comes there.
        """
        for _ in range(BROUGHT_MS // 100 if brought else 0):
            # The page brings the focus to what is asked for next; a Tab in between would pass over it.
            if words in self.page.evaluate(FOCUSED):
                return
            self.page.wait_for_timeout(100)
        for _ in range(MOST_TABS):
            if words in self.page.evaluate(FOCUSED):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the focus never came to {words!r}")

    def by_key(self, words: str, key: str = "Space", *, brought: bool = True) -> None:
        """Come to a button or box by Tab, and press a key on it as soon as it can be pressed."""
        self.tab_to(words, brought=brought)
        self.page.wait_for_function("() => document.activeElement.getAttribute('aria-disabled') !== 'true'")
        self.page.keyboard.press(key)

    def run_in_kernel(self, code: str) -> str:
        """Run this in the notebook's kernel, beside the cells; its result as text, or its error."""
        return str(
            self.page.evaluate(
                """async (code) => {
                  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
                  const future = kernel.requestExecute({ code, store_history: false });
                  let text = '';
                  future.onIOPub = (message) => {
                    const data = message.content.data;
                    if (message.header.msg_type === 'execute_result') text = data['text/plain'];
                    if (message.header.msg_type === 'error') text = message.content.evalue;
                  };
                  await future.done;
                  return text;
                }""",
                code,
            )
        )

    def begin_in_kernel(self, code: str) -> None:
        """Run this in the notebook's kernel, beside the cells, without waiting for its end."""
        self.page.evaluate(
            f"(code) => {{ {SESSION}.session.kernel.requestExecute({{ code, store_history: false }}); }}",
            code,
        )

    def restart_kernel(self) -> None:
        """Restart the kernel without a question, and wait until it is idle."""
        self.page.evaluate(f"() => {SESSION}.session.kernel.restart()")
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=PATIENCE_MS)

    def end_kernel(self) -> None:
        """End the notebook's kernel, so that the next test starts with none."""
        self.page.evaluate(
            "() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.shutdown()"
        )

    def close(self) -> None:
        """Close the page, and the browser's memory if it is its own."""
        (self._own or self.page).close()
