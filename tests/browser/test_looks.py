"""How the cards look: local times, what is disabled, narrow and enlarged pages, themes, high contrast."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.in_kernel import done_up_to
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import served

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
# CSS pixels: at 200 % a page has half of them.
SIZES = {"1280": (1280, 800), "900": (900, 800), "200 %": (640, 400)}
THEMES = ("Light", "Dark")
# Texts of cards and header that are cut, or wider than their place.
CUT = """() => ['.vnb-card label', '.vnb-card button', '.vnb-card p', '.vnb-card summary', '.vnb-bar p']
  .flatMap((which) => [...document.querySelectorAll(which)])
  .filter((el) => el.getClientRects().length && getComputedStyle(el).display !== 'inline')
  .filter((el) => el.scrollWidth > el.clientWidth + 1)
  .map((el) => el.textContent.slice(0, 80))"""
NARROW = """() => [...document.querySelectorAll('.vnb-card input[type=text], .vnb-card textarea')]
  .filter((el) => el.getClientRects().length && el.getBoundingClientRect().width < 150)
  .map((el) => el.labels?.[0]?.textContent ?? '')"""
# What makes the notebook's panel scroll sideways, of cards and header.
SIDEWAYS = """() => { const panel = document.querySelector('.jp-WindowedPanel-outer');
  const right = panel.getBoundingClientRect().left + panel.clientWidth;
  return [...panel.querySelectorAll('.vnb-card, .vnb-card *, .vnb-bar, .vnb-bar p, .vnb-bar ol')]
    .filter((el) => el.getBoundingClientRect().right > right + 1 && !el.closest('[style*="overflow-x"]'))
    .map((el) => `${el.tagName}.${el.className}: ${el.textContent.slice(0, 60)}`).slice(0, 5); }"""

SIZED = {"cut": CUT, "narrow": NARROW, "sideways": SIDEWAYS}


def _axe(page: LabPage) -> Sequence[tuple[str, str]]:
    """What axe finds in the cards and in the header; the rest of the page is JupyterLab's."""
    from axe_playwright_python.sync_playwright import Axe

    found: Any = Axe().run(page.page, context={"include": [[".vnb-bar"], [".jp-OutputArea-output"]]}).response
    return [(one["id"], node["html"][:200]) for one in found["violations"] for node in one["nodes"]]


def _resize(page: LabPage, size: tuple[int, int]) -> None:
    page.page.set_viewport_size({"width": size[0], "height": size[1]})


def _sticking_out(page: LabPage) -> dict[str, Any]:
    """What is cut, too narrow or too wide, once the page has taken its size, for which it has 3 s."""
    for _ in range(10):
        seen = {name: page.page.evaluate(script) for name, script in SIZED.items()}
        if not any(seen.values()):
            break
        page.page.wait_for_timeout(300)
    return seen


@needs_chromium
def test_a_card_shows_the_reader_s_own_time_keeps_utc_and_a_screen_reader_is_told_what_ended_and_what_is_next(
    notebook: Open, lab: Any
) -> None:
    with served("stuck"):
        page = notebook()
        emulated = page.page.context.new_cdp_session(page.page)
        emulated.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
        emulated.send("Emulation.setLocaleOverride", {"locale": "en-GB"})
        assert page.run_all()
        told_aloud = page.page.locator(".vnb-said[role=status]")
        page.press("connect", "Connect")
        expect(told_aloud).to_have_text("Connect: passed. Next: Locate the VM.", timeout=60_000)
        page.sees("connect", "Connected to SIMULATED")
        page.card("connect").locator("summary").first.click()
        told = page.card("connect").locator("td time").first
        expect(told).to_have_attribute("title", re.compile("UTC"))
        utc = told.get_attribute("datetime")
        assert utc is not None
        hour, minute = int(utc[11:13]), int(utc[14:16])
        there = (hour * 60 + minute + 330) % 1440
        assert f"{there // 60:02}:{there % 60:02}:" in told.inner_text()
        assert told.get_attribute("title") == f"{utc} (UTC)"
        page.command("docmanager:save")
        page.press("locate", "Find the VM")
        expect(told_aloud).to_contain_text("Locate the VM: refused", timeout=60_000)
        page.press("close", "Close the run and make its record")
        expect(told_aloud).to_contain_text("The run is closed.", timeout=60_000)
        # It stays in the page, wherever the notebook is scrolled to.
        assert told_aloud.evaluate("(el) => el.isConnected && el.closest('.jp-Cell') === null")
        emulated.detach()
    (saved,) = [path for path in lab.folder.glob("*.ipynb") if path.name in page.url]
    (cell,) = [one for one in nbformat.read(saved, as_version=4).cells if one.source == 'rb.step("connect")']
    assert f"<time>{utc}</time>" in cell.outputs[0].data["text/html"]


@needs_chromium
def test_nothing_is_cut_off_in_any_theme_at_any_width_and_axe_finds_nothing(notebook: Open) -> None:
    with served("stuck"):
        page = notebook()
        assert page.run_all()
        done_up_to(page, "plan")
        page.page.get_by_role("tab", name="File Browser").first.click()
        found: dict[str, Any] = {}
        for theme in THEMES:
            page.theme(theme)
            for name, size in SIZES.items():
                _resize(page, size)
                page.card("plan").scroll_into_view_if_needed()
                sized = _sticking_out(page)
                page.shot(f"plan-{theme.lower()}-{name.replace(' %', '')}")
                found[f"{theme}, {name}"] = {**sized, "axe": _axe(page)}
    clean = {"cut": [], "narrow": [], "sideways": [], "axe": []}
    assert found == dict.fromkeys(found, clean)


@needs_chromium
@pytest.mark.real_waits
def test_a_wait_counts_its_seconds_shows_the_picture_of_the_run_and_what_is_disabled_looks_so(
    notebook: Open,
) -> None:
    """In each theme and in high contrast.

    Holds off: a wait that stood still at two seconds, because the picture could not be drawn.
    """
    looks = """(el) => { const s = getComputedStyle(el);
      return [s.borderTopStyle, s.color, s.backgroundColor, s.cursor]; }"""
    with served("stuck"):
        page = notebook({"sample_gap_s": 50.0})
        assert page.run_all()
        done_up_to(page, "verify")
        field = page.card("alive").get_by_role("textbox").first
        go = page.card("alive").get_by_role("button", name="Take two readings")
        expect(go).to_be_enabled()
        for theme in THEMES:
            page.theme(theme)
            assert [one.evaluate(looks)[0] for one in (field, go)] == ["solid", "solid"]
            page.shot(f"usable-{theme.lower()}")
        page.press("alive", "Take two readings")
        expect(field).to_be_disabled()
        picture = page.card("alive").get_by_role("img", name="web-01: going on")
        expect(picture).to_be_visible(timeout=60_000)
        progress = page.card("alive").locator(".vnb-progress")
        for _ in range(3):
            seen = progress.inner_text()
            expect(progress).not_to_have_text(seen)
        for theme in THEMES:
            page.theme(theme)
            for element in (field, go):
                border, _, _, cursor = element.evaluate(looks)
                assert (border, cursor) == ("dashed", "not-allowed")
            page.shot(f"disabled-{theme.lower()}")
        page.page.emulate_media(forced_colors="active")
        cancel = page.card("alive").get_by_role("button", name="Cancel")
        assert go.evaluate(looks)[1] != cancel.evaluate(looks)[1]
        page.shot("disabled-high-contrast")
        assert _axe(page) == []
        page.press("alive", "Cancel")
        page.shows(".vnb-step-alive", "Cancelled")
