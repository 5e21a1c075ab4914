"""The plan of a fleet holds every bound parameter, and one that an older version made sends nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import Drift
from vergeos_nb.fleet import plan as plans
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import FleetVm
from vergeos_nb.procedure.values.canonical_plan import Plan

SYSTEM = {"profile": "simulator", "host": "simulator", "cloud_name": "lab", "simulated": True}


def made(**limits: int) -> Plan:
    vm = FleetVm("web-01", 7, 8, "node1", "")
    planned = plans.Planned(vm, "a" * 64, "off", "")
    return plans.fleet_plan([planned], {"kill_wait_s": 20.0}, Limits(**limits), SYSTEM)


@pytest.mark.parametrize("limit", ["at_once", "per_node", "per_group", "failures"])
def test_every_limit_of_a_fleet_is_bound_by_its_approval(limit: str) -> None:
    assert made().digest != made(**{limit: 9}).digest


def test_a_fleet_plan_of_an_older_version_is_shown_and_cannot_be_approved(tmp_path: Path) -> None:
    # Holds off: the plans of its VMs, which bind only some parameters, are applied by this version.
    earlier = Plan({**made().content, "format": "vergeos-nb/fleet-plan/1"})
    PlanShelf(tmp_path).keep(earlier)
    found = plans.find_plan(tmp_path, earlier.digest)
    assert [vm.name for vm in found.vms] == ["web-01"]
    assert isinstance(found.outdated(), Drift)
    clock = SystemClock()
    with pytest.raises(Drift, match=r"an older version made it(.|\n)*vergeos-nb fleet plan"):
        plans.approve(tmp_path, earlier.digest, "grace", clock, clock.now() + 60)
