"""Scenarios times the answers that no source settles: planned, approved and applied.

`Rehearsal` holds each run against the truth: never off over a living process, never a second send. Here is
added that a run which does not end well names a way on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from vergeos_nb import errors
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.simulator import SCENARIOS, Switches

Make = Callable[..., Rehearsal]

ANSWERS: Mapping[str, tuple[Any, ...]] = {
    "relay_to_a_dead_node": ("accepted", "refused", "failed", "hangs"),
    "relay_is_carried_out": (False, True),
    "statistics_of_the_dead": ("zeros", "stale", "gone"),
    "heartbeat_of_the_dead": ("stops", "goes_on"),
    "no_match": ("list", "count"),
    "put_answers": ("list", "object", "nothing"),
    "conflict_in_wrong_state": (True, False),
    "rows_behind_a_vm": ("come", "old", "null", "dropped", "refused"),
}
# By day: one answer differs from the default, for the scenarios in which most can go wrong. Each answer in
# every other one of these.
SAMPLED = ("healthy", "stuck", "zombie", "node_dead", "node_unreachable", "relay_refused", "kill_stuck")
OTHER = [(name, answer) for name, answers in ANSWERS.items() for answer in answers[1:]]
BY_DAY = [
    (scenario, *other)
    for n, scenario in enumerate(SAMPLED)
    for m, other in enumerate(OTHER)
    if (n + m) % 2 == 0
]


def play(
    rehearse: Make, scenario: str, answers: Mapping[str, Any], **params: Any
) -> tuple[Rehearsal, RunState]:
    """Plan, approve and apply the whole ladder. Runs that find nothing to plan are their own end."""
    run = rehearse(scenario, switches=Switches(**answers))
    planned = run.run(**LADDER, **params)
    if not planned.fact("plan_digest"):
        return run, planned
    return run, run.run(**{**LADDER, **params, "approve": planned.fact("plan_digest")})


def held(account: RunState) -> None:
    """A run that did not end well says what a person can do."""
    if account.exit_code and account.decisive is not None:
        assert account.decisive.next_step, account.decisive


@pytest.mark.parametrize(("scenario", "name", "answer"), BY_DAY)
def test_one_other_answer_of_the_platform_ends_in_the_truth_or_in_unknown(
    rehearse: Make, scenario: str, name: str, answer: Any
) -> None:
    held(play(rehearse, scenario, {name: answer})[1])


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "answer"), OTHER)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_other_answer_ends_in_the_truth_or_in_unknown_in_every_scenario(
    rehearse: Make, scenario: str, name: str, answer: Any
) -> None:
    held(play(rehearse, scenario, {name: answer})[1])


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("how", ANSWERS["relay_to_a_dead_node"])
def test_where_the_node_is_dead_the_ladder_reaches_the_override_however_the_relay_ends(
    rehearse: Make, how: str, carried_out: bool
) -> None:
    answers = {"relay_to_a_dead_node": how, "relay_is_carried_out": carried_out}
    run, account = play(rehearse, "node_dead", answers, assertion=SENTENCE)
    rungs = [body.get("action") or method for method, _, body in run.changes()]
    assert (ending(account), rungs) == (("unknown", "unknown", 7), ["poweroff", "kill", "PUT"])


@pytest.mark.parametrize(
    ("scenario", "error"), [("relay_refused", "RelayFailed"), ("relay_hangs", "AnswerTimeout")]
)
def test_the_journal_keeps_a_relay_that_failed_as_an_error_that_leaves_it_in_doubt(
    rehearse: Make, scenario: str, error: str
) -> None:
    account = play(rehearse, scenario, {})[1]
    kept = [(call.exchange.error or "").split(":")[0] for call in account.changing_calls if call.exchange]
    assert kept == [error, error, ""]
    assert all(getattr(errors, name).may_have_executed for name in kept if name)
    said = [result.summary for result in account.results if result.step in ("poweroff", "kill")]
    assert ["it may have been carried out" in summary for summary in said] == [True, True]
