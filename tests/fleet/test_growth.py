"""A large fleet costs per VM what a small one does. 1,000 VMs are measured in `bench`: `fleet-growth`."""

from __future__ import annotations

from pathlib import Path

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.fleet.schedule import Limits


def calls_of_planning(fleet: StuckFleet) -> float:
    """For each VM."""
    before = len(fleet.sim.requests)
    fleet.plan(Limits(8, 8, 8, 1))
    return (len(fleet.sim.requests) - before) / len(fleet.names)


def test_planning_for_more_vms_than_one_reading_may_name_takes_no_more_calls_each(outputs: Path) -> None:
    """All readings named the same hundred VMs, and each further VM was read alone."""
    small, large = StuckFleet(outputs / "40", 40), StuckFleet(outputs / "130", 130)
    assert calls_of_planning(large) <= 1.1 * calls_of_planning(small)
