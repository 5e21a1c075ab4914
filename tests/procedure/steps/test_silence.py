"""On a real system two readings less than 5 s apart show no silence, whatever gap a person asks for."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.rehearsal import LADDER, Rehearsal, ending
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.evidence.witness import SILENCE_S

Make = Callable[..., Rehearsal]


def as_a_real_one(run: Rehearsal) -> Rehearsal:
    """The same answers, from a server that does not say that it is simulated."""
    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        answer.headers["Server"] = "nginx"
        return answer

    run.transport = httpx.MockTransport(door)
    return run


def gaps(account: RunState, step: str) -> float:
    """Seconds from the first to the last reading that a step shows."""
    tables = next(one for one in account.results if one.step == step).tables
    rows = next(table.rows for table in tables if table.schema.name == "samples")
    return float(rows[-1][0]) - float(rows[0][0])  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [0.0, 1.0, 7.0])
def test_the_two_readings_lie_far_enough_apart_and_the_run_ends_as_ever(rehearse: Make, asked: float) -> None:
    run = as_a_real_one(rehearse("stuck"))
    account = run.approve(**LADDER, sample_gap_s=asked, settle_s=1.0, kill_wait_s=9.0)
    assert (ending(account), account.simulated) == (("done", "off", 0), False)
    assert gaps(account, "alive") >= max(asked, SILENCE_S) - 0.01
    assert gaps(account, "confirm") >= SILENCE_S - 0.01


def test_a_wait_that_is_too_short_for_silence_proves_nothing_and_names_a_way_on(rehearse: Make) -> None:
    run = as_a_real_one(rehearse("stuck"))
    account = run.approve(settle_s=1.0, confirm_timeout_s=2.0)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive is not None
    assert "confirm again" in account.decisive.next_step


def test_a_simulator_shows_every_change_at_once(rehearse: Make) -> None:
    account = rehearse("stuck").approve(**LADDER, sample_gap_s=1.0, settle_s=1.0)
    assert (ending(account), gaps(account, "alive") < SILENCE_S) == (("done", "off", 0), True)
