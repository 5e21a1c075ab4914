"""A row that came together is compared with the row itself, read before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vergeos_nb.procedure.steps.learning.rows_together import _part, _value
from vergeos_nb.vergeos.rows import Counter, MachineKey, MachineStats

STATS = MachineStats(MachineKey(44), 51.0, 4923.0, (), 1_790_000_010)
LATER = replace(STATS, total_cpu=40.0, modified=1_790_000_015)
COUNTERS = (Counter("nic", 7, "nic_0", {"rx_bytes": 100}, 1_790_000_010),)


def counted(number: int, at: int) -> tuple[Counter, ...]:
    return (replace(COUNTERS[0], values={"rx_bytes": number}, last_update=1_790_000_000 + at),)


@pytest.mark.parametrize(
    ("before", "came", "after", "said"),
    [
        (STATS, STATS, None, "same"),
        (STATS, LATER, LATER, "same"),
        (STATS, LATER, replace(LATER, modified=1_790_000_020), "moving"),
        (STATS, LATER, STATS, "differs"),
        (LATER, STATS, replace(LATER, modified=1_790_000_020), "differs"),
        (STATS, None, STATS, "missing"),
        (None, STATS, STATS, "no row"),
        ((), COUNTERS, COUNTERS, "no row"),
        (COUNTERS, counted(150, 12), counted(200, 15), "same"),
        (COUNTERS, counted(250, 12), counted(200, 15), "moving"),
        (COUNTERS, counted(250, 12), COUNTERS, "differs"),
        (COUNTERS, counted(90, 5), counted(200, 15), "differs"),
    ],
)
def test_a_row_is_the_same_as_it_was_before_or_after_or_it_is_older_or_else_it_moves(
    before: Any, came: Any, after: Any, said: str
) -> None:
    assert _part(before, came, after) == said


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("same", "same", "same"), "same"),
        (("same", "differs", "moving"), "differ"),
        (("same", "moving", "missing"), "not shown"),
        (("same", "same", "no row"), "not shown"),
        (("missing", "missing", "missing"), "missing"),
        (("same", "missing", "same"), "some missing"),
    ],
)
def test_one_row_that_differs_decides_and_one_that_shows_nothing_leaves_it_open(
    parts: Any, said: str
) -> None:
    assert _value(parts) == said
