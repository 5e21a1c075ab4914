"""The name of a system: by its own ``id``, or by its host if it gives none. Pure.

ASSUME_SYSTEM_ID_IS_ITS_OWN
    The column ``id`` of ``system`` ("40-character unique system ID", tsvergeos) differs between systems,
    also between tenants, and never changes. A copy of a whole system, such as one that a disaster recovery
    starts, can have the id of its original. Then a plan still binds the keys and the state of its VMs, and
    runs on copy and original wait for each other's leases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vergeos_nb.procedure.engine.case import SIMULATOR_HOST, Target
from vergeos_nb.vergeos.rows import SystemInfo

ASSUME_SYSTEM_ID_IS_ITS_OWN = True

_ID = re.compile(r"(?!(.)\1*$)[0-9a-f]{40}")


def id_of(info: SystemInfo) -> str:
    """The system's own id; "" if it has none, or one of another form."""
    told = info.id.strip().lower()
    return told if ASSUME_SYSTEM_ID_IS_ITS_OWN and _ID.fullmatch(told) else ""


def in_plan(target: Target, info: SystemInfo) -> dict[str, Any]:
    """The system as a plan names it.

    The id replaces the host, so that another spelling of the host does not change the plan. A simulator that
    is started for a run has a new id each time. There the profile's name is used, so that the plan stays the
    same.
    """
    own = id_of(info)
    called = {"id": own} if own and target.host != SIMULATOR_HOST else {"host": target.host}
    return {
        "profile": target.profile,
        **called,
        "cloud_name": info.cloud_name,
        "simulated": info.simulated,
    }


def name_of(target: Target, info: SystemInfo) -> str:
    """The name under which measurements of this system are kept: its id, or its host.

    A simulator that is started for a run has a new id each time. Its profile names the scenario, and so its
    behaviour.
    """
    if target.host == SIMULATOR_HOST:
        return target.profile
    return id_of(info) or target.host


def in_words(system: Mapping[str, Any]) -> str:
    """The system of a plan in words, also of an older plan."""
    called = f"host {system['host']}" if system.get("host") else f"system {str(system.get('id', '?'))[:12]}…"
    return f"cloud {system.get('cloud_name', '?')}, {called}"


def lease_names(host: str, info: SystemInfo, vm: int) -> tuple[str, ...]:
    """The names of all leases of a VM. Runs that share one of them exclude each other.

    If the system has no id, its cloud name is used instead. Then runs on two systems with the same name
    exclude each other without need, but never do two runs work on one system that is reached in two ways.

    Args:
        host: the host of the connection, in normal form.
        vm: the VM's key.
    """
    own = id_of(info)
    return (f"system {own} vm {vm}" if own else f"cloud {info.cloud_name} vm {vm}", f"{host} vm {vm}")


def differences(then: Mapping[str, Any], target: Target, info: SystemInfo) -> list[tuple[str, Any, Any]]:
    """The differences between a system in an earlier record and now: field, then, now.

    If both have the system's id, the host does not matter.

    Args:
        then: ``system_id``, ``host``, ``cloud_name`` and ``simulated``; older records have no ``system_id``.
    """
    own = id_of(info)
    if own and then.get("system_id"):
        by = ("system", then["system_id"], own)
    else:
        by = ("host", then.get("host"), target.host)
    return [
        ("simulated", then.get("simulated"), info.simulated),
        by,
        ("cloud", then.get("cloud_name"), info.cloud_name),
    ]
