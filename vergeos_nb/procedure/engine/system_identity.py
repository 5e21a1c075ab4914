"""The name of a system: by its own ``id``, or by its host if it gives none. Pure.

ASSUME_SYSTEM_ID_IS_ITS_OWN
    The column ``id`` of ``system`` ("40-character unique system ID", tsvergeos) is another one for every
    system, tenants' included, and stays as it is. A copy of a whole system, as a disaster recovery may start
    one, can have its original's: then a plan still binds the keys and the state of its VMs, and a lease makes
    the one wait for the other.
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
    """The system's own id, or "" if it gives none or one of another form."""
    told = info.id.strip().lower()
    return told if ASSUME_SYSTEM_ID_IS_ITS_OWN and _ID.fullmatch(told) else ""


def in_plan(target: Target, info: SystemInfo) -> dict[str, Any]:
    """The system as a plan names it.

    One system is one system, in any spelling of its host, so its id replaces the host. A simulator that is
    started for a run has a new id each time. Its plan must stay the same, so there the profile's name is
    used.
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
    """The system that a plan names, also an older one."""
    called = f"host {system['host']}" if system.get("host") else f"system {str(system.get('id', '?'))[:12]}…"
    return f"cloud {system.get('cloud_name', '?')}, {called}"


def lease_names(host: str, info: SystemInfo, vm: int) -> tuple[str, ...]:
    """Every name under which a VM is leased: runs that share one of them wait for each other.

    If the system gives no id, its name is used instead. Then two systems of one name wait without need, but
    nothing is sent twice to one system that is reached in two ways.

    Args:
        host: in normal form, as the system is reached.
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
