"""The system around the VMs: version, settings, cluster, storage, networks, users, nodes, one task."""

from __future__ import annotations

from vergeos_nb.simulator.tables.versions import node_versions, system_versions
from vergeos_nb.simulator.world import hardware
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import World

CREATED = 1_755_991_665
"""2025-08-23T23:27:45Z, when everything that is fixed was made."""

STARTED = 1_790_001_200
"""2026-09-21T14:33:20Z, when the fixed VMs were started; each a minute after the one before."""

TERABYTE = 1024**4

SETTINGS = {
    "cloud_name": ("lab-east", "Name of the system"),
    "max_connections": ("500", "Most connections to the API at a time"),
    "machine_unresponsive_timeout": ("120", "Seconds before a machine becomes unresponsive"),
    "app_db_flush_interval": ("5000", "Flush the application framework database every n milliseconds"),
}
"""Key -> value and description. The names of the keys are assumed, save the first two."""


def build(world: World, username: str) -> None:
    """Fill an empty world with everything but VMs; the simulator's user is called `username`."""
    _system(world)
    _storage(world)
    add_user(world, username)
    for number in (1, 2, 3):
        _node(world, number)
    _tasks(world)


def _system(world: World) -> None:
    world.insert("system", {
        "name": "lab-east", **system_versions(world.switches.version), "cloud_name": "lab-east",
        "branch": "stable", "country": "US", "timezone": "UTC",
    }, 1)  # fmt: skip
    for key, (value, text) in SETTINGS.items():
        row = {"key": key, "value": value, "default_value": value, "description": text}
        world.insert("settings", row, key)
    world.insert("clusters", {"name": "prod", "status": 1, "created": CREATED}, 1)
    world.insert("cluster_status", {"cluster": 1}, 1)
    world.insert("dashboard", {}, 1)
    world.insert("licenses", {
        "name": "Simulated license", "added": CREATED, "issued": CREATED, "valid_from": CREATED,
        "valid_until": CREATED + 10 * 365 * 86400,
    }, 1)  # fmt: skip


def _storage(world: World) -> None:
    for tier, capacity in ((1, 20 * TERABYTE), (3, 80 * TERABYTE)):
        used = capacity // 4
        row = {"cluster": 1, "tier": tier, "status": 10 + tier, "stats": 20 + tier}
        world.insert("cluster_tiers", row, tier)
        world.insert("cluster_tier_status", {
            "tier": tier, "capacity": capacity, "used": used, "used_pct": 25, "state_timestamp": STARTED,
        }, 10 + tier)  # fmt: skip
        world.insert("cluster_tier_stats", {
            "tier": tier, "rops": 900, "wops": 400, "rbps": 9_000_000, "wbps": 4_000_000, "reads": 10**9,
            "writes": 4 * 10**8, "read_bytes": 10**13, "write_bytes": 4 * 10**12, "last_update": STARTED,
        }, 20 + tier)  # fmt: skip
        world.insert("storage_tiers", {
            "tier": tier, "capacity": capacity, "used": used, "allocated": used * 2,
            "used_inflated": used * 2, "dedupe_ratio": 200, "modified": STARTED, "stats": 20 + tier,
        }, tier)  # fmt: skip
    for key, (name, kind, network) in enumerate(
        (("Core", "core", "100.96.0.0/20"), ("External", "external", "198.51.100.0/24"),
         ("Internal", "internal", "10.0.0.0/16")), start=1,
    ):  # fmt: skip
        machine, status = 30 + key, 33 + key
        world.insert("vnets", {"name": name, "type": kind, "network": network, "machine": machine}, key)
        world.insert("machines", {
            "name": name, "type": "vnet", "owner": f"vnets/{key}", "status": status, "cluster": 1,
            "created": CREATED, "modified": CREATED,
        }, machine)  # fmt: skip
        world.insert("machine_status", {
            "machine": machine, "running": True, "powerstate": True, "status": "running", "state": "online",
            "node": 1, "started": CREATED + 900,
        }, status)  # fmt: skip


def _tasks(world: World) -> None:
    world.insert("tasks", {
        "name": "Nightly snapshot", "action": "snapshot", "action_display": "Snapshot", "table": "vms",
        "owner": "vms/41", "creator": "users/1", "last_run": STARTED - 3600, "id": "0f" * 20,
    }, 3)  # fmt: skip
    world.insert("tasks", {
        "name": "Weekly report", "action": "send", "action_display": "Send", "table": "system",
        "owner": "system/1", "creator": "users/1", "last_run": STARTED - 5 * 86400, "id": "1e" * 20,
    }, 4)  # fmt: skip
    world.insert("task_schedules", {"name": "Every night", "repeat_every": "day"}, 1)
    world.insert("task_schedule_triggers", {"task": 3, "schedule": 1}, 1)
    world.insert("files", {
        "name": "debian-13.iso", "type": "iso", "filesize": 700_000_000, "allocated_bytes": 700_000_000,
        "used_bytes": 690_000_000, "creator": "admin", "modified": CREATED,
    }, 1)  # fmt: skip
    for number, text in enumerate(("System started", "Node 'node3' joined", "License is valid")):
        stamp = (CREATED + 60 * number) * 1_000_000
        line = {"level": "message", "text": text, "object_type": "system", "object_name": "lab-east"}
        world.insert("logs", {**line, "timestamp": stamp, "dbtime": stamp})


def add_user(world: World, username: str) -> None:
    """Add the user whose credentials open the simulator, with an API key."""
    world.insert("users", {
        "name": username, "created": CREATED, "last_login": STARTED, "physical_access": True, "identity": "1",
        "remote_name": username,
    }, 1)  # fmt: skip
    world.insert("user_api_keys", {
        "user": 1, "name": "simulator", "created": CREATED, "lastlogin_stamp": STARTED,
        "lastlogin_ip": "127.0.0.1",
    }, 9)  # fmt: skip


def _node(world: World, number: int) -> None:
    machine, status, stats = 10 + number, 20 + number, 30 + number
    world.insert("nodes", {
        "id": number, "name": f"node{number}", "cluster": 1, "machine": machine, "ram": 262144,
        "vm_ram": 240000, "cores": 64, "model": "SIM-2U", "cpu": "Simulated CPU", "cpu_speed": "2900 MHz",
        "vsan_nodeid": number - 1, "ipmi_address": f"192.0.2.{number}", "ipmi_user": "admin",
        "ipmi_status_last_connected": STARTED, **node_versions(world.switches.version), "stats": stats,
        "core_temp": 54 + number, "created": CREATED, "modified": CREATED,
    }, number)  # fmt: skip
    world.insert("machines", {
        "name": f"node{number}", "type": "node", "owner": f"nodes/{number}", "status": status,
        "stats": stats, "cluster": 1, "created": CREATED, "modified": CREATED,
    }, machine)  # fmt: skip
    world.insert("machine_status", {
        "machine": machine, "running": True, "powerstate": True, "status": "running", "state": "online",
        "started": CREATED + 600, "running_cores": 64, "running_ram": 262144,
        "migratable": False,
    }, status)  # fmt: skip
    world.insert("machine_stats", {"machine": machine}, stats)
    hardware.add_part(world, "machine_nics", machine=machine, name=f"node{number}-eth0", vnet=None)
    vitals = world.vitals[machine] = Vitals()
    vitals.start(number, float(CREATED + 600))
    vitals.heartbeat = True
