"""The steps before those that a test is about: done in the kernel by the cards' own buttons, not by the page.

A click of the page costs ten times as much. Each kind of card is clicked in the page by a test of its own.
"""

from __future__ import annotations

from tests.browser.clicks import BUTTONS
from tests.browser.labpage import LabPage

STEPS = tuple(BUTTONS)
# Of the notebook's kernel, where `rb` is the run.
DONE = """
def pressed(card, button):
    assert not button.disabled, (card.step.id, button.description)
    button.click()
    assert card.job.join(60), card.step.id

def done(step):
    card = rb.step(step)
    if step == "locate":
        card.form.fields["vm_name"].value = "web-01"
    pressed(card, card.go)
    if step == "verify":
        for box in card.boxes.values():
            box.value = True
        pressed(card, card.checked)

def at_rest():
    for step in rb.steps:
        job = rb.step(step.id).job
        assert job is None or job.join(60), step.id

def approved():
    card = rb.step("plan")
    for box in card.boxes.values():
        box.value = True
    card.said_why.fields["reason"].value = "it hangs"
    card.said_why.fields["ticket"].value = "INC-4711"
    card.typed.value = "web-01"
    pressed(card, card.yes)
"""


def done_up_to(page: LabPage, last: str, *, first: str = "connect", approved: bool = False) -> None:
    """Do the steps from one to another, after what runs already; approve the plan if that is asked for."""
    lines = ["at_rest()"]
    for step in STEPS[STEPS.index(first) : STEPS.index(last) + 1]:
        lines.append(f"done({step!r})")
        if step == "plan" and approved:
            lines.append("approved()")
    assert page.run_in_kernel("\n".join([DONE, *lines, "'done'"])) == "'done'"
