"""A large fleet costs per VM what a small one does. Time and memory are in `bench`: `fleet-growth`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.fleet.schedule import Limits


def calls_of_planning(fleet: StuckFleet) -> float:
    """For each VM."""
    before = len(fleet.sim.requests)
    fleet.plan(Limits(8, 8, 8, 1))
    return (len(fleet.sim.requests) - before) / len(fleet.names)


def calls_of_all(fleet: StuckFleet) -> float:
    """For each VM."""
    before = len(fleet.sim.requests)
    plan = fleet.plan(Limits(8, 8, 8, 1))
    fleet.approve(plan)
    run = fleet.apply(plan)
    assert run.account.outcome == "done"
    return (len(fleet.sim.requests) - before) / len(fleet.names)


def test_planning_for_more_vms_than_one_reading_may_name_takes_no_more_calls_each(outputs: Path) -> None:
    """All readings named the same hundred VMs, and each further VM was read alone."""
    small, large = StuckFleet(outputs / "40", 40), StuckFleet(outputs / "130", 130)
    assert calls_of_planning(large) <= 1.1 * calls_of_planning(small)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_thousand_vms_take_no_more_calls_each_than_a_hundred(outputs: Path) -> None:
    small, large = StuckFleet(outputs / "100", 100), StuckFleet(outputs / "1000", 1000)
    assert calls_of_all(large) <= 1.1 * calls_of_all(small)
