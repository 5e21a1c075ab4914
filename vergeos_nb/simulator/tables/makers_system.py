"""POST and DELETE on tables about the system: users, API keys, tasks, clusters, node queries."""

from __future__ import annotations

import hashlib
import secrets

from vergeos_nb.simulator.api.creators import (
    CREATORS,
    REMOVERS,
    Body,
    Made,
    columns_of,
    expiry_type,
    link,
    refuse_taken_name,
    required_text,
)
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.api.resolve import follow_reference
from vergeos_nb.simulator.api.row_actions import ROW_ACTIONS
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.tables.coerce import not_in_list, validation_error
from vergeos_nb.simulator.world.world import Row, World


@enter(CREATORS, "users")
def user(world: World, body: Body, user: str) -> Made:
    """Make a user; names are lower case and unique. Its password is taken and opens nothing here."""
    name = required_text(body, "name", of="users")
    if name != name.lower():
        raise validation_error("name", "value must be lower case")
    refuse_taken_name(world, "users", name)
    columns = {"remote_name": name, **columns_of(world, "users", body), "creator": user}
    made = world.insert("users", columns)["$key"]
    world.update("users", made, identity=str(made + 1))
    return Made(made)


@enter(REMOVERS, "users")
def remove_user(world: World, row: Row) -> None:
    """Remove a user and their API keys; the simulator's own user stays."""
    if row["$key"] == 1:
        raise ApiError(422, "Operation not permitted")
    for key, entry in list(world.tables["user_api_keys"].items()):
        if entry.get("user") == row["$key"]:
            world.remove("user_api_keys", key)
    world.remove("users", row["$key"])


@enter(CREATORS, "user_api_keys")
def api_key(world: World, body: Body, user: str) -> Made:
    """Make an API key that opens the simulator. Its secret is in this answer and nowhere else."""
    owner = link(world, body, "user", "users", of="user_api_keys")
    required_text(body, "name", of="user_api_keys")
    columns = columns_of(world, "user_api_keys", body)
    if expiry_type(body, "never") == "never":
        columns["expires"] = 0
    made = world.insert("user_api_keys", {**columns, "user": owner["$key"]})
    secret = secrets.token_hex(32)
    world.api_secrets[secret] = made["$key"]
    return Made(made["$key"], {"private_key": secret})


@enter(CREATORS, "tasks")
def task(world: World, body: Body, user: str) -> Made:
    """Make a task for a row named by a "table/key" reference."""
    required_text(body, "name", of="tasks")
    action = required_text(body, "action", of="tasks")
    owner = required_text(body, "owner", of="tasks")
    if follow_reference(world, owner) is None:
        raise ApiError(404, "error setting field 'owner': No such file or directory")
    identifier = hashlib.sha1(f"{body['name']}{world.now}".encode(), usedforsecurity=False).hexdigest()
    made = world.insert("tasks", {
        **columns_of(world, "tasks", body), "table": owner.partition("/")[0], "id": identifier,
        "action_display": action.replace("_", " ").capitalize(), "creator": "users/1",
    })  # fmt: skip
    return Made(made["$key"])


NODE_ACTIONS = {
    "enable_maintenance": "enable_maintenance",
    "maintenance": "enable_maintenance",
    "disable_maintenance": "disable_maintenance",
    "leavemaintenance": "disable_maintenance",
    "maintenance_reboot": "maintenance_reboot",
}
"""The names clients send: GO and PS the long ones, TS `maintenance` and `leavemaintenance`."""


@enter(CREATORS, "node_actions")
def node_action(world: World, body: Body, user: str) -> Made:
    """Carry out a node action; the answer's body is assumed."""
    node = link(world, body, "node", "nodes", of="node_actions")
    wanted = required_text(body, "action", of="node_actions")
    name = NODE_ACTIONS.get(wanted)
    if name is None:
        raise not_in_list("action", wanted)
    ROW_ACTIONS[("nodes", name)](world, node, {}, user)
    return Made(answer={})


@enter(CREATORS, "clusters")
def cluster(world: World, body: Body, user: str) -> Made:
    """Make an empty cluster with its status row."""
    name = required_text(body, "name", of="clusters")
    refuse_taken_name(world, "clusters", name)
    made = world.insert("clusters", columns_of(world, "clusters", body))
    status = world.insert("cluster_status", {"cluster": made["$key"]})
    world.update("clusters", made["$key"], status=status["$key"])
    return Made(made["$key"])


@enter(REMOVERS, "clusters")
def remove_cluster(world: World, row: Row) -> None:
    """Delete a cluster. Refused if it has nodes (the code is assumed)."""
    if world.rows_behind("nodes", "cluster", row["$key"]):
        raise ApiError(409, "Cluster is in use")
    world.remove("cluster_status", row.get("status", 0))
    world.remove("clusters", row["$key"])
