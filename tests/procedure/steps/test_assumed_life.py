"""A record that looks alive over a dead process: closed until a named person answers for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.never_a_dead_end.at_the_cards import approve, go_on, plan_again
from tests.never_a_dead_end.conftest import sit
from tests.procedure.steps.test_standard_methods import sent
from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from tests.widgets.sitting import Sitting
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.approval.consent import Consent, still_missing
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.settings.policy import Policy
from vergeos_nb.simulator import Switches
from vergeos_nb.vergeos.assumptions import STATUS_OF_A_STOPPED_MACHINE, Known, PlatformKnowledge

__all__ = ["sit"]

Make = Callable[..., Rehearsal]
SCENARIO = "heartbeat_of_the_dead"


def result(account: RunState, step: str) -> StepResult:
    return next(one for one in account.results if one.step == step)


def test_without_words_it_stays_closed_and_says_what_would_open_it(rehearse: Make) -> None:
    run = rehearse(SCENARIO)
    account = run.approve(**LADDER)
    assert (ending(account), account.rests_on, sent(run)) == (
        ("refused", "alive", 6),
        "assumed",
        ("poweroff", "kill"),
    )
    plan, force = result(account, "plan"), result(account, "force")
    assert (plan.facts["needs"], plan.facts["stays_closed"], plan.facts["rests_on"]) == (
        ["assertion"],
        ["override"],
        "assumed",
    )
    assert "over_assumed_life" not in plan.facts["plan"]
    assert "parameter assertion" in force.next_step
    assert "keeps being written" in force.summary


def test_with_words_the_plan_says_so_and_the_vm_is_forced_off_by_evidence(rehearse: Make) -> None:
    run = rehearse(SCENARIO)
    account = run.approve(**LADDER, assertion=SENTENCE)
    assert (ending(account), account.rests_on, sent(run)) == (
        ("done", "off", 0),
        "assumed",
        ("poweroff", "kill", "PUT"),
    )
    plan = result(account, "plan")
    assert (plan.facts["plan"]["over_assumed_life"], plan.facts["needs"]) == (True, [])
    assert ("verdict before", "alive, assumed") in plan.tables[0].rows


@pytest.mark.parametrize("scenario", ["zombie", "deaf", "healthy"])
def test_over_life_that_was_measured_no_words_open_anything(rehearse: Make, scenario: str) -> None:
    run = rehearse(scenario)
    # Each of these is sent with the words, and the methods before it do not end the process.
    run.sim.world.behave("web-01", acpi=None, kill=None)
    account = run.approve(**LADDER, assertion=SENTENCE)
    assert (ending(account), account.rests_on, "PUT" in sent(run)) == (
        ("refused", "alive", 6),
        "measured",
        False,
    )
    assert "over_assumed_life" not in result(account, "plan").facts["plan"]
    assert "no approval opens this" in result(account, "force").next_step


def test_a_heartbeat_that_is_seen_only_after_the_approval_was_not_answered_for(rehearse: Make) -> None:
    run = rehearse("stuck_stale")
    digest = run.run(**LADDER, assertion=SENTENCE).fact("plan_digest")

    def begin_to_beat() -> None:
        run.sim.world.switches = Switches(statistics_of_the_dead="stale", heartbeat_of_the_dead="goes_on")

    account = run.run(**LADDER, assertion=SENTENCE, approve=digest, before={"kill": begin_to_beat})
    assert (ending(account), sent(run)) == (("refused", "alive", 6), ("poweroff", "kill"))
    assert "since this plan was approved" in result(account, "force").summary
    again = run.approve(assertion=SENTENCE)
    assert (ending(again), run.sim.process_alive("web-01")) == (("unknown", "unknown", 7), False)


def test_life_that_is_measured_after_the_words_closes_it_again(rehearse: Make) -> None:
    run = rehearse(SCENARIO)
    digest = run.run(**LADDER, assertion=SENTENCE).fact("plan_digest")

    def come_back() -> None:
        run.sim.world.revive_process("web-01", node=1)

    account = run.run(**LADDER, assertion=SENTENCE, approve=digest, before={"force": come_back})
    assert (ending(account)[0], "PUT" in sent(run)) == ("refused", False)


def test_a_row_that_a_controller_writes_back_is_alive_by_assumption_and_names_a_way_on(
    rehearse: Make,
) -> None:
    run = rehearse(SCENARIO)
    digest = run.run(**LADDER, assertion=SENTENCE).fact("plan_digest")

    def write_it_back() -> None:
        row = {"running": True, "status": "unresponsive", "state": "warning"}
        run.clock.after(8, lambda: run.sim.world.set_status_of("web-01", **row))

    account = run.run(**LADDER, assertion=SENTENCE, approve=digest, before={"confirm": write_it_back})
    assert (ending(account), account.rests_on) == (("failed", "alive", 6), "assumed")
    assert result(account, "confirm").next_step == (
        "do NOT power it on anywhere; look at the node once more: end the process if it is there; if it is "
        "gone, something else writes this row, so send the vendor this record"
    )


@pytest.mark.parametrize("executed", [True, False])
def test_a_put_that_shows_late_or_never_over_a_heartbeat_is_waited_for_and_not_called_alive(
    rehearse: Make, executed: bool
) -> None:
    run = rehearse(SCENARIO)
    run.put_answers(drop="before")
    digest = run.run(**LADDER, assertion=SENTENCE).fact("plan_digest")
    stopped = {"running": False, "status": "stopped", "state": "offline"}

    def late() -> None:
        if executed:
            run.clock.after(9, lambda: run.sim.world.set_status_of("web-01", **stopped))

    account = run.run(**LADDER, assertion=SENTENCE, approve=digest, before={"confirm": late})
    assert ending(account) == (("done", "off", 0) if executed else ("unknown", "unknown", 7))
    assert sent(run).count("PUT") == 1


def test_the_site_can_demand_a_second_person_for_it(rehearse: Make, policy: Callable[[str], Any]) -> None:
    policy("[approval]\ntwo_people_over_assumed_life = true")
    run = rehearse(SCENARIO)
    alone = run.approve(**LADDER, assertion=SENTENCE)
    assert (ending(alone), sent(run)) == (("refused", "alive", 3), ())
    together = run.approve(**LADDER, assertion=SENTENCE, approver="grace")
    assert ending(together) == ("done", "off", 0)
    assert ending(rehearse("stuck").approve(**LADDER)) == ("done", "off", 0)


def test_at_the_cards_the_second_person_is_asked_for_once_the_plan_is_over_assumed_life(
    sit: Callable[..., Sitting],
) -> None:
    at = sit(SCENARIO)
    at.until("force")
    case = at.live.case
    assert isinstance(case, Case)
    case.policy = Policy(two_people_over_assumed_life=True)
    consent = Consent(case.plan_digest(), "web-01", frozenset(), "ada", "ada", "it hangs")
    assert still_missing(case, consent, ()) == ()
    plan_again(at, assertion=SENTENCE)
    consent = Consent(case.plan_digest(), "web-01", frozenset(), "ada", "ada", "it hangs")
    assert still_missing(case, consent, ()) == (
        "two people are demanded, and the approver is the operator",
        "the second person types the VM's name, too",
    )
    case.policy = Policy()
    approve(at)
    assert go_on(at, "force", "confirm") == ["passed", "passed"]


def test_where_the_row_of_a_stopped_machine_is_written_too_a_heartbeat_closes_nothing(rehearse: Make) -> None:
    run = rehearse(SCENARIO)
    book = run.open(**LADDER)
    assert isinstance(book.case, Case)
    for step in book.engine.steps:
        book.step(step.id)
        if step.id == "connect":
            known = Known(True, "26.2.1", 1.79e9)
            book.case.knowledge = PlatformKnowledge({STATUS_OF_A_STOPPED_MACHINE: known})
    account = run.end(book)
    assert (ending(account), account.rests_on) == (("planned", "off", 0), "assumed")
    assert "measured true on 26.2.1" in str(result(account, "alive").tables[0].rows)
