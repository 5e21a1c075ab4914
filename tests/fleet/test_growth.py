"""A large fleet costs per VM what a small one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.fleet.schedule import Limits


def calls_per_vm(outputs: Path, count: int) -> float:
    fleet = StuckFleet(outputs, count)
    plan = fleet.plan(Limits(8, 8, 8, 1))
    fleet.approve(plan)
    before = len(fleet.sim.requests)
    run = fleet.apply(plan)
    assert run.account.outcome == "done"
    return (len(fleet.sim.requests) - before) / count


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_thousand_vms_take_no_more_calls_each_than_a_hundred(outputs: Path) -> None:
    assert calls_per_vm(outputs / "1000", 1000) <= 1.1 * calls_per_vm(outputs / "100", 100)
