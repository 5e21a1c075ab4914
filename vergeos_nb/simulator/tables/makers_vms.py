"""POST and DELETE on tables about VMs: actions, snapshots, VMs, drives, NICs, devices, favourites."""

from __future__ import annotations

from functools import partial

from vergeos_nb.simulator.api import actions
from vergeos_nb.simulator.api.creators import (
    CREATORS,
    REMOVERS,
    Body,
    Made,
    columns_of,
    expiry_type,
    link,
    required_text,
)
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.tables.coerce import coerce, is_required
from vergeos_nb.simulator.tables.schema import tables
from vergeos_nb.simulator.world import hardware
from vergeos_nb.simulator.world.world import Row, World

DEFAULT_SNAPSHOT_LIFE = 72 * 3600
"""Seconds a snapshot lives when `expires` is left out (pyvergeos 1.7.1 snapshots.py #146, measured)."""


@enter(CREATORS, "vm_actions")
def vm_action(world: World, body: Body, user: str) -> Made:
    """Carry out a VM action; `vm` is the VM's key, `params` an object or (in old examples) a text."""
    vm = link(world, body, "vm", "vms", of="vm_actions")
    params = body.get("params")
    name = required_text(body, "action", of="vm_actions")
    return Made(answer=actions.perform(world, vm, name, params if isinstance(params, dict) else {}, user))


@enter(CREATORS, "machine_snapshots")
def machine_snapshot(world: World, body: Body, user: str) -> Made:
    """Make a snapshot of a machine. Quiescing needs a guest agent that answers; a stuck guest has none."""
    machine = link(world, body, "machine", "machines", of="machine_snapshots")
    name = required_text(body, "name", of="machine_snapshots")
    now = int(world.now)
    never = expiry_type(body, "date") == "never" or body.get("expires") in (0, "0")
    column = tables()["machine_snapshots"].columns["expires"]
    expires = 0 if never else coerce(column, body.get("expires", now + DEFAULT_SNAPSHOT_LIFE))
    status = world.status_row(machine["$key"]) or {}
    quiesced = bool(body.get("quiesce")) and (not status.get("running") or status.get("status") == "running")
    made = actions.snapshot(world, machine["$key"], {
        "name": name, "description": str(body.get("description", "")), "created": now, "expires": expires,
        "quiesced": quiesced,
        "created_manually": bool(body.get("created_manually", False)),
    })  # fmt: skip
    world.log(machine["$key"], f"Snapshot '{name}' created", user=user)
    return Made(made["$key"])


@enter(REMOVERS, "machine_snapshots")
def remove_snapshot(world: World, row: Row) -> None:
    """Remove a snapshot with its frozen copy."""
    frozen = world.vm_of_machine(row.get("snap_machine", 0))
    if frozen is not None:
        actions.remove_vm(world, frozen)
    world.remove("machine_snapshots", row["$key"])


@enter(CREATORS, "vms")
def vm(world: World, body: Body, user: str) -> Made:
    """Make a stopped VM with its machine. Its name must be free, by switch."""
    name = required_text(body, "name", of="vms")
    actions.refuse_taken_vm_name(world, name)
    columns = columns_of(world, "vms", body)
    made = many_vms.add_vm(world, name, cores=1, ram=1024, running=False, started=0)
    world.update("vms", made["$key"], **columns, creator=user)
    world.set_status(made["machine"], running_cores=0, running_ram=0, last_update=int(world.now))
    world.log(made["machine"], f"VM '{name}' created", user=user)
    return Made(made["$key"], {"machine": str(made["machine"])})


@enter(REMOVERS, "vms")
def remove_vm(world: World, row: Row) -> None:
    """Delete a VM; a running one is refused (text recorded: Ansible collection 2.2.0)."""
    status = world.status_row(row["machine"]) or {}
    if status.get("running"):
        raise ApiError(422, "Virtual Machine must be stopped to delete")
    actions.remove_vm(world, row)


@enter(CREATORS, "machine_drives")
def drive(world: World, body: Body, user: str) -> Made:
    """Add a drive; a disk needs a size."""
    link(world, body, "machine", "machines", of="machine_drives")
    if body.get("media", "disk") == "disk" and not body.get("disksize"):
        raise is_required("machine_drives", "disksize")
    return _numbered_part(world, "machine_drives", "drive", body)


@enter(CREATORS, "machine_nics")
def nic(world: World, body: Body, user: str) -> Made:
    """Add a NIC; without a MAC address it gets one."""
    return _numbered_part(world, "machine_nics", "nic", body)


def _numbered_part(world: World, table: str, word: str, body: Body) -> Made:
    machine = link(world, body, "machine", "machines", of=table)["$key"]
    columns = {**columns_of(world, table, body), "machine": machine}
    columns.setdefault("name", f"{word}_{len(world.rows_behind(table, 'machine', machine))}")
    return Made(hardware.add_part(world, table, **columns)["$key"])


@enter(CREATORS, "machine_devices")
def device(world: World, body: Body, user: str) -> Made:
    """Add an emulated device."""
    machine = link(world, body, "machine", "machines", of="machine_devices")["$key"]
    columns = {**columns_of(world, "machine_devices", body), "machine": machine}
    made = hardware.add_part(world, "machine_devices", **columns)
    key = made["$key"]
    name = made.get("name") or f"{made.get('type', 'tpm')}_{key}"
    world.update("machine_devices", key, uuid=f"00000000-0000-4000-9000-{key:012d}", name=name)
    return Made(key)


REMOVERS.update({table: partial(hardware.remove_part, table=table) for table in hardware.PARTS})


@enter(CREATORS, "vm_favorites")
def favourite(world: World, body: Body, user: str) -> Made:
    """Remember a VM for a user."""
    vm_key = link(world, body, "vm", "vms", of="vm_favorites")["$key"]
    user_key = link(world, body, "user", "users", of="vm_favorites")["$key"]
    return Made(world.insert("vm_favorites", {"vm": vm_key, "user": user_key})["$key"])
