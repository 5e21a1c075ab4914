"""What a system is called: by what it says of itself, and by its host where it says too little. Pure.

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
    """The system's own number, or "" where it tells none that could be."""
    told = info.id.strip().lower()
    return told if ASSUME_SYSTEM_ID_IS_ITS_OWN and _ID.fullmatch(told) else ""


def in_plan(target: Target, info: SystemInfo) -> dict[str, Any]:
    """What a plan calls its system.

    One system is one system, however its host is spelled, so its id stands for the host. A simulator that is
    started for a run has another id each time, and the plan is the same: there the profile's name stands.
    """
    own = id_of(info)
    called = {"id": own} if own and target.host != SIMULATOR_HOST else {"host": target.host}
    return {
        "profile": target.profile,
        **called,
        "cloud_name": info.cloud_name,
        "simulated": info.simulated,
    }


def in_words(system: Mapping[str, Any]) -> str:
    """The system that a plan names, also an older one."""
    called = f"host {system['host']}" if system.get("host") else f"system {str(system.get('id', '?'))[:12]}…"
    return f"cloud {system.get('cloud_name', '?')}, {called}"


def lease_names(host: str, info: SystemInfo, vm: int) -> tuple[str, ...]:
    """Every name under which a VM is leased: runs that share one of them wait for each other.

    Where the system tells no id of its own, its name stands for it: two systems of one name wait without
    need, and nothing is sent twice to one system that is reached in two ways.

    Args:
        host: in normal form, as the system is reached.
        vm: the VM's key.
    """
    own = id_of(info)
    return (f"system {own} vm {vm}" if own else f"cloud {info.cloud_name} vm {vm}", f"{host} vm {vm}")


def differences(then: Mapping[str, Any], target: Target, info: SystemInfo) -> list[tuple[str, Any, Any]]:
    """What an earlier record says of its system, beside what is there now: what, then, now.

    Where both name the system's id, the host does not matter.

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
