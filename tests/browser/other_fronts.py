"""Voilà and Notebook 7 over a copy of a runbook, and a page of theirs as a person uses it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.labpage import PATIENCE_MS, LabPage

READY_WITHIN_S = 90.0
TOKEN = "loopback-test-only"


def needs(module: str) -> pytest.MarkDecorator:
    """Skip a test where this front end is not installed."""
    missing = find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"no {module}: install the extra 'test'")


@contextmanager
def front_at(place: Path, module: str, *options: str) -> Iterator[str]:
    """The address of a front end that serves a folder on loopback, with nothing of the user's in it.

    Args:
        options: of its command line; ``{port}`` is the port.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    place.mkdir(parents=True, exist_ok=True)
    environ = {
        **os.environ,
        "HOME": str(place / "home"),
        "JUPYTER_RUNTIME_DIR": str(place / "runtime-of-jupyter"),
        "JUPYTER_DATA_DIR": str(place / "data"),
        "JUPYTER_CONFIG_DIR": str(place / "config"),
        "VERGEOS_NB_OUTPUTS": str(place / "outputs"),
    }
    (place / "home").mkdir(exist_ok=True)
    with (place / "log").open("wb") as log:
        command = [sys.executable, "-m", module, *(option.format(port=port) for option in options)]
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=place)
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(address, process, place / "log")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            opener.open(f"{address}api/status", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace")[-2000:])


class OtherFront(LabPage):
    """A page of a front end that is no JupyterLab: what is seen is in the cards alone."""

    def __init__(self, browser: Browser, url: str, shots: Path, **context: Any) -> None:
        self.shots = shots
        self.url = url
        self.page: Page = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **context}
        ).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.outside: Sequence[str] = []  # type: ignore[assignment]
        self.page.goto(url)

    def sees(self, step: str, text: str) -> None:
        """Wait until the card of a step shows this."""
        expect(self.card(step)).to_contain_text(text, timeout=PATIENCE_MS)

    def bar(self) -> Locator:
        """The header of the run."""
        return self.page.locator(".vnb-bar")
