"""A forced power-off by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.labpage import LabPage
from tests.served import LADDER, changing
from vergeos_nb.simulator import Simulator


def force_off_by_keyboard(page: LabPage, simulator: Simulator) -> None:
    """Go through a whole run, from its first card on. Enter approves nothing and overrides nothing."""
    page.by_key("Connect")
    page.sees("connect", "Connected to SIMULATED")
    page.tab_to("VM name")
    page.page.keyboard.type("web-01")
    page.by_key("Find the VM", "Enter")
    page.sees("locate", "is VM 41")
    page.by_key("Read the status key")
    page.sees("status_key", "a third number")
    page.by_key("Read the status row")
    page.sees("verify", "Side by side")
    page.by_key("number of cores")
    for words in ("The RAM", "The status", "The machine number"):
        page.by_key(words, brought=False)
    page.by_key("I have compared all four")
    page.by_key("Take two readings")
    page.sees("alive", "Verdict: off")
    page.by_key("Make the plan")
    page.sees("plan", "Planned, not approved")
    page.by_key("what the guest has not written")
    for words in ("rewrites a record", "I have read the evidence"):
        page.by_key(words, brought=False)
    page.tab_to("Reason")
    page.page.keyboard.type("it hangs")
    page.tab_to("Type the VM's name")
    page.page.keyboard.type("web-01")
    page.page.keyboard.press("Enter")
    page.by_key("Approve this plan for web-01", "Enter")
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".vnb-approval").get_by_role("button", name="Approve this plan")).to_be_enabled()
    assert changing(simulator) == []
    page.page.keyboard.press("Space")
    page.sees("plan", "Approved by ada")
    page.by_key("Send Power Off to web-01")
    page.sees("poweroff", "had no effect")
    page.by_key("Do the snapshot step")
    page.sees("snapshot", "No snapshot")
    page.by_key("Send Kill Power to web-01")
    page.sees("kill", "had no effect")
    page.by_key("Force web-01 off", "Enter")
    assert changing(simulator) == LADDER[:2]
    page.page.keyboard.press("Space")
    page.sees("force", "accepted the new status")
    page.by_key("Confirm by evidence")
    page.sees("confirm", "Verdict: off")
    page.by_key("Close the run and make its record")
    page.sees("close", "Forced off")
    assert changing(simulator) == LADDER
