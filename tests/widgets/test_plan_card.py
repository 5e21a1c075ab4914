"""The plan's card: what it says before the yes, what it asks for, and how a plan is changed."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from tests.rehearsal import SENTENCE
from tests.widgets.sitting import Sitting, text

Sit = Callable[..., Sitting]


def planned(at: Sitting) -> Any:
    """Click up to the plan; its card."""
    at.run_all()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    return at.click("plan")


def fields(card: Any) -> list[str]:
    """The parameters that the plan's card asks for now."""
    if card.form.box.layout.display == "none":
        return []
    return [name for name, field in card.form.fields.items() if field.layout.display != "none"]


def test_a_plan_is_told_in_three_lines_with_its_number_to_be_copied(sit: Sit) -> None:
    at = sit()
    card = planned(at)
    told = text(card.head.value)
    digest = at.live.case.plan_digest()  # type: ignore[union-attr]
    assert (
        "What will be sent, each once, and no more than is needed : "
        "Power off, then Kill power, then Force power off" in told
    )
    assert "From : unresponsive, running true, node 1; verdict off" in told
    assert "Kill power: unsaved data is lost" in told
    assert f"Plan number {digest[:12]}…" in told
    assert f"data-vnb-text>{digest}<" in card.head.value
    assert card.closed.value == ""


def test_the_assertion_is_asked_for_only_where_the_evidence_needs_it(sit: Sit) -> None:
    card = planned(sit("node_dead"))
    assert fields(card) == ["assertion"]
    assert isinstance(card.form.fields["assertion"], w.Textarea)
    assert "Not opened by this approval: Force power off, because nothing shows" in text(card.closed.value)
    assert (card.ask.layout.display, card.yes.look) == ("", "danger")


def test_words_that_are_given_make_another_plan_which_then_opens_the_override(sit: Sit) -> None:
    at = sit("node_dead")
    card = planned(at)
    first = at.live.case.plan_digest()  # type: ignore[union-attr]
    card.form.fields["assertion"].value = SENTENCE + "\n"
    assert (card.go.description, card.go.look, card.go.disabled) == ("Make the plan again", "strong", False)
    assert (card.ask.layout.display, card.yes.disabled) == ("none", True)
    at.click("plan")
    assert at.live.case.plan_digest() != first  # type: ignore[union-attr]
    assert (card.closed.value, card.ask.layout.display, fields(card)) == ("", "", ["assertion"])
    at.approve()
    for step in ("poweroff", "snapshot", "kill", "force"):
        at.click(step)
    assert at.live.step("force").result.outcome == "passed"  # type: ignore[union-attr]


def test_a_plan_can_be_changed_before_its_approval_on_its_own_card(sit: Sit) -> None:
    at = sit()
    card = planned(at)
    assert (fields(card), card.change.layout.display) == ([], "")
    card.change.click()
    assert fields(card) == ["start_at", "up_to", "attest", "snapshot", "snapshot_required"]
    card.form.fields["up_to"].value = "kill"
    at.click("plan")
    assert "Not opened by this approval: Force power off, because it goes no further than Kill power" in text(
        card.closed.value
    )
    assert (fields(card), at.live.case.options.up_to) == ([], "kill")  # type: ignore[union-attr]
    at.approve()
    assert at.opened() == ["poweroff"]


def test_a_plan_can_be_changed_from_its_own_line_also_after_something_was_sent(sit: Sit) -> None:
    at = sit(up_to="kill")
    at.run_all()
    at.until("kill")
    card: Any = at.live.step("plan")
    sent = at.run.changes()
    assert (card.body.layout.display, card.rethink.layout.display) == ("none", "")
    card.rethink.click()
    assert card.job.join(60)
    assert at.opened() == ["plan"]
    assert "up_to" in fields(card)
    card.form.fields["up_to"].value = "override"
    at.click("plan")
    at.approve()
    assert (at.opened(), at.run.changes()) == (["force"], sent)
    at.click("force")
    at.click("confirm")
    assert card.rethink.layout.display == "none"
    assert at.live.step("confirm").result.outcome == "passed"  # type: ignore[union-attr]


def test_a_plan_that_is_made_again_by_another_card_opens_with_what_can_be_changed(sit: Sit) -> None:
    at = sit(up_to="kill")
    at.run_all()
    at.until("force")
    force: Any = at.live.step("force")
    assert force.ways.replan.look == "strong"
    force.ways.replan.click()
    assert force.job.join(60)
    card: Any = at.live.step("plan")
    assert (at.opened(), "up_to" in fields(card)) == (["plan"], True)


def test_words_are_asked_for_in_text_areas_and_are_one_line(sit: Sit) -> None:
    card: Any = sit().live.step("plan")
    areas = {**card.form.fields, **card.said_why.fields}
    assert [name for name, field in areas.items() if isinstance(field, w.Textarea)] == [
        "attest",
        "assertion",
        "reason",
    ]
    card.said_why.fields["reason"].value = "it hangs\nsince 02:40 "
    assert card.said_why.values()["reason"] == "it hangs since 02:40"


def test_life_that_is_only_assumed_is_answered_for_in_words_and_the_card_says_what_they_open(
    sit: Sit,
) -> None:
    at = sit("heartbeat_of_the_dead")
    card = planned(at)
    assert fields(card) == ["assertion"]
    assert "Not opened by this approval: Force power off, because only its record or log looks alive" in text(
        card.closed.value
    )
    card.form.fields["assertion"].value = SENTENCE
    at.click("plan")
    assert text(card.closed.value).startswith(
        "△ This plan opens Force power off although its record or log looks alive."
    )


def test_what_a_plan_leaves_closed_is_opened_at_a_field_and_not_by_a_parameter(sit: Sit) -> None:
    """Holds off: "plan again with up_to=override", which a person at a card cannot type anywhere."""
    at = sit(up_to="kill")
    at.run_all()
    at.until("plan")
    card: Any = at.live.step("plan")
    shown = html.unescape(card.closed.value)
    assert "up_to=" not in shown
    assert 'to open it, choose "Change the plan" and the last method override' in shown
