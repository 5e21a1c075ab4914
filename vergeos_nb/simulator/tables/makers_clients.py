"""What the vendor's clients do besides VMs: system diagnostics, license requests. Facts: pyvergeos 1.7.1."""

from __future__ import annotations

from vergeos_nb.simulator.api.creators import CREATORS, Body, Made, columns_of, link, required_text
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.tables.coerce import not_in_list
from vergeos_nb.simulator.world.computed import live
from vergeos_nb.simulator.world.world import Row, World

BUILD_SECONDS = 5.0
"""Seconds until system diagnostics are built (assumed)."""


@enter(CREATORS, "system_diagnostics")
def system_diagnostics(world: World, body: Body, user: str) -> Made:
    """Begin to collect the support bundle; it is a file in the media catalogue when it is done."""
    name = required_text(body, "name", of="system_diagnostics")
    file = world.insert("files", {"name": f"{name}.tar.gz", "type": "gz", "creator": user})
    columns = columns_of(world, "system_diagnostics", body)
    now = int(world.now)
    return Made(
        world.insert("system_diagnostics", {**columns, "file": file["$key"], "timestamp": now})["$key"]
    )


@live("system_diagnostics", "status")
def diagnostics_status(world: World, row: Row) -> str:
    """`building` for some seconds, then `complete`."""
    return "complete" if world.now >= row.get("timestamp", 0) + BUILD_SECONDS else "building"


@enter(CREATORS, "system_diagnostic_actions")
def send_diagnostics(world: World, body: Body, user: str) -> Made:
    """Send a support bundle to the vendor. Here only the row says so, and nothing is sent."""
    found = link(world, body, "system_diagnostic", "system_diagnostics", of="system_diagnostic_actions")
    action = required_text(body, "action", of="system_diagnostic_actions")
    if action != "send2support":
        raise not_in_list("action", action)
    world.update("system_diagnostics", found["$key"], send2support=True)
    return Made(answer={})


@enter(CREATORS, "license_actions")
def license_request(world: World, body: Body, user: str) -> Made:
    """Make a license request: a file in the media catalogue, which the answer names."""
    action = required_text(body, "action", of="license_actions")
    if action != "generate":
        raise not_in_list("action", action)
    file = world.insert("files", {"name": "license-request.lrq", "type": "lrq", "creator": user})
    return Made(answer={"response": {"filekey": str(file["$key"]), "filename": file["name"]}})
