"""A JupyterLab page as a person uses it: cells are run, fields filled by label, buttons pressed by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from vergeos_nb.runner.lab import Lab

ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
KERNEL_IS_IDLE = """() => {
  const session = window.jupyterapp?.shell?.currentWidget?.context?.sessionContext;
  return !!(session?.isReady && session.session?.kernel?.status === 'idle');
}"""
PATIENCE_MS = 60_000


class LabPage:
    """One notebook in one page.

    Args:
        shots: where screenshots go.
    """

    def __init__(
        self, browser: Browser, lab: Lab, shots: Path, *, notebook: str = "", **context: Any
    ) -> None:
        self.lab = lab
        self.shots = shots
        context = {"viewport": {"width": 1280, "height": 1000}, **context}
        self.page: Page = browser.new_context(**context).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.outside: list[str] = []
        base = lab.url.partition("/lab")[0]
        self.page.on("request", lambda request: self._requested(request.url, base))
        self.url = lab.url if not notebook else lab.url.replace("force_power_off", notebook)
        self.open()

    def _requested(self, url: str, base: str) -> None:
        if not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:")):
            self.outside.append(url)

    def open(self) -> None:
        """Load the page and wait until its kernel is idle."""
        path, _, query = self.url.partition("?")
        self.page.goto(f"{path}?reset&{query}" if "reset" not in query else self.url)
        self.wait()

    def wait(self) -> None:
        """Wait until the notebook is there and its kernel is idle."""
        self.page.wait_for_function("() => window.jupyterapp?.started.then(() => true)", timeout=PATIENCE_MS)
        self.page.locator(".jp-NotebookPanel .jp-Notebook").first.wait_for()
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=PATIENCE_MS)

    def command(self, name: str, **arguments: Any) -> Any:
        """Execute a command of JupyterLab; what it gives, or ``TIMEOUT``."""
        return self.page.evaluate(
            """([name, args, ms]) => Promise.race([window.jupyterapp.commands.execute(name, args),
               new Promise((resolve) => setTimeout(() => resolve('TIMEOUT'), ms))])""",
            [name, arguments, PATIENCE_MS],
        )

    def run_all(self) -> bool:
        """Run All; whether every cell ended well."""
        return self.command("notebook:run-all-cells") is True

    def card(self, step: str) -> Locator:
        """The live card of a step."""
        return self.page.locator(f".vnb-step-{step}")

    def press(self, step: str, name: str) -> None:
        """Press a button of a card, as soon as it can be."""
        button = self.card(step).get_by_role("button", name=name, exact=False)
        expect(button).to_be_enabled(timeout=PATIENCE_MS)
        button.scroll_into_view_if_needed()
        button.click()

    def cell(self, step: str) -> Locator:
        """The cell of a step."""
        return self.page.locator(".jp-CodeCell", has_text=f'"{step}"').first

    def sees(self, step: str, text: str) -> None:
        """Wait until the cell of a step shows this."""
        expect(self.cell(step).locator(".jp-OutputArea")).to_contain_text(text, timeout=PATIENCE_MS)

    def shot(self, name: str) -> None:
        """Keep what is on the screen."""
        self.shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(self.shots / f"{name}.png"))

    def close(self) -> None:
        """Close the page."""
        self.page.context.close()
