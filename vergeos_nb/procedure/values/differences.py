"""Differences between an earlier and a present state, and between two plans. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from vergeos_nb.bound import bound_values
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.step_tables import DIFFERENCE
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.vergeos.rows import MachineStatus, StatusKey, Vm, VmNow

NOT_THERE = "(not there)"


def identity_changes(vm: Vm, key: StatusKey, now: VmNow) -> Table | None:
    """The changed fields of the VM's identity since it was found, or None."""
    pairs = (
        ("name", vm.name, now.name),
        ("is_snapshot", "false", str(now.is_snapshot).lower()),
        ("machine", str(vm.machine), str(now.machine)),
        ("status row", str(key), str(now.status_key)),
        ("machine of the status row", str(vm.machine), str(now.status_machine)),
    )
    rows = [pair for pair in pairs if pair[1] != pair[2]]
    return DIFFERENCE.table(*rows) if rows else None


def state_of(now: VmNow | MachineStatus) -> dict[str, Any]:
    """The fields of a status row that a plan binds: state and place, but no heartbeat."""
    return {
        "running": now.running,
        "status": now.status,
        "state": now.state,
        "powerstate": now.powerstate,
        "node": now.node,
        "migrated_node": now.migrated_node,
        "migration_destination": now.migration_destination,
        "started": now.started,
    }


def parameters_changed(plan: Plan, options: BaseModel) -> Table | None:
    """Which parameters differ from those that the plan binds, or None. Plans of format 2 name none."""
    approved = plan.content.get("parameters")
    changed = difference(approved, bound_values(options)) if approved is not None else None
    return changed if changed is not None and changed.rows else None


def as_approved(changed: Table) -> str:
    """The parameters of such a table with their approved values, as ``-p`` options take them."""
    given = ((name, json.loads(str(then))) for name, then, _ in changed.rows if then != NOT_THERE)
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in given
    )


def difference(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Table:
    """The fields in which two JSON objects differ."""
    left, right = _flat(approved), _flat(now)
    return DIFFERENCE.table(
        *(
            (name, left.get(name, NOT_THERE), right.get(name, NOT_THERE))
            for name in sorted(left.keys() | right.keys())
            if left.get(name) != right.get(name)
        )
    )


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        return {k: v for key in value for k, v in _flat(value[key], f"{prefix}{key}.").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in _flat(item, f"{prefix}{i}.").items()}
    return {prefix.rstrip("."): json.dumps(value, ensure_ascii=False)}
