"""From the start page to the first card, and from the end of a run to the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.conftest import SHOTS, KeptPage
from tests.browser.in_kernel import done_up_to
from tests.browser.journey import IN_VIEW
from tests.browser.keys import force_off_by_keyboard
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, served
from vergeos_nb.record.record_folder import read
from vergeos_nb.runner.jupyter_lab import Lab

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SIZE: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture
def start(lab: Lab, browser: Any, kept_page: KeptPage) -> Iterator[LabPage]:
    """The page that `vergeos-nb lab` opens."""
    page = LabPage(browser, lab, SHOTS, viewport=SIZE, shared=kept_page.context)
    yield page
    page.end_kernel()
    page.close()


@needs_chromium
def test_a_jupyterlab_without_our_extension_shows_a_link_and_says_what_to_choose(
    plain_lab: Lab, browser: Any
) -> None:
    page = LabPage(browser, plain_lab, SHOTS)
    expect(page.page.locator(".vnb-start")).to_have_count(0)
    assert page.run_all()
    choose(page, "Rehearse")
    page.shows(".vnb-start", "then choose Run > Run All Cells")
    page.shot("start-without-extension")
    with page.page.context.expect_page() as opened:
        page.page.locator(".vnb-start").get_by_role("link").click()
    expect(opened.value.locator(".jp-NotebookPanel").last).to_contain_text("Force power off", timeout=60_000)
    page.end_kernel()
    page.close()


def choose(page: LabPage, name: str) -> None:
    """Press a button of the start page."""
    button = page.page.locator(".vnb-start").get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled(timeout=60_000)
    button.click()


@needs_chromium
def test_the_start_page_shows_itself_and_rehearsing_opens_a_runbook_with_its_first_card_in_view(
    start: LabPage,
) -> None:
    with served("stuck") as simulator:
        start.shows(".vnb-start", "What do you want to do?")
        for theme in ("Dark", "Light"):
            accessible(start, theme, ".vnb-start")
            start.shot(f"start-{theme.lower()}")
        choose(start, "Rehearse")
        first_card_in_view(start)
        start.shot("start-rehearsal")
        assert simulator.requests == []


@needs_chromium
def test_no_choice_of_the_start_page_is_cut_off_in_a_narrow_window(start: LabPage) -> None:
    start.page.set_viewport_size({"width": 900, "height": 700})
    start.page.wait_for_function(
        """() => {
          const choices = [...document.querySelectorAll('.vnb-start select')];
          const right = (element) => element.getBoundingClientRect().right;
          return choices.length === 2 && choices.every((el) => right(el) <= right(el.closest('.vnb-choice')));
        }"""
    )


def first_card_in_view(page: LabPage) -> None:
    """Wait until the first card is open, all of its lit button in view, and the focus on that."""
    page.shows(".vnb-step-connect.vnb-open", "Connect")
    lit = page.card("connect").get_by_role("button", name="Connect", exact=True)
    expect(lit).to_be_focused()
    assert lit.evaluate(IN_VIEW)


def accessible(page: LabPage, theme: str, part: str) -> None:
    """Switch to a theme; nothing that axe knows is wrong in this part of the page."""
    from axe_playwright_python.sync_playwright import Axe

    page.theme(theme)
    found = Axe().run(page.page, context={"include": [[part]]}).response
    assert [(one["id"], node["html"][:150]) for one in found["violations"] for node in one["nodes"]] == []


@needs_chromium
def test_a_run_goes_by_keyboard_alone_and_its_end_has_the_focus(notebook: Open) -> None:
    with served("stuck") as simulator:
        page = notebook(viewport=SIZE)
        # Opened by hand: one Run All, which leaves the view at the last cell without us.
        assert page.run_all()
        first_card_in_view(page)
        force_off_by_keyboard(page, simulator)
        watch = page.card("close").get_by_role("button", name="Watch it")
        expect(watch).to_be_focused()
        assert watch.evaluate(IN_VIEW)


def closed(page: LabPage) -> Locator:
    """Come to the end of a forced power-off; the last card."""
    assert page.run_all()
    done_up_to(page, "confirm", approved=True)
    page.press("close", "Close the run and make its record")
    page.sees("close", "Forced off, and there is evidence")
    return page.card("close")


@needs_chromium
def test_the_end_of_a_run_is_accessible_and_opens_its_record_and_copies_for_the_ticket(
    notebook: Open,
) -> None:
    with served("stuck") as simulator:
        page = notebook(viewport=SIZE, permissions=["clipboard-read", "clipboard-write"])
        card = closed(page)
        for theme in ("Dark", "Light"):
            accessible(page, theme, ".vnb-step-close")
            page.shot(f"end-{theme.lower()}")
        # The evidence that a saved notebook keeps is not shown twice.
        assert page.page.locator(".vnb-static:visible").count() == 0
        card.get_by_role("button", name="Copy for the ticket").click()
        expect(card.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.page.evaluate("() => navigator.clipboard.readText()")
        assert copied.startswith("# ✔ force_power_off of web-01: done · verdict off")
        # The record in the header and on the card: each opens as a tab of this JupyterLab.
        for place_of_link in (page.page.locator(".vnb-bar"), card):
            place_of_link.get_by_role("link").click()
            frame = page.page.locator("iframe.jp-HTMLViewer, .jp-HTMLViewer iframe").first
            expect(frame).to_be_visible(timeout=60_000)
            expect(frame.content_frame.locator("body")).to_contain_text("web-01", timeout=60_000)
            page.shot("end-record")
            page.command("application:close")
        expect(card).to_be_visible()
        assert changing(simulator) == LADDER


@needs_chromium
def test_a_drill_is_done_again_and_its_end_opens_watch_and_undo(notebook: Open, place: Path) -> None:
    before = set(place.glob("outputs/*/*/record.json"))
    with served("stuck") as simulator:
        page = notebook(viewport=SIZE)
        closed(page).get_by_role("button", name="Reset the drill").click()
        first_card_in_view(page)
        done_up_to(page, "confirm", approved=True)
        page.press("close", "Close the run and make its record")
        page.sees("close", "Forced off, and there is evidence")
        assert changing(simulator) == LADDER
        for button in ("Watch it", "Undo the override"):
            page.card("close").get_by_role("button", name=button).click()
            opened = page.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
            expect(opened.locator(".vnb-step-connect.vnb-open")).to_be_visible(timeout=60_000)
            opened.get_by_role("button", name="Connect", exact=True).click()
            expect(opened.get_by_label("VM name")).to_have_value("web-01", timeout=60_000)
            expect(opened.get_by_label("VM key")).to_have_value("41")
            page.shot(f"end-{button.split()[0].lower()}")
            page.end_kernel()
            page.page.get_by_role("tab", name=page.url.partition("/tree/")[2].partition("?")[0][:20]).click()
    # The runs that were begun by "Watch it" and "Undo the override" end with their kernels.
    made = [path.parent for path in set(place.glob("outputs/*/*/record.json")) - before]
    codes = [read(folder)["exit_code"] for folder in made if "-force_power_off-web-01-" in folder.name]
    assert codes == [0, 0]
