"""Whole runs over TLS against a simulator whose answers do not end: the PUT is settled by reading back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.at_night import at_night
from tests.rehearsal import Rehearsal, ending


@pytest.mark.parametrize("slow", [{"hints": 10**6}, {"drip": 0.05}, at_night({"drip": 0.05, "status": 500})])
def test_a_put_that_is_executed_and_answered_without_end_is_settled_by_reading_back(
    tmp_path: Path, slow: dict[str, Any]
) -> None:
    """Holds off: a run that waited for ever for the answer to its PUT."""
    run = Rehearsal("stuck", tmp_path)
    with run.sim.serve() as door:
        run.profile = replace(run.profile, host=door.host, ca_file=Path(door.ca_file), timeout_s=1.5)
        run.transport = None
        run.put_answers(execute=True, **slow)
        account = run.approve()
    [put] = account.changing_calls
    assert put.exchange is not None
    assert put.exchange.error.startswith("AnswerTimeout: no whole answer within 1.5 s")
    assert run.steps(account)["force"] == "unknown"
    assert ending(account) == ("done", "off", 0)


@pytest.mark.parametrize("said", [{"status": 200}, {"status": 422}])
def test_a_put_that_is_executed_and_answered_with_an_error_keeps_the_platforms_words(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    """Holds off: 200 with an error counted as accepted; what the node was not told ended the run."""
    run = Rehearsal("stuck", tmp_path)
    run.put_answers(execute=True, text="Error sending action to node: timed out", **said)
    account = run.approve()
    force = next(result for result in account.results if result.step == "force")
    assert "Error sending action to node: timed out" in force.summary
    assert (force.outcome.value, force.facts["answered"]) == ("unknown", True)
    assert ending(account) == ("done", "off", 0)


@pytest.mark.parametrize("status", [200, 422, 500])
def test_a_kill_that_the_node_was_not_told_is_evidence_that_the_method_failed_and_not_the_end(
    tmp_path: Path, status: int
) -> None:
    from tests.rehearsal import LADDER
    from vergeos_nb.simulator import Rule

    run = Rehearsal("stuck", tmp_path)
    said = "Error sending action to node: timed out"
    run.sim.faults.add(Rule("not relayed", "POST", "/api/v4/vm_actions", status=status, text=said))
    account = run.approve(**LADDER)
    steps = run.steps(account)
    assert (steps["poweroff"], steps["kill"], steps["force"]) == ("failed", "failed", "passed")
    kill = next(result for result in account.results if result.step == "kill")
    assert f"answered with an error: {status} " in kill.summary
    assert said in kill.summary
    assert ending(account) == ("done", "off", 0)
