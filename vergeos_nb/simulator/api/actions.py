"""`POST vm_actions`: what each action does, at once and later (D-power, D-adv, pyvergeos 1.7.1 vms.py).

An action is answered when it is accepted; its effect follows. The answer to power actions is `{}` with
201 (assumed: the sources show an empty body or an empty object).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from vergeos_nb.simulator.api.creators import NAME_TAKEN
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.tables.coerce import not_in_list, validation_error
from vergeos_nb.simulator.world import hardware, life
from vergeos_nb.simulator.world.world import Row, World

RELAYED = ("poweroff", "kill", "reset", "hibernate")
"""Actions that the VM's node carries out while the request waits (vendor's CLI on 26.0.2.1, recorded)."""

RELAY_FAILS = {
    "refused": (422, "No such file or directory", 0.0),
    "failed": (503, "Connection refused", 0.0),
    "hangs": (504, "Connection timed out", 600.0),
}
"""By the switch `relay_to_a_dead_node`: status, cause and seconds of waiting. All three are assumed."""

Action = Callable[[World, Row, dict[str, Any]], "dict[str, Any] | None"]

ACTIONS: dict[str, Action] = {}

CANNOT_START = "Error starting machine: Machine is already running with status '{}'"
"""Text recorded on 26.1.8 (Ansible collection 2.2.0). Of all refusals recorded there none was a 409."""

TOO_LARGE = "Machine exceeds the max amount of {} allowed on this cluster"
"""Text recorded on 26.1.8 (Ansible collection 2.2.0), with `ram` or `cores`."""

NOT_IMPLEMENTED = (
    "changecd", "changenet", "paste", "execute", "fsync_strict",
    "erase_drive", "refresh", "recover_cloudsnapshot", "move",
)  # fmt: skip
"""Actions the platform has (TS, GO, pyvergeos) and the simulator does not: 501, never a quiet 201."""


def perform(world: World, vm: Row, name: str, params: dict[str, Any], user: str) -> dict[str, Any] | None:
    """Accept an action on a VM and return the answer's body (None: an empty body).

    Raises:
        ApiError: 422 for an action that does not exist, 501 for one the simulator lacks, 409 for a VM
            in the wrong state.
    """
    if name in NOT_IMPLEMENTED:
        raise ApiError(501, f"The simulator does not implement the action '{name}'")
    function = ACTIONS.get(name)
    if function is None:
        raise not_in_list("action", name)
    if vm.get("is_snapshot", False) and name not in ("clone", "restore"):
        raise ApiError(422, "Operation not permitted")
    failure = _relay_failure(world, vm, name)
    if failure is not None and not world.switches.relay_is_carried_out:
        raise failure
    answer = function(world, vm, params)
    if failure is not None:
        raise failure
    world.log(vm["machine"], f"VM action '{name}' sent", level="audit", user=user)
    return answer


def _relay_failure(world: World, vm: Row, name: str) -> ApiError | None:
    """The error of an action whose node does not answer; None if it does, or if the switch accepts."""
    row = _status(world, vm)
    answers = _node_answers(world, vm)
    how = RELAY_FAILS.get(world.switches.relay_to_a_dead_node)
    if name not in RELAYED or answers or how is None or not row.get("running"):
        return None
    status, cause, delay = how
    return ApiError(status, f"Error sending action to node: {cause}", delay=delay)


def _node_answers(world: World, vm: Row) -> bool:
    node = _status(world, vm).get("node")
    return node is None or (world.node_is_up(node) and world.vitals[vm["machine"]].behaviour.takes_actions)


def _status(world: World, vm: Row) -> Row:
    return world.status_row(vm["machine"]) or {}


def _carried_out(world: World, vm: Row, seconds: float | None) -> float | None:
    """Return how long an action takes, in seconds; None (never) if the node that must do it is not there.

    With the switch `relay_is_carried_out`, a node that is cut off ends the process all the same.
    """
    if _node_answers(world, vm):
        return seconds
    if world.switches.relay_is_carried_out and seconds is not None:
        world.next_action(vm["machine"])
        world.later(seconds, "dies_unseen", vm["machine"])
    return None


def _needs_running(world: World, vm: Row) -> bool:
    """Whether the row says that the VM runs. If it does not: refuses, or by switch returns False."""
    if _status(world, vm).get("running"):
        return True
    if world.switches.conflict_in_wrong_state:
        raise ApiError(409, "VM is not in running state")
    return False


@enter(ACTIONS, "poweron")
def poweron(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Start the VM if its row says that it is stopped. Over a live process this makes a second copy."""
    if not vm.get("enabled", True):
        raise ApiError(422, "Operation not permitted")
    status = _status(world, vm).get("status", "running")
    if _status(world, vm).get("running"):
        if world.switches.conflict_in_wrong_state:
            raise ApiError(422, CANNOT_START.format(status))
        return {}
    _refuse_too_large(world, vm)
    machine = vm["machine"]
    vitals = world.next_action(machine)
    node = life.pick_node(world, machine, _node_wanted(world, params))
    if node is None:
        world.set_status(machine, **life.STOPPED)
        world.set_status(machine, status="waitingforresources", state="warning")
        return {}
    world.set_status(machine, status="initializing", state="online", powerstate=True, node=node)
    world.later(vitals.behaviour.poweron, "finish_start", machine, node=node)
    return {}


def _refuse_too_large(world: World, vm: Row) -> None:
    cluster = world.get("clusters", vm.get("cluster")) or {}
    for word, column, limit in (("ram", "ram", "max_ram_per_vm"), ("cores", "cpu_cores", "max_cores_per_vm")):
        most = cluster.get(limit, world.schema["clusters"].columns[limit].default)
        if int(vm.get(column, 0)) > most:
            raise ApiError(422, TOO_LARGE.format(word))


def refuse_taken_vm_name(world: World, name: str, own: int | None = None) -> None:
    """Refuse a name that another VM has; a snapshot carries its VM's name.

    Raises:
        ApiError: 422 (recorded: TF issue 16, Ansible collection 2.2.0), by switch.
    """
    taken = any(
        row.get("name") == name and not row.get("is_snapshot", False) and key != own
        for key, row in world.tables["vms"].items()
    )
    if taken and world.switches.names_are_unique:
        raise ApiError(422, NAME_TAKEN)


def _node_wanted(world: World, params: dict[str, Any]) -> int | None:
    wanted = params.get("preferred_node", params.get("node"))
    if wanted in (None, "", 0, "0"):
        return None
    try:
        key = int(str(wanted))
    except ValueError:
        raise validation_error("params", "preferred_node is not a number") from None
    if world.get("nodes", key) is None:
        raise ApiError(404, f"Resource '/v4/nodes/{key}' not found")
    return key


@enter(ACTIONS, "poweroff")
def poweroff(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Ask the guest to shut down. A guest that ignores ACPI keeps running."""
    if _needs_running(world, vm):
        machine = vm["machine"]
        wait = _carried_out(world, vm, world.vitals[machine].behaviour.acpi)
        if wait is not None:
            world.next_action(machine)
            world.set_status(machine, status="stopping")
            world.later(wait, "finish_stop", machine)
    return {}


@enter(ACTIONS, "kill")
def kill(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """End the process, like pulling the plug. Accepted for a stopped VM too (release notes 26.0.1)."""
    machine = vm["machine"]
    row = _status(world, vm)
    if not row.get("running") and not row.get("powerstate"):
        if not world.switches.kill_on_stopped_is_accepted:
            raise ApiError(409, "VM is not in running state")
        if not world.vitals[machine].alive:
            return {}
    wait = _carried_out(world, vm, world.vitals[machine].behaviour.kill)
    if wait is not None:
        world.next_action(machine)
        world.later(wait, "finish_stop", machine, text="VM was killed")
    return {}


@enter(ACTIONS, "reset")
def reset(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Reset hard, or (`graceful`) ask the guest to reboot; a guest that ignores ACPI ignores that too."""
    if _needs_running(world, vm):
        machine = vm["machine"]
        behaviour = world.vitals[machine].behaviour
        deaf = behaviour.acpi is None if params.get("graceful") else behaviour.kill is None
        if not deaf and _carried_out(world, vm, behaviour.reset) is not None:
            world.next_action(machine)
            world.later(behaviour.reset, "finish_reset", machine)
    return {}


@enter(ACTIONS, "hibernate")
def hibernate(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Write RAM to disk and stop."""
    if _needs_running(world, vm):
        machine = vm["machine"]
        wait = _carried_out(world, vm, world.vitals[machine].behaviour.hibernate)
        world.next_action(machine)
        world.set_status(machine, status="hibernating")
        if wait is not None:
            world.later(wait, "finish_hibernate", machine)
    return {}


@enter(ACTIONS, "migrate")
def migrate(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Move to another node while running; four statuses on the way."""
    if not _needs_running(world, vm):
        return {}
    machine = vm["machine"]
    if not _status(world, vm).get("migratable", True):
        raise ApiError(422, "Operation not permitted")
    node = life.pick_node(world, machine, _node_wanted(world, params), other=True)
    if node is None:
        raise ApiError(422, "Operation not permitted")
    wait = _carried_out(world, vm, world.vitals[machine].behaviour.migrate)
    world.next_action(machine)
    world.set_status(machine, status="initmigrate", migration_destination=node)
    if wait is not None:
        world.later(wait / 4, "migration_step", machine, step=0, pause=wait / 4, node=node)
    return {}


@enter(ACTIONS, "clone")
def clone(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Copy a VM or a snapshot to a new, stopped VM. The keys in the answer are texts (D-adv)."""
    name = str(params.get("name") or f"{vm['name']}_{int(world.now)}")[:128]
    refuse_taken_vm_name(world, name)
    made = _copy(world, vm, name, is_snapshot=False, created_from="clone")
    status = world.status_row(made["machine"]) or {"$key": 0}
    keys = {"vmkey": made["$key"], "machinekey": made["machine"], "machinestatuskey": status["$key"],
            "clusterkey": made.get("cluster", 1)}  # fmt: skip
    return {"response": {key: str(value) for key, value in keys.items()}}


@enter(ACTIONS, "restore")
def restore(world: World, vm: Row, params: dict[str, Any]) -> None:
    """Put a VM back to a snapshot of it, in place; the answer's body is empty (pyvergeos 1.7.1 vms.py).

    `vm` is the frozen copy. The original must be stopped (the code is assumed).
    """
    taken = [r for r in world.tables["machine_snapshots"].values() if r.get("snap_machine") == vm["machine"]]
    original = world.vm_of_machine(taken[0]["machine"]) if taken else None
    if original is None:
        raise ApiError(422, "Operation not permitted")
    if _status(world, original).get("running"):
        raise ApiError(422, "Operation not permitted")
    columns = ("cpu_cores", "ram", "os_family", "description", "enabled")
    world.update("vms", original["$key"], **{key: vm[key] for key in columns if key in vm})
    world.log(original["machine"], "VM was restored from a snapshot")


@enter(ACTIONS, "quiesce_snapshot")
def quiesce_snapshot(world: World, vm: Row, params: dict[str, Any]) -> dict[str, Any]:
    """Quiesce the guest's disks. It makes no machine_snapshots row (recorded: Ansible collection 2.2.0)."""
    return {}


HOTPLUGGED = {"hotplugdrive": "machine_drives", "hotplugnic": "machine_nics"}


def _hotplug(world: World, vm: Row, params: dict[str, Any], *, table: str) -> dict[str, Any]:
    """Attach a drive or NIC to a running VM, or (`unplug`) detach it. Its row exists before."""
    part = world.get(
        table, int(str(params.get("device", "0"))) if str(params.get("device", "")).isdigit() else 0
    )
    fits = vm.get("allow_hotplug", True) and _status(world, vm).get("running")
    if part is None or part.get("machine") != vm["machine"] or not fits:
        raise ApiError(422, "Operation not permitted")
    world.update(table, part["$key"], enabled=not params.get("unplug", False))
    return {}


ACTIONS.update({name: partial(_hotplug, table=table) for name, table in HOTPLUGGED.items()})


def _copy(world: World, vm: Row, name: str, **columns: Any) -> Row:
    return many_vms.add_vm(
        world, name, cores=vm.get("cpu_cores", 1), ram=vm.get("ram", 1024), running=False,
        os_family=vm.get("os_family", "linux"), description=vm.get("description", ""), **columns,
    )  # fmt: skip


def snapshot(world: World, machine: int, columns: dict[str, Any]) -> Row:
    """Add a machine_snapshots row and the frozen copy (a vms row with `is_snapshot`) it stands for."""
    vm = world.vm_of_machine(machine)
    frozen = None
    if vm is not None:
        frozen = _copy(world, vm, vm["name"], is_snapshot=True)["machine"]
    return world.insert("machine_snapshots", {"machine": machine, "snap_machine": frozen, **columns})


def remove_vm(world: World, vm: Row) -> None:
    """Remove a VM with everything that belongs to its machine."""
    machine = vm["machine"]
    hardware.strip(world, machine)
    world.remove("machine_console_status", vm.get("console_status", 0))
    for table in ("machine_status", "machine_stats"):
        for row in world.rows_behind(table, "machine", machine):
            world.remove(table, row["$key"])
    world.remove("machines", machine)
    world.remove("vms", vm["$key"])
    world.vitals.pop(machine, None)
