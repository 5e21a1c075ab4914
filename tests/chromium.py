"""A real Chromium for tests; those that need one are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from vergeos_nb import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATH = settings.chromium()
HOW = "no Chromium: apt-get install chromium-headless-shell (Debian), or name one in VERGEOS_NB_CHROMIUM"


def needs_chromium(test: object) -> object:
    """Mark a test as one that needs a Chromium, and skip it with advice where there is none."""
    return pytest.mark.browser(pytest.mark.skipif(PATH is None, reason=HOW)(test))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with nothing of the user's in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(PATH), args=ARGS)
        yield browser
        browser.close()
