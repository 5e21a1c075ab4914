"""What a run within a fleet may be given of what others have read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.fleet.selection import FleetVm, Named, resolve
from vergeos_nb.fleet.shared_readings import LIVE_S
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, VmKey

Read = Callable[[Any, FleetVm], Any]
LIVE: dict[str, Read] = {
    "machine_stats": lambda platform, vm: platform.machine_stats(MachineKey(vm.machine)),
    "machine_drives": lambda platform, vm: platform.machine_rows(
        MachineKey(vm.machine), "machine_drives", ("used_bytes",)
    ),
    "machine_nics": lambda platform, vm: platform.counters(MachineKey(vm.machine)),
}


@contextmanager
def two_runs(fleet: StuckFleet) -> Iterator[tuple[Any, Any, FleetVm, FleetVm]]:
    """The platforms of two runs within one fleet, and their VMs."""
    with fleet.system() as system, ExitStack() as stack:
        vms = resolve(system.inventory(), [Named(name) for name in fleet.names[:2]])
        system.reader.upcoming(frozenset(vm.machine for vm in vms))
        connect = system.connect(vms)
        one, other = (
            stack.enter_context(connect(fleet.clock, lambda *_: None, lambda _: None)).platform for _ in vms
        )
        yield one, other, *vms


def calls(fleet: StuckFleet, table: str) -> int:
    return sum(entry.path.endswith(f"/{table}") for entry in fleet.sim.requests)


@pytest.mark.parametrize("table", LIVE)
def test_one_call_reads_for_two_runs_and_none_is_given_it_twice(outputs: Path, table: str) -> None:
    """Two samples from one reading would stand still, whatever the VM does."""
    fleet, read = StuckFleet(outputs, 2), LIVE[table]
    with two_runs(fleet) as (one, other, vm, neighbour):
        read(one, vm)
        read(other, neighbour)
        assert calls(fleet, table) == 1
        read(one, vm)
        assert calls(fleet, table) == 2
        read(other, neighbour)
        assert calls(fleet, table) == 2


@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize("table", LIVE)
def test_no_run_is_given_what_is_older_than_a_second_or_than_the_end_of_its_own_change(
    outputs: Path, table: str, changed: bool
) -> None:
    fleet, read = StuckFleet(outputs, 2), LIVE[table]
    with two_runs(fleet) as (one, other, vm, neighbour):
        read(one, vm)
        fleet.stepped.advance(LIVE_S / 10 if changed else LIVE_S * 1.1)
        if changed:
            other.vm_action(VmKey(neighbour.key), "poweroff")
        read(other, neighbour)
        assert calls(fleet, table) == 2


@pytest.mark.parametrize("table", LIVE)
def test_a_reading_in_which_the_vm_does_not_occur_is_not_given_for_it(outputs: Path, table: str) -> None:
    fleet, read = StuckFleet(outputs, 3), LIVE[table]
    with two_runs(fleet) as (one, other, vm, _):
        read(one, vm)
        with fleet.system() as system:
            (stranger,) = resolve(system.inventory(), [Named(fleet.names[2])])
        read(other, stranger)
        assert calls(fleet, table) == 2


def rows_behind(platform: Any, vm: FleetVm, fleet: StuckFleet) -> Any:
    status = StatusKey(fleet.sim.world.vm(vm.name).status)
    return platform.rows_behind(VmKey(vm.key), MachineKey(vm.machine), status)


def test_rows_that_come_together_are_read_for_two_runs_in_one_call_and_none_is_given_them_twice(
    outputs: Path,
) -> None:
    fleet = StuckFleet(outputs, 2)
    with two_runs(fleet) as (one, other, vm, neighbour):
        before = len(fleet.sim.requests)
        first, beside = rows_behind(one, vm, fleet), rows_behind(other, neighbour, fleet)
        assert (first.vm, beside.vm) == (VmKey(vm.key), VmKey(neighbour.key))
        assert None not in (first.status, first.stats, first.counters, beside.counters)
        assert len(fleet.sim.requests) - before == 1
        rows_behind(one, vm, fleet)
        assert len(fleet.sim.requests) - before == 2
        other.vm_action(VmKey(neighbour.key), "poweroff")
        rows_behind(other, neighbour, fleet)
        assert len(fleet.sim.requests) - before == 4


def test_a_run_s_journal_holds_its_own_rows_of_those_that_came_together(outputs: Path) -> None:
    fleet, told = StuckFleet(outputs, 2), []
    with fleet.system() as system, ExitStack() as stack:
        vms = resolve(system.inventory(), [Named(name) for name in fleet.names[:2]])
        system.reader.upcoming(frozenset(vm.machine for vm in vms))
        joined = system.connect(vms)(fleet.clock, lambda *_: None, told.append)
        rows_behind(stack.enter_context(joined).platform, vms[0], fleet)
    assert [row["$key"] for row in told[-1].answer] == [vms[0].key]
