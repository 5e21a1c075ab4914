"""Every scenario of the simulator is gone on with from where it stops: in the notebook, and headless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.never_a_dead_end.at_the_cards import approve, case_of
from tests.never_a_dead_end.ways_on import WAYS_ON
from tests.rehearsal import API_KEY, LADDER, SPARSE, Rehearsal, ending
from tests.widgets.sitting import Sitting
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.procedure.approval.consent import IDENTITY_TICKS
from vergeos_nb.procedure.engine.engine import opens
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import SCENARIOS

# Those that do not stop end as `tests/procedure/steps/test_scenarios.py` says. By day two of them.
GONE_ON_WITH = [
    pytest.param(name, marks=() if way.stops or name in ("stuck", "unanswered") else (pytest.mark.nightly,))
    for name, way in WAYS_ON.items()
]
Make = Callable[..., Rehearsal]
Sit = Callable[..., Sitting]


def go(at: Sitting, start: str, given: Mapping[str, Any]) -> StepResult:
    """Run the steps from this one on, approving the plan. Returns the first that does not open the next."""
    ids = [step.id for step in at.live.steps]
    for step in ids[ids.index(start) :]:
        result = at.live.perform(step, given if step == start else {}, again=step == "plan")
        if step == "verify":
            at.live.tick(list(IDENTITY_TICKS))
        if step == "plan" and opens(result) and result.facts["plan_digest"]:
            result = approve(at)
        if not opens(result):
            break
    return result


def true(account: RunState, run: Rehearsal) -> bool:
    """Whether a verdict of off is one over a process that is gone, and no request was carried out twice."""
    carried_out = [
        (entry.method, entry.path, entry.body)
        for entry in run.sim.changing_requests()
        if entry.executed and entry.status != 403
    ]
    gone = account.verdict is not VerdictValue.OFF or not run.sim.process_alive(account.fact("vm")["key"])
    return gone and (run.runs > 1 or len(carried_out) == len(set(carried_out)))


def test_there_is_a_way_on_for_every_scenario() -> None:
    assert set(WAYS_ON) == set(SCENARIOS)


@pytest.mark.parametrize("scenario", GONE_ON_WITH)
def test_in_a_notebook_the_same_run_goes_on_from_where_it_stopped(sit: Sit, scenario: str) -> None:
    way = WAYS_ON[scenario]
    at = sit(scenario, kill_wait_s=20.0, **SPARSE)
    if scenario == "expired_token":
        at.run.profile = Profile("lab", "vergeos.example", Credentials("bearer", None, Secret(API_KEY)))
    stopped = go(at, "connect", {})
    if way.stops:
        assert (stopped.step, bool(stopped.next_step) or scenario == "stale_cores") == (way.stops, True)
        way.does(at.run)
        if scenario == "expired_token":
            secret = at.run.profile.credentials.secret  # type: ignore[union-attr]
            at.live.connect("connect", {"profile": "lab"}, secret)
            go(at, "locate", {})
        elif scenario != "stale_cores":
            planned = case_of(at).plan is not None
            start = "plan" if planned and way.gives else stopped.step
            if start == "plan":
                assert opens(at.live.perform("plan", way.gives, again=True))
                approve(at)
                start = stopped.step
            go(at, start, {} if planned else way.gives)
    at.live.end()
    account = run_state_of(read_journal(at.run.folder / "journal.jsonl"))
    assert (ending(account), true(account, at.run)) == (way.live, True)


@pytest.mark.parametrize("scenario", GONE_ON_WITH)
def test_headless_the_next_run_goes_on_from_where_the_last_one_stopped(rehearse: Make, scenario: str) -> None:
    way = WAYS_ON[scenario]
    run = rehearse(scenario, kind="bearer" if scenario == "expired_token" else "basic")
    first = planned_and_approved(run, {})
    if not way.stops:
        assert ending(first) == way.live
        return
    if first.decisive is not None:
        assert (first.decisive.step, bool(first.decisive.next_step)) == (way.stops, True)
    way.does(run)
    second = planned_and_approved(run, way.gives)
    assert (ending(second), true(second, run)) == (way.headless or way.live, True)


def planned_and_approved(run: Rehearsal, given: Mapping[str, Any]) -> RunState:
    """A planning run, and the run that has its plan approved if there is one."""
    params = {**LADDER, **given}
    planned = run.open(**params)
    for step in planned.engine.steps:
        planned.step(step.id)
    account = planned.end()
    if (digest := account.fact("plan_digest")) is None:
        return account
    book = run.open(**{**params, "approve": digest})
    for step in book.engine.steps:
        book.step(step.id)
    return book.end()
