"""The scheduler alone: ramp, limits and the threshold hold for every fleet and every order of endings."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.fleet.schedule import Limits, RunPlace, Schedule, waves

limits = st.builds(
    Limits,
    at_once=st.integers(1, 9),
    per_node=st.integers(1, 4),
    per_group=st.integers(1, 3),
    failures=st.integers(1, 4),
)
places = st.lists(
    st.builds(RunPlace, st.sampled_from(["", "n1", "n2", "n3"]), st.sampled_from(["", "ha1", "ha2"])),
    min_size=1,
    max_size=40,
)


def start_all(schedule: Schedule) -> list[int]:
    started = []
    while (at := schedule.next()) is not None:
        started.append(at)
    return started


@given(places, limits, st.data())
def test_whatever_ends_in_whatever_order_no_limit_is_passed_and_every_vm_starts_once(
    some: list[RunPlace], bounds: Limits, data: st.DataObject
) -> None:
    schedule, started = Schedule(some, bounds), []
    while not schedule.over:
        now = start_all(schedule)
        if schedule.failed >= bounds.failures:
            assert now == []
        started += now
        running = schedule.running
        nodes = Counter(some[at].node for at in running if some[at].node)
        groups = Counter(some[at].group for at in running if some[at].group)
        assert len(running) <= min(schedule.width, bounds.at_once)
        assert max(nodes.values(), default=0) <= bounds.per_node
        assert max(groups.values(), default=0) <= bounds.per_group
        assert running, "nothing runs, nothing starts, and it is not over"
        schedule.ended(data.draw(st.sampled_from(sorted(running))), data.draw(st.integers(0, 9)) < 8)
    assert len(started) == len(set(started))
    if not schedule.stopped:
        assert sorted(started) == list(range(len(some)))


@given(st.integers(1, 60), st.integers(1, 20))
def test_a_fleet_without_failures_runs_one_then_two_then_four_up_to_the_limit(count: int, most: int) -> None:
    schedule, seen = Schedule([RunPlace()] * count, Limits(most, most, most, 1)), []
    while not schedule.over:
        wave = start_all(schedule)
        seen.append(len(wave))
        for at in wave:
            schedule.ended(at, True)
    expected, left, width = [], count, 1
    while left:
        expected.append(min(width, left))
        left -= expected[-1]
        width = min(2 * width, most)
    assert seen == expected
    assert waves(count, most) == len(seen)


@given(st.integers(2, 12), st.integers(0, 11), st.integers(1, 3))
def test_after_the_failure_that_reaches_the_threshold_nothing_starts_and_what_runs_ends(
    at_once: int, well: int, failures: int
) -> None:
    schedule = Schedule([RunPlace()] * 200, Limits(at_once, at_once, at_once, failures), width=at_once)
    start_all(schedule)
    for _ in range(well):
        schedule.ended(min(schedule.running), True)
        start_all(schedule)
    for number in range(1, failures + 1):
        assert not schedule.stopped
        schedule.ended(min(schedule.running), False)
        started = start_all(schedule)
        assert started == [] or number < failures
    while schedule.running:
        assert start_all(schedule) == []
        schedule.ended(min(schedule.running), True)
    assert schedule.over


def test_a_vm_whose_node_is_full_lets_the_next_one_go_first() -> None:
    schedule = Schedule(
        [RunPlace("n1"), RunPlace("n1"), RunPlace("n2")], Limits(at_once=3, per_node=1), width=3
    )
    assert start_all(schedule) == [0, 2]
    schedule.ended(0, True)
    assert start_all(schedule) == [1]
