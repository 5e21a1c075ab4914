"""Locate: find the one VM with this name. If several VMs have it, the key is needed, too. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vergeos_nb.errors import (
    ApiError,
    PermissionDenied,
    Refused,
    RowNotFound,
    UsageError,
    VergeNbError,
    VmAmbiguous,
    VmNotFound,
)
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_tables import TWINS, VMS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.vergeos.rows import Vm, VmKey
from vergeos_nb.words import likeness

# The shortest part of a name for which VMs are looked for.
_WORD = 3


def locate(case: Case) -> Draft:
    """Find exactly one VM with exactly this name that is not a snapshot. If there are several, use the key.

    A key without a name is not accepted: with a mistyped number it would be another VM.
    """
    name, number = case.options.vm_name, case.options.vm_key
    key = VmKey(number) if number else None
    asked = f"finding the VM {name!r}" + (f" with the key {key}" if key else "")
    if not name:
        only_key = f"only the key {key} was given"
        hint = "give the VM's name as well; name and key must agree"
        raise UsageError(
            "finding the VM",
            only_key if key else "no VM was chosen",
            hint if key else "type its exact name, or pick it from the list",
        )
    rows = [vm for vm in case.platform.vms_named(name) if vm.name == name]
    named = [vm for vm in rows if not vm.is_snapshot]
    if key is not None:
        return _by_key(case, key, named, asked)
    if len(named) == 1:
        return _found(case, named[0], rows)
    if named:
        keys = ", ".join(str(vm.key) for vm in named)
        one_of = " or vm_key=".join(str(vm.key) for vm in named)
        return ended_by(
            VmAmbiguous(
                asked,
                f"{len(named)} VMs have this name (VM keys {keys})",
                "look in the table which one you mean (node, status, last write), and give its key as "
                f"well: vm_key={one_of}",
            ),
            _side_by_side(case, name, named),
        )
    if rows:
        return ended_by(
            Refused(
                asked,
                "only snapshots have this name; a snapshot is no VM and does not run",
                "give the name of the VM itself",
            ),
            _vms(rows),
        )
    similar = _similar(case, name)
    hint = "check the spelling; upper and lower case differ"
    if similar:
        hint += f". Similar names: {', '.join(repr(vm.name) for vm in similar[:5])}"
    return ended_by(VmNotFound(asked, "no VM has this name", hint), _vms(similar))


def _similar(case: Case, name: str) -> Sequence[Vm]:
    """VMs whose name contains this one or, if none does, its longest word; the most similar name first."""
    word = max(re.findall(r"[^\W_]+", name), key=len, default="")
    for text in (name, word) if len(word) >= _WORD and word != name else (name,):
        found = [vm for vm in case.platform.vms_like(text) if not vm.is_snapshot]
        if found:
            return sorted(found, key=lambda vm: -likeness(name, vm.name))
    return ()


def _by_key(case: Case, key: VmKey, named: Sequence[Vm], asked: str) -> Draft:
    """The end of the step if a key was given: the VM with this key, if it has the name."""
    name = case.options.vm_name
    keys = ", ".join(str(vm.key) for vm in named)
    by_name = f"the key of the VM named {name!r} is {keys}" if named else f"no VM is named {name!r}"
    if len(named) > 1:
        by_name = f"the VMs named {name!r} have the keys {keys}"
    mine = next((vm for vm in named if vm.key == key), None)
    try:
        vm = mine or case.platform.vm_of_key(key)
    except RowNotFound:
        return ended_by(
            VmNotFound(asked, f"no VM has this key; {by_name}", _way_on(name, named)), _vms(named)
        )
    error: VergeNbError
    if vm.name != name:
        came = f"name and key do not agree: VM {key} is named {vm.name!r}, and {by_name}"
        hint = f"{_way_on(name, named)}, or vm_name={vm.name} if you mean VM {key}"
        return ended_by(Refused(asked, came, hint), _vms([vm, *named]))
    if vm.is_snapshot:
        error = Refused(
            asked, f"{key} is a snapshot; a snapshot is no VM and does not run", _way_on(name, named)
        )
        return ended_by(error, _vms([vm, *named]))
    return _found(case, vm, named)


def _way_on(name: str, named: Sequence[Vm]) -> str:
    if not named:
        return "give the VM's name and its key as the VergeOS UI shows them"
    also = " (or leave vm_key out)" if len(named) == 1 else ""
    return f"give vm_key={' or '.join(str(vm.key) for vm in named)}{also} if you mean {name!r}"


def _found(case: Case, vm: Vm, rows: Sequence[Vm]) -> Draft:
    case.vm = vm
    others = [other.key for other in rows if other.key != vm.key and not other.is_snapshot]
    warn = ""
    if others:
        also = ", ".join(str(other) for other in others)
        warn = f"Other VMs have this name, too (VM keys {also}). From here on everything goes by key."
    return Draft(
        StepOutcome.PASSED,
        f"{vm.name!r} is VM {vm.key}; its machine is {vm.machine}. These are two different numbers.",
        warn,
        (
            _side_by_side(case, vm.name, [vm, *(o for o in rows if o.key in others)])
            if others
            else _vms(rows),
        ),
        {"vm": {"name": vm.name, "key": vm.key.value, "machine": vm.machine.value}},
    )


def _side_by_side(case: Case, name: str, named: Sequence[Vm]) -> Table:
    """The VMs with the same name and what tells them apart; their rows if the platform does not list them."""
    try:
        listed = {vm.key: vm for vm in case.platform.vms_listed(name)}
    except (ApiError, PermissionDenied) as error:
        case.note(f"the VMs named {name!r} could not be compared: {error.came_back}")
        return _vms(named)
    if any(vm.key not in listed for vm in named):
        return _vms(named)
    return TWINS.table(
        *(
            (
                vm.key.value,
                vm.name,
                vm.node,
                vm.status,
                vm.last_write,
                vm.cores,
                vm.ram_mb,
                ", ".join(vm.tags),
            )
            for vm in (listed[one.key] for one in named)
        )
    )


def _vms(rows: Sequence[Vm]) -> Table:
    return VMS.table(
        *((vm.key.value, vm.name, vm.machine.value, vm.is_snapshot, vm.cpu_cores, vm.ram) for vm in rows)
    )
