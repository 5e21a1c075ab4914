"""``notebook.html`` in a real Chromium without a network: light, dark, narrow, printed, and hostile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import needs_chromium
from tests.read_records import IMG
from tests.rehearsal import Rehearsal

WIDE, NARROW = 1280, 360
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
CUT_OFF = """[...document.querySelectorAll('td, th')].filter(cell => {
  const box = cell.getBoundingClientRect();
  return box.width === 0 || box.right > window.innerWidth + 1;
}).length"""


class Seen:
    """A page, and what happened while it was open."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.trouble: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.trouble.append(f"dialog {dialog.message}")
        dialog.dismiss()


@contextmanager
def opened(browser: Any, folder: Path, *, width: int = WIDE, scheme: str = "light") -> Iterator[Seen]:
    """The record's page, with the network blocked."""
    viewport = {"width": width, "height": 900}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
    try:
        seen = Seen(context.new_page())
        seen.page.goto((folder / "notebook.html").as_uri())
        yield seen
    finally:
        context.close()


@needs_chromium
@pytest.mark.parametrize("which", ["forced", "hostile"])
def test_the_page_asks_for_nothing_and_runs_nothing(
    browser: Any, which: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(which).folder
    with opened(browser, folder) as seen:
        assert (seen.requests, seen.trouble) == ([(folder / "notebook.html").as_uri()], [])
        images = seen.page.evaluate("[...document.images].map(i => [i.naturalWidth, i.alt.split('\\n')[0]])")
        assert seen.page.evaluate("document.scripts.length + document.querySelectorAll('iframe').length") == 0
        assert (seen.page.title(), seen.page.evaluate("document.documentElement.lang")) == (folder.name, "en")
    name = IMG if which == "hostile" else "web-01"
    ended = "planned, verdict alive" if which == "hostile" else "done, verdict off"
    assert images == [[1000, f"{name}: {ended}"]]


@needs_chromium
def test_hostile_words_are_shown_as_they_are_and_hidden_marks_are_visible(
    browser: Any, hostile: Rehearsal
) -> None:
    with opened(browser, hostile.folder) as seen:
        shown = seen.page.inner_text("main")
        links = seen.page.evaluate("[...document.links].map(link => link.href)")
    assert IMG in shown
    assert "<script>document.title='OWNED'</script>" in shown
    assert "\\u202epasswd\\u2066" in shown
    assert not {"\u202e", "\u2066", "\x1b"} & set(shown)
    assert links == []


@needs_chromium
@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_axe_finds_nothing_wrong_and_nothing_sticks_out(
    browser: Any, forced: Rehearsal, scheme: str, width: int
) -> None:
    """Contrast, names, headers and alternatives, as axe-core counts them."""
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, forced.folder, width=width, scheme=scheme) as seen:
        found = Axe().run(seen.page).response["violations"]
        assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found] == []
        assert seen.page.evaluate(FITS)
        background = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 31, 34)"}[scheme]


@needs_chromium
def test_paper_shows_every_cell_of_every_table_calls_too(browser: Any, forced: Rehearsal) -> None:
    """Holds off a print whose calls end at the edge of the paper, before their answers."""
    with opened(browser, forced.folder, width=700, scheme="dark") as seen:
        folded = seen.page.evaluate(CUT_OFF)
        seen.page.check("#appendix")
        seen.page.emulate_media(media="print")
        assert (folded > 0, seen.page.evaluate(CUT_OFF)) == (True, 0)
        assert seen.page.evaluate(FITS)
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@needs_chromium
def test_every_table_has_a_caption_and_headers_with_a_scope(browser: Any, forced: Rehearsal) -> None:
    with opened(browser, forced.folder) as seen:
        bare = seen.page.evaluate(
            "[...document.querySelectorAll('table')]"
            ".filter(table => !table.caption || !table.querySelector('th[scope]')).length"
        )
        tables = seen.page.evaluate("document.querySelectorAll('table').length")
    assert (bare, tables > 20) == (0, True)
