"""POST on the query tables: a diagnostic command of a node or a network. Its answer comes a little later.

Facts: pyvergeos 1.7.1 queries.py (a row is keyed by a 40-hex text; a vnet's `ping` takes `host`). The wording
of results is assumed; it follows ping, arp and arp-scan on Linux.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

from vergeos_nb.simulator.api.creators import CREATORS, Body, Made, columns_of, link
from vergeos_nb.simulator.tables.coerce import coerce
from vergeos_nb.simulator.tables.schema import tables
from vergeos_nb.simulator.world.computed import live
from vergeos_nb.simulator.world.world import Row, World

QUERY_SECONDS = 1.0
"""Seconds until a query has its result."""

ASKED = {"node_queries": ("node", "nodes"), "vnet_queries": ("vnet", "vnets")}
"""Table of queries -> the column that names who runs it, and its table."""


def _start(world: World, body: Body, user: str, *, table: str) -> Made:
    column, target = ASKED[table]
    asked = link(world, body, column, target, of=table)
    query = coerce(tables()[table].columns["query"], body.get("query"))
    number = len(world.tables[table]) + 1
    text = f"{table} {asked['$key']} {query} {number} {world.now}"
    key = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    world.insert(table, {
        **columns_of(world, table, body), column: asked["$key"], "query": query, "id": key,
        "command": str(query), "expires": int(world.now) + 3600,
    }, key)  # fmt: skip
    return Made(key)


CREATORS.update({table: partial(_start, table=table) for table in ASKED})


@live("node_queries", "status")
@live("vnet_queries", "status")
def query_status(world: World, row: Row) -> str:
    """`running` for a second, then `complete`."""
    return "complete" if world.now >= row.get("created", 0) + QUERY_SECONDS else "running"


@live("node_queries", "result")
def node_result(world: World, row: Row) -> str:
    """Invented output that says it is invented."""
    if query_status(world, row) != "complete":
        return ""
    node = world.get("nodes", row.get("node")) or {"name": "?"}
    return f"(simulated) {row.get('query')} on {node['name']}: ok"


@live("vnet_queries", "result")
def vnet_result(world: World, row: Row) -> str:
    """The result of a network query: the guests that answer, if their nodes can be reached."""
    if query_status(world, row) != "complete":
        return ""
    params = row.get("params")
    host = str(params.get("host", "")) if isinstance(params, dict) else ""
    query, vnet = row.get("query"), row.get("vnet")
    if query == "ping":
        return _ping(world, vnet, host)
    if query == "arp":
        lines = [_neighbour(nic, heard=heard) for nic, heard in _guests(world, vnet, "arp")]
        return "\n".join(["Address         HWtype  HWaddress           Flags Mask  Iface", *lines])
    if query == "arp-scan":
        found = [
            nic for nic, heard in _guests(world, vnet, "arp") if heard and host in ("", nic["ipaddress"])
        ]
        lines = [f"{nic['ipaddress']}\t{nic['macaddress']}\t(Unknown)" for nic in found]
        return "\n".join([*lines, "", f"{len(found)} responded"])
    name = (world.get("vnets", vnet) or {"name": "?"})["name"]
    return f"(simulated) {query} on {name}: ok"


def _ping(world: World, vnet: object, host: str) -> str:
    heard = any(nic["ipaddress"] == host and heard for nic, heard in _guests(world, vnet, "ping"))
    reply = [f"64 bytes from {host}: icmp_seq=1 ttl=64 time=0.31 ms", ""] if heard else [""]
    count = "1 received, 0% packet loss" if heard else "0 received, 100% packet loss"
    return "\n".join([
        f"PING {host} ({host}) 56(84) bytes of data.", *reply, f"--- {host} ping statistics ---",
        f"1 packets transmitted, {count}, time 0ms",
    ])  # fmt: skip


def _neighbour(nic: Row, *, heard: bool) -> str:
    known = f"ether   {nic['macaddress']}   C" if heard else "        (incomplete)"
    return f"{nic['ipaddress']:<15} {known:<30} eth0"


def _guests(world: World, vnet: object, way: str) -> Iterator[tuple[Row, bool]]:
    """Every NIC with an address on a network, and whether its guest is heard there in this way."""
    for nic in world.rows("machine_nics"):
        if nic.get("vnet") != vnet or not nic.get("ipaddress"):
            continue
        vitals = world.vitals.get(nic["machine"])
        here = vitals is not None and any(world.node_is_up(node) for node in vitals.copies)
        yield nic, here and vitals is not None and way in vitals.behaviour.guest_answers
