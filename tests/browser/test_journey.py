"""What a forced power-off costs a person with a mouse. The figures are printed; no time is asserted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.journey import Person
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, served

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.real_waits, pytest.mark.timeout(500)]
# The procedure's own waits.
DEFAULT = {
    "sample_gap_s": 5.0, "poll_s": 2.0, "poweroff_wait_s": 60.0, "kill_wait_s": 20.0, "settle_s": 30.0,
    "confirm_timeout_s": 180.0,
}  # fmt: skip


@needs_chromium
def test_a_stuck_vm_is_forced_off_with_few_clicks_and_hardly_any_scrolling(notebook: Open) -> None:
    with served("stuck") as simulator:
        page = notebook(DEFAULT, viewport={"width": 1280, "height": 800})
        assert page.run_all()
        person = Person(page)
        expect(page.page.locator(".vnb-bar")).to_be_visible()
        fresh = person.height()
        page.page.wait_for_timeout(2000)
        page.shot("journey-00-fresh")
        seen = [person.focused()]

        def done(step: str, name: str) -> None:
            person.press(step, name)
            page.page.wait_for_timeout(600)
            page.shot(f"journey-{person.clicks:02}-{step}-running")
            expect(page.card(step).get_by_role("button", name="Cancel")).to_be_hidden(timeout=120_000)
            page.page.wait_for_timeout(1700)
            page.shot(f"journey-{person.clicks:02}-{step}-ended")
            seen.append(person.focused())

        done("connect", "Connect")
        person.type("web-01")
        page.page.keyboard.press("Enter")
        page.page.wait_for_timeout(2500)
        page.shot("journey-02-locate")
        seen.append(person.focused())
        done("status_key", "Read the status key")
        done("verify", "Read the status row")
        for box in page.card("verify").get_by_role("checkbox").all():
            person.click(box, "tick")
        done("verify", "I have compared all four")
        done("alive", "Take two readings")
        done("plan", "Make the plan")
        for box in page.page.locator(".vnb-approval").get_by_role("checkbox").all():
            person.click(box, "tick")
        page.page.wait_for_timeout(600)
        person.type("hangs since 02:40")
        page.page.keyboard.press("Enter")
        page.page.wait_for_timeout(300)
        person.type("web-01")
        page.shot("journey-approval")
        done("plan", "Approve this plan for web-01")
        done("poweroff", "Send Power Off to web-01")
        done("snapshot", "Do the snapshot step")
        done("kill", "Send Kill Power to web-01")
        done("force", "Force web-01 off")
        done("confirm", "Confirm by evidence")
        person.press("close", "Close the run and make its record")
        page.sees("close", "Forced off, and there is evidence")
        page.page.wait_for_timeout(1500)
        page.shot("journey-99-closed")
        assert changing(simulator) == LADDER
        print({"fresh notebook, px": fresh, **person.figures(), "focus after each step": seen})
