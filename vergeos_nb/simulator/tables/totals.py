"""Sums over the whole system: cluster_status, node totals and the dashboard, computed when they are read.

Columns: pyvergeos 1.7.1 cluster_status.py and system.py; `vm_stats_totals`: exporter for Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vergeos_nb.simulator.world.computed import LIVE, live
from vergeos_nb.simulator.world.world import Row, World


def running_vms(world: World, cluster: object = None) -> list[Row]:
    """Return the status rows that say `running`, of all VMs or of those in one cluster."""
    return [
        row for row in world.tables["machine_status"].values()
        if row.get("running") and (vm := world.vm_of_machine(row.get("machine", 0))) is not None
        and cluster in (None, vm.get("cluster"))
    ]  # fmt: skip


def _nodes(world: World, row: Row) -> list[Row]:
    return world.rows_behind("nodes", "cluster", row.get("cluster"))


def _up(world: World, row: Row) -> list[Row]:
    return [node for node in _nodes(world, row) if world.node_is_up(node["$key"])]


def _sum(rows: list[Row], column: str) -> int:
    return sum(int(row.get(column, 0)) for row in rows)


def _used(column: str, share: int = 1) -> Callable[[World, Row], int]:
    return lambda world, row: _sum(running_vms(world, row.get("cluster")), column) // share


def _complete(world: World, row: Row) -> bool:
    return len(_up(world, row)) == len(_nodes(world, row))


_CLUSTER: dict[str, Callable[[World, Row], Any]] = {
    "total_nodes": lambda world, row: len(_nodes(world, row)),
    "online_nodes": lambda world, row: len(_up(world, row)),
    # the sum of vm_ram, not of ram (the vendor's Ansible collection, measured on 26.1.8)
    "total_ram": lambda world, row: _sum(_nodes(world, row), "vm_ram"),
    "online_ram": lambda world, row: _sum(_up(world, row), "vm_ram"),
    "used_ram": _used("running_ram"),
    "total_cores": lambda world, row: _sum(_nodes(world, row), "cores"),
    "online_cores": lambda world, row: _sum(_up(world, row), "cores"),
    "used_cores": _used("running_cores"),
    "running_machines": lambda world, row: len(running_vms(world, row.get("cluster"))),
    "phys_total_cpu": lambda world, row: 20 + int(world.now) % 10,
    "phys_ram_used": _used("running_ram", 2),
    "phys_vram_used": _used("running_ram", 2),
    "last_update": lambda world, row: int(world.now),
    "status": lambda world, row: "online" if _complete(world, row) else "reduced",
    "state": lambda world, row: "online" if _complete(world, row) else "warning",
}


def _is_counted(world: World, machine: int, kind: str) -> bool:
    vm = world.vm_of_machine(machine)
    if kind == "vm":
        return vm is not None and not vm.get("is_snapshot", False)
    return vm is None and (world.get("machines", machine) or {}).get("type") == kind


def _in_state(kind: str, state: str | None) -> Callable[[World], int]:
    def count(world: World) -> int:
        return sum(
            1 for row in world.tables["machine_status"].values()
            if (state is None or row.get("state", "offline") == state)
            and _is_counted(world, row.get("machine", 0), kind)
        )  # fmt: skip

    return count


_DASHBOARD: dict[str, Callable[[World], int]] = {
    "clusters_count": lambda world: len(world.tables["clusters"]),
    "clusters_online": lambda world: len(world.tables["clusters"]),
    "users_count": lambda world: len(world.tables["users"]),
    "users_online": lambda world: 1,
    "storage_tiers_count": lambda world: len(world.tables["storage_tiers"]),
    "cluster_tiers_count": lambda world: len(world.tables["cluster_tiers"]),
    "cluster_tiers_online": lambda world: len(world.tables["cluster_tiers"]),
}
for _kind, _plural in (("vm", "machines"), ("node", "nodes"), ("vnet", "vnets")):
    for _suffix, _state in (("count", None), ("online", "online"), ("warn", "warning"), ("error", "error")):
        if not (_kind == "vnet" and _suffix in ("warn", "error")):
            _DASHBOARD[f"{_plural}_{_suffix}"] = _in_state(_kind, _state)


def _of_world(function: Callable[[World], Any]) -> Callable[[World, Row], Any]:
    return lambda world, row: function(world)


for _column, _function in _CLUSTER.items():
    LIVE[("cluster_status", _column)] = _function
for _column, _count in _DASHBOARD.items():
    LIVE[("dashboard", _column)] = _of_world(_count)


@live("nodes", "vm_stats_totals")
def vm_stats_totals(world: World, row: Row) -> dict[str, int]:
    """Cores and RAM of the VMs that run on this node."""
    here = [status for status in running_vms(world) if status.get("node") == row["$key"]]
    return {"running_cores": _sum(here, "running_cores"), "running_ram": _sum(here, "running_ram")}


@live("machine_console_status", "host")
def console_host(world: World, row: Row) -> str:
    """The address of the node the VM runs on; nothing while it does not run."""
    status = world.status_row(row.get("machine", 0)) or {}
    return f"192.0.2.{status['node']}" if status.get("running") and status.get("node") else ""


@live("machine_console_status", "port")
def console_port(world: World, row: Row) -> int | None:
    """The VNC port on that node."""
    status = world.status_row(row.get("machine", 0)) or {}
    return 5900 + int(row.get("machine", 0)) if status.get("running") and status.get("node") else None
