"""Clicks through the procedure: from one step to another, by each step's button."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.labpage import LabPage

BUTTONS = {
    "connect": "Connect",
    "locate": "Find the VM",
    "status_key": "Read the status key",
    "verify": "Read the status row",
    "alive": "Take two readings",
    "plan": "Make the plan",
    "poweroff": "Send Power Off to web-01",
    "snapshot": "Do the snapshot step",
    "kill": "Send Kill Power to web-01",
    "force": "Force web-01 off",
    "confirm": "Confirm by evidence",
    "close": "Close the run and make its record",
}
"""The lit button of each step of a forced power-off, in their order."""


def click_through(page: LabPage, first: str, last: str) -> None:
    """Press the button of each step from this one to that one, and fill in what they ask for on the way.

    The last one may still run when this returns. The plan is not approved.
    """
    steps = list(BUTTONS)
    for step in steps[steps.index(first) : steps.index(last) + 1]:
        if step == "locate":
            page.holds("connect", "SIMULATED")
            page.card(step).get_by_label("VM name").fill("web-01")
        if step == "close":
            page.holds("confirm", "OFF")
        page.press(step, BUTTONS[step])
        if step == "verify":
            page.tick_all(".vnb-ticks", 4)
            page.press(step, "I have compared all four")


def up_to_the_plan(page: LabPage, *, first: str = "connect") -> None:
    """Click from the first card's button to a plan that waits for its approval."""
    click_through(page, first, "plan")
    page.sees("plan", "Planned, not approved")


def approve(page: LabPage) -> None:
    """Fill in the approval card and press its button."""
    card = page.page.locator(".vnb-approval")
    page.tick_all(".vnb-approval", 3)
    card.get_by_label("Reason").fill("it hangs")
    card.get_by_label("Ticket").fill("INC-4711")
    card.get_by_label("Type the VM's name").fill("web-01")
    page.press("plan", "Approve this plan for web-01")
    page.sees("plan", "Approved by ada")


def finish(page: LabPage, *, first: str = "poweroff") -> None:
    """Click from a method on to the closed run."""
    click_through(page, first, "close")
    page.sees("close", "Forced off, and there is evidence")


def one_of_each(page: LabPage) -> None:
    """One header, one live card for each step, one of them open."""
    expect(page.page.locator(".vnb-bar")).to_have_count(1)
    expect(page.page.locator(".vnb-card")).to_have_count(12)
    expect(page.page.locator(".vnb-card.vnb-open")).to_have_count(1)
