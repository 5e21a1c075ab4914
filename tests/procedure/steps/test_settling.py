"""Every wait for a change to settle goes through one function."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.errors import PermissionDenied
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.steps.settling import Ending, Look, Settling, Wait, settle
from vergeos_nb.procedure.steps.watching import Watch
from vergeos_nb.vergeos.rows import MachineStatus

Make = Callable[..., Rehearsal]
WAIT = Wait(settle_s=4.0, begins_s=10.0, ends_s=20.0, begins="it should come", holds="it should stay")
POLL_S = 1.0


class Lease:
    """Counts how often it was kept."""

    def __init__(self) -> None:
        self.renewed = 0

    def renew(self) -> None:
        self.renewed += 1


@pytest.fixture
def case(rehearse: Make) -> Case:
    """A run that has verified its VM, whose every wait takes a second."""
    run = rehearse("stuck").open(poll_s=POLL_S)
    for step in ("connect", "locate", "status_key", "verify"):
        run.step(step)
    assert isinstance(run.case, Case)
    return run.case


def says(*looks: Look) -> Callable[[MachineStatus, bool], Look]:
    """A condition that says these one after the other, and then the last one again and again."""
    left = list(looks)
    return lambda row, held: left.pop(0) if len(left) > 1 else left[0]


def settled(case: Case, look: Callable[[MachineStatus, bool], Look]) -> tuple[Settling, float, str]:
    watch = Watch(case)
    ended = settle(watch, WAIT, look, lambda since: "waiting")
    return ended, watch.elapsed, watch.trouble


HOLDS, NOT_YET = Look(holds=True), Look(trouble="not yet")


def test_a_condition_that_holds_for_the_settle_time_has_settled_and_not_before(case: Case) -> None:
    ended, elapsed, trouble = settled(case, says(HOLDS))
    assert (ended.ending, ended.held, trouble) == (Ending.SETTLED, True, "")
    assert WAIT.settle_s <= elapsed < WAIT.settle_s + 2 * POLL_S
    assert ended.trouble("it has not stayed", "it had settled") == ""


def test_a_condition_that_never_holds_ends_with_the_wait_for_it_to_begin(case: Case) -> None:
    ended, elapsed, trouble = settled(case, says(NOT_YET))
    assert (ended.ending, ended.held, trouble) == (Ending.TIMED_OUT, False, "not yet")
    assert WAIT.begins_s <= elapsed < WAIT.begins_s + 2 * POLL_S
    assert ended.trouble("it has not stayed", "it had settled") == "it has not stayed for 4 s"


def test_a_condition_that_holds_is_waited_for_longer_but_not_for_ever(case: Case) -> None:
    states = iter(range(1000))
    ended, elapsed, _ = settled(case, lambda row, held: Look(holds=next(states)))
    assert (ended.ending, ended.held) == (Ending.TIMED_OUT, False)
    assert WAIT.ends_s <= elapsed < WAIT.ends_s + 2 * POLL_S


@pytest.mark.parametrize("between", [NOT_YET, Look(holds="another state")])
def test_the_settle_time_begins_anew_after_anything_else(case: Case, between: Look) -> None:
    _, elapsed, _ = settled(case, says(HOLDS, HOLDS, HOLDS, between, HOLDS))
    assert elapsed >= WAIT.settle_s + 2 * POLL_S


def test_a_reading_that_decides_ends_the_wait_at_once(case: Case) -> None:
    ended, elapsed, trouble = settled(case, says(Look(trouble="another machine's", decides=True)))
    assert (ended.ending, elapsed < POLL_S, trouble) == (Ending.DECIDED, True, "another machine's")


def test_a_stop_ends_the_wait_after_the_reading_and_is_named(case: Case) -> None:
    case.stop_wanted = lambda: "the stop file"
    ended, elapsed, _ = settled(case, says(HOLDS))
    assert (ended.ending, ended.stop, elapsed < POLL_S) == (Ending.STOPPED, "the stop file", True)
    assert ended.trouble("it has not stayed", "it had settled") == (
        "the stop file says stop before it had settled"
    )


def test_a_platform_that_lets_us_read_no_more_ends_the_wait(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sample(self: Case, status: MachineStatus | None = None) -> None:
        raise PermissionDenied("reading", "not any more", status=403)

    monkeypatch.setattr(Case, "sample", sample)
    ended, _, trouble = settled(case, says(HOLDS))
    assert (ended.ending, trouble) == (Ending.UNREADABLE, "the reading back failed: not any more")


def test_the_lease_is_kept_at_every_pause_of_a_wait(case: Case) -> None:
    """Holds off: another run that takes the VM while this one still waits for what it sent."""
    case.lease = lease = Lease()
    pauses: list[float | None] = []

    def progress(since: float | None) -> str:
        pauses.append(since)
        return "waiting"

    settle(Watch(case), WAIT, says(NOT_YET), progress)
    assert lease.renewed == len(pauses) > 3


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Settling(Ending.SETTLED, WAIT, held=True), ""),
        (Settling(Ending.DECIDED, WAIT), ""),
        (Settling(Ending.UNREADABLE, WAIT), ""),
        (Settling(Ending.TIMED_OUT, WAIT, held=True), ""),
        (Settling(Ending.TIMED_OUT, WAIT), "the row has not stayed stopped for 4 s"),
        (Settling(Ending.STOPPED, WAIT, stop="ada"), "ada says stop before it had settled"),
    ],
    ids=lambda value: value.ending.name.lower() if isinstance(value, Settling) else "",
)
def test_only_a_wait_that_ended_too_early_or_was_stopped_says_so(ended: Settling, said: str) -> None:
    assert ended.trouble("the row has not stayed stopped", "it had settled") == said
