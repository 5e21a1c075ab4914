"""Actions on one row: maintenance of nodes, running and cancelling of tasks.

Facts: pyvergeos 1.7.1 nodes.py (`POST nodes/{k}/enable_maintenance`, body `{}`) and tasks.py
(`PUT tasks/{k}?action=execute`). Their duration and the body of the answer are assumed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.world.computed import live
from vergeos_nb.simulator.world.world import Row, World

Body = dict[str, Any]
RowAction = Callable[[World, Row, Body, str], "Body | None"]

ROW_ACTIONS: dict[tuple[str, str], RowAction] = {}

BY_PUT = ("tasks",)
"""Tables whose actions are sent as `PUT table/key?action=name`."""

TASK_SECONDS = 2.0
"""Seconds that a task runs."""


@enter(ROW_ACTIONS, ("nodes", "enable_maintenance"))
def enable_maintenance(world: World, node: Row, body: Body, user: str) -> None:
    """Put a node into maintenance. From then on no VM is started there or moved there."""
    world.update("nodes", node["$key"], maintenance=True)
    world.set_status(node["machine"], status="maintenance")
    world.log(node["machine"], "Maintenance mode enabled", level="audit", user=user)


@enter(ROW_ACTIONS, ("nodes", "disable_maintenance"))
def disable_maintenance(world: World, node: Row, body: Body, user: str) -> None:
    """Take a node out of maintenance."""
    world.update("nodes", node["$key"], maintenance=False)
    world.set_status(node["machine"], status="running", state="online")
    world.log(node["machine"], "Maintenance mode disabled", level="audit", user=user)


@enter(ROW_ACTIONS, ("nodes", "maintenance_reboot"))
def maintenance_reboot(world: World, node: Row, body: Body, user: str) -> None:
    """Restart a node. Refused unless it is in maintenance and has no VM left."""
    key, own = node["$key"], node["machine"]
    busy = any(key in vitals.copies and machine != own for machine, vitals in world.vitals.items())
    if not node.get("maintenance", False) or busy:
        raise ApiError(422, "Operation not permitted")
    world.set_status(node["machine"], started=int(world.now))
    world.log(node["machine"], "Node restarted", level="audit", user=user)


@enter(ROW_ACTIONS, ("tasks", "execute"))
def execute_task(world: World, task: Row, body: Body, user: str) -> None:
    """Run a task now; it is `running` for two seconds and does nothing else here."""
    world.update("tasks", task["$key"], last_run=int(world.now), _until=world.now + TASK_SECONDS)


@enter(ROW_ACTIONS, ("tasks", "cancel"))
def cancel_task(world: World, task: Row, body: Body, user: str) -> None:
    """Stop a running task."""
    world.update("tasks", task["$key"], _until=0.0)


@enter(ROW_ACTIONS, ("machine_drives", "apply_universal_vars"))
def apply_universal_vars(world: World, drive: Row, body: Body, user: str) -> None:
    """Refused for everything except a templated EFI disk (pyvergeos 1.7.1 drives.py)."""
    if drive.get("media") != "efidisk":
        raise ApiError(422, "Operation not permitted")


@live("tasks", "status")
def task_status(world: World, row: Row) -> str:
    """`running` until its time is over."""
    return "running" if row.get("_until", 0.0) > world.now else "idle"
