"""How machines change over time: pending events, the node's agent, accidents.

Each handler has a name, so that pending events can be dumped and loaded as plain data. The status row and the
truth (Vitals) are moved apart or together here and nowhere else. The combinations of running, powerstate,
status, state and node are the API page's table: "running" and "stopped" are documented by D-power, the rest
is assumed.
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.world.world import Handler, World

HANDLERS: dict[str, Handler] = {}

RUNNING: dict[str, Any] = {
    "running": True, "powerstate": True, "status": "running", "state": "online",
    "status_info": "", "migration_destination": None,
}  # fmt: skip
STOPPED: dict[str, Any] = {
    "running": False, "powerstate": False, "status": "stopped", "state": "offline",
    "status_info": "", "node": None, "migration_destination": None,
}  # fmt: skip
UNRESPONSIVE: dict[str, Any] = {
    "running": True, "powerstate": True, "status": "unresponsive", "state": "warning",
}  # fmt: skip


# -- the two ends of a life ---------------------------------------------------------------------


def start_process(world: World, machine: int, node: int) -> None:
    """A hypervisor process begins on `node` and its agent reports it."""
    vitals = world.vitals[machine]
    vitals.start(node, world.now)
    vitals.heartbeat, vitals.frozen_at = True, None
    vm = world.vm_of_machine(machine) or {}
    world.set_status(
        machine, **RUNNING, node=node, started=int(world.now),
        running_cores=vm.get("cpu_cores", 1), running_ram=vm.get("ram", 1024),
    )  # fmt: skip


def end_process(world: World, machine: int, text: str = "VM has shutdown") -> None:
    """Every process of the machine ends and the status row says so."""
    vitals = world.vitals[machine]
    stop_heartbeat(world, machine)
    vitals.stop(world.now, seen=True)
    if vitals.behaviour.row_follows:
        world.set_status(machine, **STOPPED)
        world.log(machine, text)
    else:
        world.set_status(machine, status="stopping")


def stop_heartbeat(world: World, machine: int) -> None:
    """The agent no longer refreshes the status row; `last_update` keeps its last value."""
    vitals = world.vitals[machine]
    if vitals.heartbeat:
        vitals.heartbeat = False
        world.set_status(machine, last_update=int(world.now))


def pick_node(world: World, machine: int, wanted: int | None = None, *, other: bool = False) -> int | None:
    """Choose a node that is up and not in maintenance; with `other`, not the one the row names."""
    current = (world.status_row(machine) or {}).get("node")
    fit = [
        key for key, row in sorted(world.tables["nodes"].items(), key=lambda item: str(item[0]))
        if isinstance(key, int) and world.node_is_up(key) and not row.get("maintenance", False)
        and not (other and key == current)
    ]  # fmt: skip
    if wanted is not None:
        return wanted if wanted in fit else None
    return fit[machine % len(fit)] if fit else None


# -- pending events ---------------------------------------------------------------------------


@enter(HANDLERS, "finish_start")
def finish_start(world: World, machine: int, details: dict[str, Any]) -> None:
    """The process has started. If the row was wrong, it is a second process of this machine."""
    start_process(world, machine, details["node"])
    world.log(machine, "VM has started")


@enter(HANDLERS, "finish_stop")
def finish_stop(world: World, machine: int, details: dict[str, Any]) -> None:
    """The guest has shut down, or the process was killed."""
    end_process(world, machine, details.get("text", "VM has shutdown"))


@enter(HANDLERS, "dies_unseen")
def dies_unseen(world: World, machine: int, details: dict[str, Any]) -> None:
    """A node that is cut off has ended the process. The rows do not change."""
    world.vitals[machine].stop(world.now)


@enter(HANDLERS, "finish_reset")
def finish_reset(world: World, machine: int, details: dict[str, Any]) -> None:
    """The guest runs again from its beginning."""
    world.set_status(machine, **RUNNING, started=int(world.now))
    world.log(machine, "VM has reset")


@enter(HANDLERS, "finish_hibernate")
def finish_hibernate(world: World, machine: int, details: dict[str, Any]) -> None:
    """RAM is on disk and the process gone."""
    end_process(world, machine, "VM has hibernated")
    world.set_status(machine, status="hibernated")


@enter(HANDLERS, "migration_step")
def migration_step(world: World, machine: int, details: dict[str, Any]) -> None:
    """One step of initmigrate, startmigrate, migrating, migratecomplete."""
    steps = ["startmigrate", "migrating", "migratecomplete"]
    step = details["step"]
    world.set_status(machine, status=steps[step])
    if step + 1 < len(steps):
        world.later(details["pause"], "migration_step", machine, **{**details, "step": step + 1})
    else:
        world.later(details["pause"], "finish_migration", machine, **details)


@enter(HANDLERS, "finish_migration")
def finish_migration(world: World, machine: int, details: dict[str, Any]) -> None:
    """The VM lives on its new node."""
    vitals = world.vitals[machine]
    old = (world.status_row(machine) or {}).get("node")
    vitals.copies = [details["node"]]
    world.set_status(machine, **RUNNING, node=details["node"], migrated_node=old)
    world.log(machine, "VM has migrated")


@enter(HANDLERS, "apply_override")
def apply_override(world: World, machine: int, details: dict[str, Any]) -> None:
    """A PUT on the status row takes effect. If a process lives, its node's agent rewrites the row later."""
    world.set_status(machine, **details["fields"])
    if details["bump"]:
        world.set_status(machine, last_update=int(world.now))
    contradict(world, machine)


def contradict(world: World, machine: int) -> None:
    """Let the node's agent rewrite the row later, if it sees a process that the row denies."""
    vitals = world.vitals[machine]
    row = world.status_row(machine) or {}
    wait = vitals.behaviour.rewrite
    seen = [node for node in vitals.copies if world.node_is_up(node)]
    if wait is not None and seen and not (row.get("running") and row.get("status") == "running"):
        stop_heartbeat(world, machine)
        world.later(wait, "agent_rewrites", machine)


@enter(HANDLERS, "agent_rewrites")
def agent_rewrites(world: World, machine: int, details: dict[str, Any]) -> None:
    """The agent on the process's node writes what it sees into the status row."""
    vitals = world.vitals[machine]
    seen = [node for node in vitals.copies if world.node_is_up(node)]
    if seen:
        vitals.heartbeat = True
        world.set_status(machine, **RUNNING, node=seen[0])


@enter(HANDLERS, "becomes_unresponsive")
def becomes_unresponsive(world: World, machine: int, details: dict[str, Any]) -> None:
    """No heartbeat for too long (D-adv-set: 120 s)."""
    world.set_status(machine, **UNRESPONSIVE)
    world.log(machine, "VM is unresponsive", level="warning")
    wait = world.vitals[machine].behaviour.ha_restart
    if wait is not None:
        world.later(wait, "ha_restart", machine)


@enter(HANDLERS, "ha_restart")
def ha_restart(world: World, machine: int, details: dict[str, Any]) -> None:
    """HA starts the VM on another node, without looking whether the old process is really gone."""
    node = pick_node(world, machine, other=True)
    if node is not None:
        start_process(world, machine, node)
        world.log(machine, "VM was restarted on another node", level="warning")


# -- accidents, for scenarios and tests ----------------------------------------------------------


def crash(world: World, machine: int) -> None:
    """The process dies by itself. The row still says that it runs, until the agent notices."""
    vitals = world.next_action(machine)
    stop_heartbeat(world, machine)
    vitals.stop(world.now)
    if vitals.behaviour.unresponsive is not None:
        world.later(vitals.behaviour.unresponsive, "becomes_unresponsive", machine)


def take_node_down(world: World, node: int, *, power: bool = True, ago: float = 0.0) -> None:
    """A node is lost. With `power` its processes die; otherwise the node is cut off and they live on.

    `ago`: for how many seconds nothing has come from the node already.
    """
    row = world.tables["nodes"][node]
    for machine, vitals in list(world.vitals.items()):
        if machine == row["machine"] or node not in vitals.copies:
            continue
        stop_heartbeat(world, machine)
        vitals.freeze(world.now - ago)
        world.next_action(machine)
        if power:
            vitals.stop(world.now, node)
        if vitals.behaviour.unresponsive is not None:
            world.later(vitals.behaviour.unresponsive, "becomes_unresponsive", machine)
    truth = world.vitals[row["machine"]]
    stop_heartbeat(world, row["machine"])
    truth.freeze(world.now - ago)
    if power:
        truth.stop(world.now)
    world.update("nodes", node, vsan_connected=False, ipmi_status="ready" if power else "error")
    world.set_status(row["machine"], running=False, powerstate=False, status="unresponsive", state="error")
