"""A plan is changed and approved again in the same run: before something was sent, and for what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.never_a_dead_end.at_the_cards import approve, case_of, ended, go_on, plan_again
from tests.procedure.steps.test_standard_methods import sent
from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from tests.widgets.sitting import Sitting
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of

Make = Callable[..., Rehearsal]
Sit = Callable[..., Sitting]
REST = ("poweroff", "snapshot", "kill", "force", "confirm")


def said(at: Sitting, step: str) -> Any:
    result = at.live.result(step)
    assert result is not None
    return result


def test_an_unknown_process_is_overridden_in_the_same_run_once_a_person_said_who_checked_and_how(
    sit: Sit,
) -> None:
    at = sit("node_dead")
    at.until("force")
    refused = said(at, "force")
    assert (refused.outcome.value, refused.error["type"]) == ("refused", "VerdictUnknown")
    planned = plan_again(at, assertion=SENTENCE)
    assert (planned.outcome.value, planned.facts["needs"]) == ("passed", [])
    assert [request["rung"] for request in planned.facts["plan"]["requests"]] == ["override"]
    assert approve(at).facts["approval"]["approver"] == "ada"
    assert go_on(at, "force", "confirm") == ["passed", "unknown"]
    account = ended(at)
    assert (ending(account), sent(at.run)) == (("unknown", "unknown", 7), ("poweroff", "kill", "PUT"))
    assert [result.step for result in account.results if result.step in ("poweroff", "kill")] == [
        "poweroff",
        "kill",
    ]
    assert account.fact("plan")["parameters"]["assertion"] == SENTENCE


def test_a_run_that_went_as_far_as_it_might_goes_further_once_that_is_planned_and_approved(sit: Sit) -> None:
    at = sit("stuck", up_to="kill")
    at.until("force")
    assert said(at, "force").next_step.endswith("plan again with up_to=override")
    plan_again(at, up_to="override")
    approve(at)
    assert go_on(at, "force", "confirm") == ["passed", "passed"]
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_an_approval_that_has_ended_is_given_anew_before_something_was_sent(sit: Sit) -> None:
    at = sit("stuck")
    at.until("plan")
    at.run.clock.sleep(31 * 60)
    assert go_on(at, "poweroff") == ["refused"]
    assert said(at, "poweroff").error["type"] == "ApprovalExpired"
    assert approve(at).outcome.value == "passed"
    assert go_on(at, *REST)[-1] == "passed"
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_an_approval_that_has_ended_is_given_anew_for_the_steps_that_follow(sit: Sit) -> None:
    at = sit("stuck")
    at.until("kill")
    at.run.clock.sleep(31 * 60)
    assert go_on(at, "force") == ["refused"]
    assert said(at, "force").error["type"] == "ApprovalExpired"
    before = len(at.run.changes())
    plan_again(at)
    approve(at)
    assert len(at.run.changes()) == before
    assert go_on(at, "force", "confirm") == ["passed", "passed"]
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_a_vm_that_has_changed_is_read_anew_planned_and_approved_in_the_same_run(sit: Sit) -> None:
    at = sit("stuck")
    at.until("plan")
    at.run.sim.world.set_status_of("web-01", state="error")
    assert go_on(at, "poweroff") == ["refused"]
    assert said(at, "poweroff").error["type"] == "Drift"
    at.live.begin_again("plan", {})
    at.tick()
    at.live.begin_again("plan", {})
    approve(at)
    assert go_on(at, *REST)[-1] == "passed"
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_a_vm_that_has_changed_after_something_was_sent_is_planned_and_approved_for_the_rest(
    sit: Sit,
) -> None:
    at = sit("stuck")
    at.until("kill")
    at.run.sim.world.set_status_of("web-01", started=1_790_001_201)
    assert go_on(at, "force") == ["refused"]
    assert said(at, "force").error["type"] == "Drift"
    plan_again(at)
    approve(at)
    assert go_on(at, "force", "confirm") == ["passed", "passed"]
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_nothing_more_is_sent_while_a_plan_that_was_made_again_is_not_approved(sit: Sit) -> None:
    at = sit("stuck")
    at.until("kill")
    plan_again(at, up_to="override", reason="still hangs")
    assert case_of(at).approval is None
    assert at.live.blocked("force") == "First approve the plan on its card."
    assert sent(at.run) == ("poweroff", "kill")


def test_a_plan_is_final_once_nothing_is_left_that_it_could_open(sit: Sit) -> None:
    at = sit("stuck")
    at.until("force")
    digest = case_of(at).plan_digest()
    assert at.live.run is not None
    assert at.live.run.engine.is_final("plan")
    assert plan_again(at).facts["plan_digest"] == digest


def test_headless_a_new_run_goes_on_from_the_same_refusals(rehearse: Make) -> None:
    run = rehearse("node_dead")
    first = run.approve(**LADDER)
    assert ending(first) == ("refused", "unknown", 7)
    assert "parameter assertion" in first.decisive.next_step  # type: ignore[union-attr]
    second = run.run(**LADDER, assertion=SENTENCE)
    third = run.open(**LADDER, assertion=SENTENCE, approve=second.fact("plan_digest"))
    for step in third.engine.steps:
        third.step(step.id)
    account = third.end()
    assert (account.outcome.value, account.verdict.value) == ("unknown", "unknown")
    assert [result.step for result in account.results][-1] == "confirm"


@pytest.mark.parametrize(
    ("scenario", "given", "closed", "needs"),
    [
        ("stuck", {}, [], []),
        ("stuck", {"up_to": "kill"}, ["override"], []),
        ("stuck", {"up_to": "poweroff"}, ["kill", "override"], []),
        ("zombie", {}, ["override"], []),
        ("node_dead", {}, ["override"], ["assertion"]),
        ("node_dead", {"assertion": SENTENCE}, [], []),
    ],
)
def test_what_a_plan_does_not_open_is_said_before_and_after_the_yes(
    rehearse: Make, scenario: str, given: dict[str, Any], closed: list[str], needs: list[str]
) -> None:
    run = rehearse(scenario)
    digest = run.run(**LADDER, **given).fact("plan_digest")
    for approval in ({}, {"approve": digest}):
        book = run.open(**LADDER, **given, **approval)
        for step in book.engine.steps[:6]:
            book.step(step.id)
        plan = book.engine.results["plan"]
        assert (plan.facts["stays_closed"], plan.facts["needs"]) == (closed, needs)
        assert plan.next_step.count("As it stands, this plan does not open") == len(closed)
        shown = [table.rows for table in plan.tables if table.schema.name == "stays_closed"]
        assert [len(rows) for rows in shown] == ([len(closed)] if closed else [])
        book.end()


def test_a_card_says_nothing_of_the_headless_way(sit: Sit) -> None:
    at = sit("stuck")
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    at.click("plan")
    assert said(at, "plan").next_step == "To apply it: approve it on this card"


def test_a_plan_made_again_keeps_what_was_sent_in_the_record(sit: Sit) -> None:
    at = sit("node_dead")
    at.until("force")
    plan_again(at, assertion=SENTENCE)
    account = run_state_of(read_journal(at.run.folder / "journal.jsonl"))
    steps = [result.step for result in account.results]
    assert steps == [
        "connect",
        "locate",
        "status_key",
        "verify",
        "alive",
        "poweroff",
        "snapshot",
        "kill",
        "plan",
    ]
    assert account.outcome.value == "interrupted"
    at.live.end()
