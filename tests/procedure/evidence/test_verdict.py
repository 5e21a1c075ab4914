"""The verdict: which evidence makes it what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.procedure.evidence.sample import STATS, STATUS, Sample
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import Evidence
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.vergeos.assumptions import ASSUMPTIONS, NOTHING_MEASURED, Known, PlatformKnowledge
from vergeos_nb.vergeos.rows import MachineKey, MachineStats, MachineStatus, StatusKey

MACHINE = MachineKey(44)
T = 1_790_000_000


def status(last_update: int | None = T, **fields: Any) -> MachineStatus:
    row = {"running": True, "status": "unresponsive", "state": "warning", "node": 1, "started": T - 9000}
    return MachineStatus(StatusKey(46), MACHINE, **{**row, **fields}, last_update=last_update)


def stats(modified: int | None = T, **fields: Any) -> MachineStats:
    row = {"total_cpu": 0, "ram_used": 0, "core_usage": (0, 0)}
    return MachineStats(MACHINE, **{**row, **fields}, modified=modified)


def knowing(**holds: bool | None) -> PlatformKnowledge:
    """What was measured: the assumptions by id, None for one that was not."""
    return PlatformKnowledge({id: Known(one, "26.2.1", T) for id, one in holds.items()})


def verdict_of(samples: Sequence[Sample]) -> Verdict:
    return judged(samples)


def judged(samples: Sequence[Sample], gap_s: float = 5.0, **more: Any) -> Verdict:
    """The verdict on these samples, taken one after the other."""
    spaced = [replace(one, read_at=T + gap_s * at) for at, one in enumerate(samples)]
    return judge(Evidence(spaced, **more))


def sample(row: MachineStatus, measured: MachineStats | None, read_at: float = T) -> Sample:
    return Sample(read_at, {STATUS.name: row, STATS.name: measured})


OLD_ROW = status()
DEAD = (stats(T), stats(T + 5))
SILENT = (stats(T), stats(T))

CASES: dict[str, tuple[tuple[MachineStatus, ...], tuple[MachineStats | None, ...], tuple[str, str], str]] = {
    "old row, fresh zeros": ((OLD_ROW, OLD_ROW), DEAD, ("silent", "dead"), "off"),
    "old row, old zeros": ((OLD_ROW, OLD_ROW), SILENT, ("silent", "silent"), "unknown"),
    "old row, zeros going backwards": (
        (OLD_ROW, OLD_ROW),
        (stats(T), stats(T - 5)),
        ("silent", "silent"),
        "unknown",
    ),
    "old row, no stats": ((OLD_ROW, OLD_ROW), (None, None), ("silent", "silent"), "unknown"),
    "stats vanish": ((OLD_ROW, OLD_ROW), (stats(T), None), ("silent", "silent"), "unknown"),
    "stats appear": ((OLD_ROW, OLD_ROW), (None, stats(T + 5)), ("silent", "silent"), "unknown"),
    "fresh CPU": ((OLD_ROW, OLD_ROW), (stats(T), stats(T + 5, total_cpu=1)), ("silent", "alive"), "alive"),
    "fresh RAM": ((OLD_ROW, OLD_ROW), (stats(T), stats(T + 5, ram_used=1)), ("silent", "alive"), "alive"),
    "one fresh core": (
        (OLD_ROW, OLD_ROW),
        (stats(T), stats(T + 5, core_usage=(0, 3))),
        ("silent", "alive"),
        "alive",
    ),
    "fresh CPU, RAM missing": (
        (OLD_ROW, OLD_ROW),
        (stats(T), stats(T + 5, total_cpu=9, ram_used=None)),
        ("silent", "alive"),
        "alive",
    ),
    "zero CPU, RAM missing": (
        (OLD_ROW, OLD_ROW),
        (stats(T), stats(T + 5, ram_used=None)),
        ("silent", "silent"),
        "unknown",
    ),
    "zero RAM, CPU missing": (
        (OLD_ROW, OLD_ROW),
        (stats(T), stats(T + 5, total_cpu=None)),
        ("silent", "silent"),
        "unknown",
    ),
    "old CPU": (
        (OLD_ROW, OLD_ROW),
        (stats(T, total_cpu=50), stats(T, total_cpu=50)),
        ("silent", "silent"),
        "unknown",
    ),
    "stats without a time": ((OLD_ROW, OLD_ROW), (stats(None), stats(None)), ("silent", "silent"), "unknown"),
    "stats lose their time": ((OLD_ROW, OLD_ROW), (stats(T), stats(None)), ("silent", "silent"), "unknown"),
    "stats get a time": ((OLD_ROW, OLD_ROW), (stats(None), stats(T)), ("silent", "silent"), "unknown"),
    "a heartbeat": ((OLD_ROW, status(T + 5)), SILENT, ("alive", "silent"), "alive"),
    "a heartbeat against fresh zeros": ((OLD_ROW, status(T + 5)), DEAD, ("alive", "dead"), "alive"),
    "row without a time": ((status(None), status(None)), DEAD, ("silent", "dead"), "off"),
    "started anew": ((OLD_ROW, status(started=T)), DEAD, ("alive", "dead"), "alive"),
    "on another node": ((OLD_ROW, status(node=2)), DEAD, ("alive", "dead"), "alive"),
    "went to stopped": (
        (OLD_ROW, status(T + 5, running=False, status="stopped")),
        SILENT,
        ("silent", "silent"),
        "unknown",
    ),
    "stopped, fresh zeros": (
        (status(running=False), status(T + 5, running=False)),
        DEAD,
        ("silent", "dead"),
        "off",
    ),
    "stopped, fresh CPU": (
        (status(running=False),) * 2,
        (stats(T), stats(T + 5, total_cpu=7)),
        ("silent", "alive"),
        "alive",
    ),
    "stopped, nothing fresh": ((status(running=False),) * 2, SILENT, ("silent", "silent"), "unknown"),
    "flipped back": ((status(running=False), status(T)), DEAD, ("alive", "dead"), "alive"),
    "flipped back and away again": (
        (status(running=False), status(T), status(running=False)),
        (stats(T), stats(T + 5), stats(T + 9)),
        ("alive", "dead"),
        "alive",
    ),
    "lived in between": (
        (OLD_ROW,) * 3,
        (stats(T), stats(T + 5, ram_used=9), stats(T + 9)),
        ("silent", "alive"),
        "alive",
    ),
    "only one sample": ((OLD_ROW,), (stats(T),), ("silent", "silent"), "unknown"),
    "only one living sample": ((OLD_ROW,), (stats(T, total_cpu=99),), ("silent", "silent"), "unknown"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_combination_of_evidence_has_its_votes_and_verdict(name: str) -> None:
    rows, measured, says, value = CASES[name]
    verdict = verdict_of([sample(row, m) for row, m in zip(rows, measured, strict=True)])
    votes = tuple(vote.says for vote in verdict.votes)
    # The witnesses beside the two rows were asked nothing here.
    assert (votes[:2], set(votes[2:]), verdict.value.value) == (says, {"silent"}, value)


def test_a_time_that_no_calendar_holds_is_no_reason_to_fall_over() -> None:
    # Holds off: a last_update in microseconds raised inside Confirm, after the PUT had gone out.
    far = T * 1_000_000
    verdict = verdict_of([sample(status(far), stats(far)), sample(status(far), stats(far + 1))])
    assert verdict.value is VerdictValue.OFF
    assert f"written at {far + 1}, which is no time" in verdict.votes[1].because


DEAD_SAMPLES = (sample(OLD_ROW, stats(T)), sample(OLD_ROW, stats(T + 5)))
BEATING = (sample(OLD_ROW, None), sample(status(T + 5), None))
BOTH = (sample(OLD_ROW, stats(T)), sample(status(T + 5), stats(T + 5)))
STALE = (sample(OLD_ROW, stats(T)), sample(OLD_ROW, stats(T)))


@pytest.mark.parametrize(
    ("holds", "dead", "stale"),
    [
        (None, ("off", "assumed"), ("unknown", None)),
        (True, ("off", "measured"), ("unknown", None)),
        (False, ("unknown", None), ("unknown", None)),
    ],
)
def test_fresh_zeros_are_death_unless_no_row_of_a_stopped_machine_is_written_and_old_ones_never_are(
    holds: bool | None, dead: tuple[str, str | None], stale: tuple[str, str | None]
) -> None:
    known = knowing(statistics_of_a_stopped_machine_are_written=holds)
    found = [judged(seen, knowledge=known) for seen in (DEAD_SAMPLES, STALE)]
    assert [(verdict.value.value, verdict.rests_on) for verdict in found] == [dead, stale]


@pytest.mark.parametrize(
    ("holds", "beating", "both"),
    [
        (None, ("alive", "assumed"), ("alive", "assumed")),
        (True, ("unknown", None), ("off", "assumed")),
        (False, ("alive", "assumed"), ("alive", "assumed")),
    ],
)
def test_a_heartbeat_is_assumed_life_and_none_where_the_row_of_a_stopped_machine_is_written_too(
    holds: bool | None, beating: tuple[str, str | None], both: tuple[str, str | None]
) -> None:
    known = knowing(status_of_a_stopped_machine_is_written=holds)
    found = [judged(seen, knowledge=known) for seen in (BEATING, BOTH)]
    assert [(verdict.value.value, verdict.rests_on) for verdict in found] == [beating, both]


def test_a_heartbeat_that_a_person_has_answered_for_votes_nothing_but_a_row_that_goes_back_does() -> None:
    stopped = (sample(status(T, running=False, status="stopped"), None), sample(status(T + 5), None))
    found = [judged(seen, answered_for=True) for seen in (BEATING, stopped)]
    assert [(verdict.value.value, verdict.rests_on) for verdict in found] == [
        ("unknown", None),
        ("alive", "assumed"),
    ]


@pytest.mark.parametrize(
    ("seen", "rests_on"),
    [
        ((sample(OLD_ROW, stats(T)), sample(OLD_ROW, stats(T + 5, ram_used=9))), "measured"),
        ((sample(OLD_ROW, stats(T)), sample(status(T + 5), stats(T + 5, ram_used=9))), "measured"),
        ((sample(OLD_ROW, None), sample(status(started=T), None)), "measured"),
        ((sample(OLD_ROW, None), sample(status(node=2), None)), "measured"),
        (
            (sample(OLD_ROW, None), sample(status(T + 5), None), sample(status(T + 5, node=2), None)),
            "measured",
        ),
        (
            (
                sample(OLD_ROW, None),
                sample(status(running=False, node=None), None),
                sample(status(T + 5), None),
            ),
            "assumed",
        ),
    ],
)
def test_life_that_was_measured_on_the_vm_outweighs_a_heartbeat(
    seen: Sequence[Sample], rests_on: str
) -> None:
    verdict = judged(seen)
    assert (verdict.value, verdict.rests_on) == (VerdictValue.ALIVE, rests_on)


@pytest.mark.parametrize(
    ("gap_s", "silence_s", "value"),
    [
        (4.9, 5.0, "unknown"),
        (4.995, 5.0, "off"),
        (5.0, 5.0, "off"),
        (0.0, 0.0, "off"),
        (-60.0, 5.0, "unknown"),
    ],
)
def test_two_readings_that_lie_close_together_show_no_silence_and_so_no_death(
    gap_s: float, silence_s: float, value: str
) -> None:
    verdict = judged(DEAD_SAMPLES, gap_s, silence_s=silence_s)
    assert verdict.value.value == value
    if value == "unknown":
        assert "silence takes 5 s" in verdict.votes[1].because


def test_a_clock_that_was_set_forward_between_two_readings_makes_them_lie_no_further_apart() -> None:
    first, last = (replace(one, steady_at=float(at)) for at, one in enumerate(DEAD_SAMPLES))
    verdict = judge(Evidence([first, replace(last, read_at=T + 3600.0)]))
    assert (verdict.value, verdict.votes[1].says) == (VerdictValue.UNKNOWN, "silent")


times = st.one_of(st.none(), st.integers(T, T + 6))
small = st.one_of(st.none(), st.integers(0, 2))
statuses = st.builds(
    status,
    times,
    running=st.booleans(),
    status=st.sampled_from(["running", "stopped", "unresponsive"]),
    node=st.one_of(st.none(), st.integers(1, 2)),
    started=st.one_of(st.none(), st.integers(T, T + 1)),
)
measurements = st.one_of(
    st.none(),
    st.builds(
        stats,
        times,
        total_cpu=small,
        ram_used=small,
        core_usage=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    ),
)
samples = st.lists(st.builds(sample, statuses, measurements), min_size=1, max_size=5)


@given(samples, st.data())
def test_one_more_sign_of_life_never_yields_off(seen: list[Sample], data: st.DataObject) -> None:
    first = seen[0]
    newest = max([s.stats.modified or 0 for s in seen if s.stats] + [T])
    living = sample(first.status, stats(newest + 1, total_cpu=40, ram_used=900))
    known = [first if first.stats and first.stats.modified else sample(first.status, stats(T)), *seen[1:]]
    where = data.draw(st.integers(1, len(known)))
    assert verdict_of([*known[:where], living, *known[where:]]).value is VerdictValue.ALIVE


@given(samples, statuses)
def test_a_row_that_goes_back_to_running_is_alive_whatever_else_is_seen(
    seen: list[Sample], row: MachineStatus
) -> None:
    stopped = sample(replace(row, running=False), seen[0].stats)
    back = sample(replace(row, running=True), seen[0].stats)
    assert verdict_of([*seen, stopped, back, *seen]).value is VerdictValue.ALIVE


@given(samples)
def test_off_is_never_said_without_a_fresh_vote_for_death_and_none_for_life(seen: list[Sample]) -> None:
    verdict = verdict_of(seen)
    said = [vote.says for vote in verdict.votes]
    if verdict.value is VerdictValue.OFF:
        last, times = seen[-1].stats, [s.stats.modified for s in seen[:-1] if s.stats and s.stats.modified]
        assert last is not None
        assert (last.total_cpu, last.ram_used) == (0, 0)
        assert last.modified is not None
        assert any(last.modified > time for time in times)
        assert "alive" not in said


@given(samples)
def test_once_alive_no_later_reading_makes_it_off(seen: list[Sample]) -> None:
    values = [verdict_of(seen[: n + 1]).value for n in range(len(seen))]
    if VerdictValue.ALIVE in values:
        assert {VerdictValue.ALIVE} == set(values[values.index(VerdictValue.ALIVE) :])


knowledge = st.builds(
    lambda holds: knowing(**holds),
    st.fixed_dictionaries({id: st.sampled_from([None, True, False]) for id in ASSUMPTIONS}),
)


@given(samples, knowledge, st.booleans())
def test_whatever_was_measured_off_needs_fresh_zeros_and_measured_life_stays_alive(
    seen: list[Sample], known: PlatformKnowledge, answered_for: bool
) -> None:
    verdict = judged(seen, knowledge=known, answered_for=answered_for)
    plain = verdict_of(seen)
    if verdict.value is VerdictValue.OFF:
        last, times = seen[-1].stats, [s.stats.modified for s in seen[:-1] if s.stats and s.stats.modified]
        assert last is not None
        assert (last.total_cpu, last.ram_used) == (0, 0)
        assert any((last.modified or 0) > time for time in times)
        assert known.of("statistics_of_a_stopped_machine_are_written").holds is not False
        assert plain.rests_on == "assumed"
    if plain.value is VerdictValue.ALIVE and plain.rests_on == "measured":
        assert (verdict.value, verdict.rests_on) == (VerdictValue.ALIVE, "measured")


def test_an_assumption_that_nobody_named_is_an_error_and_one_that_was_not_measured_is_assumed() -> None:
    with pytest.raises(KeyError):
        NOTHING_MEASURED.of("the_moon_is_made_of_cheese")
    known = knowing(no_match_is_an_empty_list=True)
    assert [
        str(known.of(id)) for id in ("no_match_is_an_empty_list", "writing_the_status_row_is_logged")
    ] == [
        "measured true on 26.2.1, 2026-09-21T14:13:20.000Z",
        "assumed",
    ]
