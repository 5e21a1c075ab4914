"""A large fleet costs per VM what a small one does. 1,000 VMs are measured in `bench`: `fleet-growth`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.fleet import shared_readings
from vergeos_nb.fleet.schedule import Limits


def calls_of_planning(fleet: StuckFleet) -> float:
    """For each VM."""
    before = len(fleet.sim.requests)
    fleet.plan(Limits(8, 8, 8, 1))
    return (len(fleet.sim.requests) - before) / len(fleet.names)


def test_planning_for_more_vms_than_one_reading_may_name_takes_no_more_calls_each(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All readings named the same VMs, as many as one may name, and each further VM was read alone."""
    monkeypatch.setattr(shared_readings, "MOST_AT_ONCE", 10)
    small, large = StuckFleet(outputs / "8", 8), StuckFleet(outputs / "26", 26)
    assert calls_of_planning(large) <= 1.1 * calls_of_planning(small)
