"""A VM that looks healthy is said to, in warning tone, before anything is planned; it stops nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.procedure.values.finding import Kind, of_result

Make = Callable[..., Rehearsal]
BY_ROW = "The row says running and online, as of a VM that works."
BY_COUNTERS = "This VM looks healthy: its row says running and online, and the counters of its"


@pytest.mark.parametrize(
    ("scenario", "row", "counters"),
    [
        ("healthy", True, True),
        ("deaf", True, True),
        ("stuck", False, False),
        ("zombie", False, False),
        ("kill_stuck", False, False),
        ("node_dead", False, False),
    ],
)
def test_only_a_vm_whose_row_and_counters_are_those_of_a_working_one_is_called_healthy(
    rehearse: Make, scenario: str, row: bool, counters: bool
) -> None:
    run = rehearse(scenario)
    book = run.open(**LADDER)
    for step in book.engine.steps[:6]:
        book.step(step.id)
    results = book.engine.results
    assert (BY_ROW in results["verify"].next_step) is row
    assert [BY_COUNTERS in results[step].next_step for step in ("alive", "plan")] == [counters, counters]
    assert bool(results["alive"].facts["healthy"]) is counters
    if row:
        assert of_result(results["verify"]).kind is Kind.LOOK
    run.end(book)


def test_the_warning_names_what_moves_and_asks_whether_it_is_the_right_one(rehearse: Make) -> None:
    run = rehearse("healthy")
    book = run.open(**LADDER)
    for step in book.engine.steps[:5]:
        book.step(step.id)
    assert book.engine.results["alive"].next_step == (
        "This VM looks healthy: its row says running and online, and the counters of its network and disks "
        "move. Make sure that this is the VM you mean before you plan anything. The standard methods act on "
        "it; the override stays closed while it lives."
    )
    run.end(book)
