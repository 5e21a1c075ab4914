"""How long JupyterLab takes from its command to its first card or executed cell, in a real Chromium."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.claim import Claim, Goal, Metric, NotMeasured, Pair, Sample, Setting
from bench.commands import BIN, without_switches
from vergeos_nb import settings

_ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE_MS = 60_000
_IDLE = """() => {
  const session = window.jupyterapp?.shell?.currentWidget?.context?.sessionContext;
  return !!(session?.isReady && session.session?.kernel?.status === 'idle');
}"""
_RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
_PORT = 18_888


@contextmanager
def _first_card(setting: Setting) -> Iterator[Pair]:
    chromium = settings.chromium()
    if chromium is None:
        raise NotMeasured("there is no Chromium; name one in VERGEOS_NB_CHROMIUM")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotMeasured("playwright is not installed") from None
    environ = _environ(setting.folder)
    plain = _plain_notebook(setting.folder)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=_ARGS)

        def ours() -> Sample:
            words = [BIN / "vergeos-nb", "lab", "--no-browser", "--json", "--dir", setting.folder / "work"]
            began = time.perf_counter()
            with _serving(words, setting.folder, environ) as says:
                url = json.loads(says.readline())["url"]
                page = _page(browser, url)
                page.locator(".vnb-start").get_by_role("button").first.wait_for(timeout=_PATIENCE_MS)
                return _seen(page, began)

        def peer() -> Sample:
            words = [BIN / "jupyter-lab", "--no-browser", "--allow-root", f"--port={_PORT}"]
            words += ["--IdentityProvider.token=", "--ServerApp.port_retries=0"]
            words += ["--expose-app-in-browser", f"--notebook-dir={plain.parent}"]
            began = time.perf_counter()
            with _serving(words, setting.folder, environ):
                _listens()
                page = _page(browser, f"http://127.0.0.1:{_PORT}/lab/tree/{plain.name}?reset")
                page.wait_for_function(_IDLE, timeout=_PATIENCE_MS)
                page.evaluate(_RUN_ALL)
                page.locator(".jp-OutputArea-output", has_text="42").first.wait_for(timeout=_PATIENCE_MS)
                return _seen(page, began)

        yield Pair(ours, peer)
        browser.close()


def _seen(page: Any, began: float) -> Sample:
    took = time.perf_counter() - began
    page.context.close()
    return Sample(wall_s=took)


def _page(browser: Any, url: str) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.goto(url, timeout=_PATIENCE_MS)
    return page


def _listens() -> None:
    """Wait until a server accepts connections at the port."""
    until = time.perf_counter() + _PATIENCE_MS / 1000
    while time.perf_counter() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", _PORT), 1):
            return
        time.sleep(0.02)
    raise RuntimeError("JupyterLab does not start")


@contextmanager
def _serving(words: Sequence[str | Path], folder: Path, environ: Mapping[str, str]) -> Iterator[Any]:
    """A server, with its standard output, which is ended in order."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as says:
        try:
            yield says
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _environ(folder: Path) -> dict[str, str]:
    """The environment for both sides, without the user's own settings."""
    (folder / "home").mkdir()
    return {
        **without_switches(),
        "HOME": str(folder / "home"),
        "NO_PROXY": "127.0.0.1,localhost",
        "VERGEOS_NB_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_RUNTIME_DIR": str(folder / "jupyter"),
    }


def _plain_notebook(folder: Path) -> Path:
    cell = {
        "cell_type": "code",
        "id": "only",
        "metadata": {},
        "source": "6 * 7",
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "plain").mkdir()
    path = folder / "plain" / "plain.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


CLAIMS = (
    Claim(
        "lab",
        "vergeos-nb lab until its first card is there",
        "JupyterLab until it shows an executed cell",
        (Goal(Metric.WALL, 0.8),),
        _first_card,
        rounds=3,
        slow=True,
    ),
)
