"""What follows for others is said on the plan, and changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rehearsal import LADDER, Rehearsal, ending
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.simulator.faults.rules import Rule

Make = Callable[..., Rehearsal]
SHARES = "It is a NAS service: its shares go down with it, for everything that mounts them."


def plan_of(account: RunState) -> StepResult:
    return next(one for one in account.results if one.step == "plan")


def drives(run: Rehearsal, name: str) -> list[int]:
    machine = run.sim.world.vm(name).machine
    return [key for key, row in run.sim.world.tables["machine_drives"].items() if row["machine"] == machine]


def share(run: Rehearsal, media: str = "disk") -> None:
    """Both VMs' first drives name one file."""
    for name in ("web-01", "web-02"):
        run.sim.world.set_row("machine_drives", drives(run, name)[0], media_source=77, media=media)


def test_a_nas_service_takes_its_shares_along(rehearse: Make) -> None:
    plan = plan_of(rehearse("nas_service").run(**LADDER))
    assert plan.facts["follows"] == [SHARES]
    assert ("what follows", SHARES) in plan.tables[0].rows
    assert plan.next_step.startswith(SHARES)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("", []),
        (
            "+db",
            ["Its HA group '+db' keeps its VMs together on one node: look at the others there, too."],
        ),
        ("web", ["Its HA group 'web' keeps its VMs apart: no node that runs another of them starts it."]),
    ],
)
def test_an_ha_group_is_said_with_what_it_does(rehearse: Make, group: str, said: list[str]) -> None:
    run = rehearse("stuck")
    run.sim.world.set_row("machines", run.sim.world.vm("web-01").machine, ha_group=group)
    assert plan_of(run.run(**LADDER)).facts["follows"] == said


def test_a_disk_that_another_vm_uses_too_is_named_with_it_and_the_digest_stays(rehearse: Make) -> None:
    alone, run = rehearse("stuck"), rehearse("stuck")
    share(run)
    plan = plan_of(run.run(**LADDER))
    (said,) = plan.facts["follows"]
    assert said.endswith(
        "is shared with web-02: what web-01 has not written is lost for them, too, and a cluster can lose "
        "its quorum."
    )
    assert plan.facts["plan_digest"] == alone.run(**LADDER).fact("plan_digest")
    assert ending(run.approve(**LADDER)) == ("done", "off", 0)


def test_a_cd_image_that_several_vms_have_in_is_no_shared_disk(rehearse: Make) -> None:
    run = rehearse("stuck")
    share(run, "cdrom")
    assert plan_of(run.run(**LADDER)).facts["follows"] == []


def test_a_platform_that_does_not_tell_whose_disks_they_are_stops_nothing(rehearse: Make) -> None:
    run = rehearse("stuck")
    share(run)
    run.sim.faults.add(
        Rule("untold", "GET", "/api/v4/machine_drives*media_source*eq*", status=403, text="no")
    )
    run.sim.faults.add(Rule("later", "GET", "/api/v4/machine_drives*", nth=(1,), status=403, text="no"))
    plan = plan_of(run.run(**LADDER))
    assert (plan.outcome.value, plan.facts["follows"]) == ("passed", [])
