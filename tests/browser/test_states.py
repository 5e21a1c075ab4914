"""Each state of a card that is no ordinary step: how it looks in both themes, what a person can do there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import approve, click_through
from tests.browser.in_kernel import done_up_to
from tests.browser.labpage import LabPage
from tests.browser.looks import in_both_themes
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, held_back, served

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SIZE = {"width": 1280, "height": 900}
# Keeps what a page that nobody looks at notifies of. Its clock can be set ahead: a short wait is not told.
TOLD = """() => {
  const real = window.Notification;
  window.told = [];
  window.ahead_ms = 0;
  window.untold = () => {
    window.Notification = real;
    delete performance.now;
    delete document.hasFocus;
    sessionStorage.clear();
  };
  const now = performance.now.bind(performance);
  performance.now = () => now() + window.ahead_ms;
  window.Notification = class {
    static permission = 'default';
    static async requestPermission() { Notification.permission = 'granted'; return 'granted'; }
    constructor(title, options) { window.told.push(options.body); }
  };
  document.hasFocus = () => false;
}"""
DEAD = "Ada looked at the rack: the node has no power"


@needs_chromium
@pytest.mark.real_waits
def test_a_wait_counts_down_with_its_reason_and_notifies_if_it_is_asked_to(
    notebook: Open, skip_waits: Callable[[], object]
) -> None:
    with served("stuck") as simulator:
        # As long as this needs to be looked at, however busy the machine is; then the rest is skipped.
        page = notebook({"poweroff_wait_s": 60, "poll_s": 1}, viewport=SIZE)
        page.page.evaluate(TOLD)
        assert page.run_all()
        done_up_to(page, "plan", approved=True)
        page.press("poweroff", "Send Power Off to web-01")
        card = page.card("poweroff")
        expect(card.get_by_role("timer")).to_contain_text(
            "s: the process is gone, and the row should follow", timeout=30_000
        )
        expect(card).to_contain_text("Nothing changed for")
        expect(card).to_contain_text("Counters moved by")
        first = card.get_by_role("timer").inner_text()
        expect(card.get_by_role("timer")).not_to_have_text(first)
        with held_back(simulator):
            assert page.page.evaluate("() => window.told") == []
            card.get_by_role("button", name="Notify me when it ends").click()
            expect(card.get_by_role("button", name="You are notified when it ends")).to_be_disabled()
            assert in_both_themes(page, "waiting", "poweroff") == []
            page.page.evaluate("() => { window.ahead_ms = 60_000; }")
            skip_waits()
        page.sees("poweroff", "No effect. Next: Kill Power.")
        page.page.wait_for_function("() => window.told.length > 0")
        assert page.page.evaluate("() => window.told") == ["Power off: no effect. Next: Snapshot."]
        page.page.evaluate("() => window.untold()")
        assert in_both_themes(page, "no-effect", "poweroff") == []
        assert changing(simulator) == LADDER[:1]


@needs_chromium
def test_words_for_an_unknown_process_are_asked_for_on_the_plan_s_card_and_open_the_override(
    notebook: Open,
) -> None:
    with served("node_dead") as simulator:
        page = notebook(viewport=SIZE)
        assert page.run_all()
        done_up_to(page, "plan")
        page.sees("plan", "Not opened by this approval: Force power off")
        assert in_both_themes(page, "plan-needs-words", "plan") == []
        card = page.card("plan")
        words = card.get_by_label("Who checked that its process is gone, and how")
        words.fill(DEAD)
        words.press("Tab")
        expect(card.locator(".vnb-approval")).to_be_hidden()
        assert in_both_themes(page, "plan-changed", "plan") == []
        page.press("plan", "Make the plan again")
        expect(card.locator(".vnb-approval")).to_be_visible()
        expect(card).not_to_contain_text("Not opened by this approval")
        approve(page)
        click_through(page, "poweroff", "force")
        page.sees("force", "accepted the new status")
        assert changing(simulator) == LADDER


@needs_chromium
def test_a_closed_way_shows_all_ways_out_and_the_plan_is_changed_from_its_own_line(notebook: Open) -> None:
    with served("reader") as simulator:
        page = notebook(viewport=SIZE)
        assert page.run_all()
        done_up_to(page, "plan", approved=True)
        page.press("poweroff", "Send Power Off to web-01")
        card = page.card("poweroff")
        expect(card.get_by_role("button", name="Try again")).to_be_enabled(timeout=30_000)
        assert in_both_themes(page, "closed-way", "poweroff") == []
        shown = [name for name in card.get_by_role("button").all_inner_texts() if name]
        assert shown == ["Try again", "Change the plan", "Read everything anew", "Close the run …"]
        assert card.locator(".vnb-danger:visible").count() == 0
        boxes = [card.get_by_role("button", name=name).bounding_box() for name in shown]
        heights = [box["height"] for box in boxes if box]
        assert max(heights) - min(heights) < 4, heights
        card.get_by_role("button", name="Close the run …").click()
        expect(page.card("close").get_by_role("button", name="Close the run and make")).to_be_focused()
        page.card("plan").get_by_role("button", name="Change the plan").click()
        page.card("plan").get_by_label("Last method that may be tried").select_option("kill")
        page.press("plan", "Make the plan again")
        page.sees("plan", "Not opened by this approval: Force power off, because it goes no further")
        assert in_both_themes(page, "plan-that-stays-closed", "plan") == []
        simulator.set_role("admin")
        approve(page)
        page.press("poweroff", "Send Power Off to web-01")
        page.sees("poweroff", "No effect. Next: Kill Power.")


@needs_chromium
@pytest.mark.nightly
def test_a_vm_that_looks_healthy_is_said_to_in_amber(notebook: Open) -> None:
    with served("healthy"):
        page = notebook(viewport=SIZE)
        assert page.run_all()
        done_up_to(page, "plan")
        page.sees("plan", "This VM looks healthy")
        assert in_both_themes(page, "healthy", "plan") == []
