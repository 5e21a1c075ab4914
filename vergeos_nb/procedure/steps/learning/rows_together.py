"""Whether the rows that come with a VM's row are the rows themselves. Reads only.

A running VM is compared, because only rows that are written show whether an answer lags behind. Each of its
rows is read by its own call, then all are read together. If they differ, each is read once more, because it
may have been written in between. A row together that is older than the row read before is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from vergeos_nb.errors import ApiError, PermissionDenied
from vergeos_nb.procedure.steps.learning.observations import LearnCase
from vergeos_nb.vergeos.rows import Counter, MachineKey, MachineStats, MachineStatus, Vm, VmNow

Part = Literal["same", "differs", "missing", "no row", "moving"]

TRIES = 3
"""How often a VM is compared whose rows are written while they are read."""

PAUSE_S = 1.0
"""Seconds between two tries."""

ROWS_WITH_VM = "rows_with_vm"
STATE_WITH_VM = "state_with_vm"
SAME: Final = "same"
NOT_SHOWN: Final = "not shown"


def compare_rows(case: LearnCase, running: Mapping[int, str]) -> None:
    """Observe how rows come together, with the first of these VMs that shows it.

    One VM needs 8 calls if its rows stand still, and at most 37. If rows do not come together, the rest of
    this run reads each row by its own call.

    Args:
        running: machines of running VMs, each with the VM's name.
    """
    value, how = NOT_SHOWN, "no running VM was there"
    for machine, name in running.items():
        try:
            value, how = _compared(case, MachineKey(machine), name)
        except (ApiError, PermissionDenied) as error:
            value, how = NOT_SHOWN, f"{name}: {error.asked}: {error.came_back}"
        if value != NOT_SHOWN:
            break
    case.observe(ROWS_WITH_VM, value, how)
    case.rows_differ = value in ("differ", "missing")


def _compared(case: LearnCase, machine: MachineKey, name: str) -> tuple[str, str]:
    """The value and the words of the observation for one VM."""
    vm = next(
        (one for one in case.platform.vms_named(name) if one.machine == machine and not one.is_snapshot), None
    )
    if vm is None:
        return NOT_SHOWN, f"{name}: it is gone"
    parts = _parts(case, vm)
    for _ in range(TRIES - 1):
        if "moving" not in parts.values() or "differs" in parts.values():
            break
        case.clock.sleep(PAUSE_S)
        parts = _parts(case, vm)
    return _value(list(parts.values())), f"{name}: " + ", ".join(f"{what} {it}" for what, it in parts.items())


def _parts(case: LearnCase, vm: Vm) -> dict[str, Part]:
    """How each part of the VM's rows came, by its name."""
    platform, machine = case.platform, vm.machine
    now = platform.vm_now(vm.key)

    def alone() -> tuple[MachineStatus, MachineStats | None, Sequence[Counter]]:
        status, stats = platform.machine_status(now.status_key), platform.machine_stats(machine)
        return status, stats, tuple(platform.counters(machine))

    before = alone()
    together = platform.rows_behind(vm.key, machine, now.status_key)
    _observe_state(case, now, before[0])
    came = (together.status, together.stats, together.counters)
    names = ("status", "statistics", "counters")
    parts = {name: _part(*one) for name, *one in zip(names, before, came, strict=True)}
    if "moving" in parts.values():
        after = alone()
        parts = {name: _part(*one) for name, *one in zip(names, before, came, after, strict=True)}
    return parts


def _part(before: object, came: object, after: object = None) -> Part:
    """How one part came. Without a reading afterwards, another value counts as `moving`."""
    if not before:
        return "no row"
    if came is None:
        return "missing"
    if came in (before, after) or _between(before, came, after):
        return "same"
    return "differs" if before == after or _written(came) < _written(before) else "moving"


def _written(part: object) -> int:
    """When this part was written last, in seconds since 1970, or 0."""
    if isinstance(part, MachineStatus):
        return part.last_update or 0
    if isinstance(part, MachineStats):
        return part.modified or 0
    times = [one.last_update or 0 for one in part] if isinstance(part, tuple) else []
    return max(times, default=0)


def _between(before: object, came: object, after: object) -> bool:
    """Whether these are counters, each at least as high as before and at most as high as after."""
    if not (isinstance(before, tuple) and isinstance(came, tuple) and isinstance(after, tuple)):
        return False
    numbers = [[_numbers(one) for one in some] for some in (before, came, after)]
    if len({tuple(map(tuple, some)) for some in numbers}) != 1:
        return False
    return all(
        low[name] <= it[name] <= high[name] for low, it, high in zip(*numbers, strict=True) for name in it
    )


def _numbers(one: Counter) -> dict[str, int]:
    """A counter's values and the time that it was written, each under a name with its kind and key."""
    values = {**one.values, **({"last_update": one.last_update} if one.last_update is not None else {})}
    return {f"{one.kind} {one.key} {name}": value for name, value in values.items()}


def _value(parts: Sequence[Part]) -> str:
    if "differs" in parts:
        return "differ"
    if "no row" in parts or "moving" in parts:
        return NOT_SHOWN
    missing = parts.count("missing")
    return SAME if not missing else "missing" if missing == len(parts) else "some missing"


def _observe_state(case: LearnCase, now: VmNow, row: MachineStatus) -> None:
    """Observe whether the reading before each changing request gives the status row's values."""
    said = (now.running, now.status, now.state, now.powerstate, now.node, now.started)
    held = (row.running, row.status, row.state, row.powerstate, row.node, row.started)
    how = f"{now.name}: machine#status#… of the VM's row, beside the status row"
    case.observe(STATE_WITH_VM, SAME if said == held else "differs", how)
