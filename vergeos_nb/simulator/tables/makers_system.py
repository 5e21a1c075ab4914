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
    link,
    refuse_taken_name,
    required_text,
)
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.api.resolve import follow_reference
from vergeos_nb.simulator.api.row_actions import ROW_ACTIONS
from vergeos_nb.simulator.lookup import enter
from vergeos_nb.simulator.tables.coerce import coerce, validation_error
from vergeos_nb.simulator.tables.schema import tables
from vergeos_nb.simulator.world.computed import live
from vergeos_nb.simulator.world.world import Row, World

QUERY_SECONDS = 1.0
"""How long a node query runs before its result is there."""


@enter(CREATORS, "users")
def user(world: World, body: Body, user: str) -> Made:
    """Make a user; names are lower case and unique. Its password is taken and opens nothing here."""
    name = required_text(body, "name")
    if name != name.lower():
        raise validation_error("name", "value must be lower case")
    refuse_taken_name(world, "users", name)
    return Made(world.insert("users", {**columns_of(world, "users", body), "creator": user})["$key"])


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
    """Make an API key; its secret is in this answer and nowhere else, and opens the simulator."""
    owner = link(world, body, "user", "users")
    required_text(body, "name")
    columns = columns_of(world, "user_api_keys", body)
    made = world.insert("user_api_keys", {**columns, "user": owner["$key"]})
    secret = secrets.token_hex(32)
    world.api_secrets[secret] = made["$key"]
    return Made(made["$key"], {"private_key": secret})


@enter(CREATORS, "tasks")
def task(world: World, body: Body, user: str) -> Made:
    """Make a task for a row named by a "table/key" reference."""
    required_text(body, "name")
    action = required_text(body, "action")
    owner = required_text(body, "owner")
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
    node = link(world, body, "node", "nodes")
    name = NODE_ACTIONS.get(required_text(body, "action"))
    if name is None:
        raise validation_error("action", "value is not one of the allowed values")
    ROW_ACTIONS[("nodes", name)](world, node, {}, user)
    return Made(answer={})


@enter(CREATORS, "clusters")
def cluster(world: World, body: Body, user: str) -> Made:
    """Make an empty cluster with its status row."""
    name = required_text(body, "name")
    refuse_taken_name(world, "clusters", name)
    made = world.insert("clusters", columns_of(world, "clusters", body))
    status = world.insert("cluster_status", {"cluster": made["$key"]})
    world.update("clusters", made["$key"], status=status["$key"])
    return Made(made["$key"])


@enter(REMOVERS, "clusters")
def remove_cluster(world: World, row: Row) -> None:
    """Delete a cluster; one that has nodes is refused (the code is assumed)."""
    if world.rows_behind("nodes", "cluster", row["$key"]):
        raise ApiError(409, "Cluster is in use")
    world.remove("cluster_status", row.get("status", 0))
    world.remove("clusters", row["$key"])


@enter(CREATORS, "node_queries")
def node_query(world: World, body: Body, user: str) -> Made:
    """Start a diagnostic query on a node; its result is there a second later."""
    node = link(world, body, "node", "nodes")
    query = coerce(tables()["node_queries"].columns["query"], body.get("query"))
    number = len(world.tables["node_queries"]) + 1
    text = f"{node['$key']} {query} {number} {world.now}"
    key = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    columns = columns_of(world, "node_queries", body)
    world.insert("node_queries", {
        **columns, "node": node["$key"], "query": query, "id": key, "command": str(query),
        "expires": int(world.now) + 3600,
    }, key)  # fmt: skip
    return Made(key)


@live("node_queries", "status")
def query_status(world: World, row: Row) -> str:
    """`running` for a second, then `complete`."""
    return "complete" if world.now >= row.get("created", 0) + QUERY_SECONDS else "running"


@live("node_queries", "result")
def query_result(world: World, row: Row) -> str:
    """Invented output that says it is invented."""
    if query_status(world, row) != "complete":
        return ""
    node = world.get("nodes", row.get("node")) or {"name": "?"}
    return f"(simulated) {row.get('query')} on {node['name']}: ok"
