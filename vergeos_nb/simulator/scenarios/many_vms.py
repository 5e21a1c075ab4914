"""The VMs of every scenario: twelve, one snapshot, and as many more as `--vms` says.

Names and keys are fixed, so that documents, tests and people mean the same VM. The four keys of a VM (VM,
machine, status, stats) differ from each other, and each is a key of another VM too. Code that swaps two of
them hits another VM, and a test notices (the vendor's SDKs record that they share one number space; pyvergeos
1.7.1 snapshots.py #147).
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.simulator.tables import base
from vergeos_nb.simulator.tables.base import CREATED, STARTED
from vergeos_nb.simulator.world import hardware
from vergeos_nb.simulator.world.vitals import Behaviour, Vitals
from vergeos_nb.simulator.world.world import Row, World

FIRST_KEY = 41
"""The key space of the base fleet is 41..52, used for VMs, machines, status and stats rows alike."""

FIRST_EXTRA_KEY = 1001
"""The first VM key of the additional fleet (`vms=N`)."""

SHIFTS = {"vms": 0, "machines": 3, "machine_status": 5, "machine_stats": 7}
"""By how much each table's keys are rotated against the VM's keys."""

BASE: tuple[tuple[str, int, int, str, bool], ...] = (
    ("web-01", 4, 8192, "linux", True),
    ("web-02", 4, 8192, "linux", True),
    ("db-01", 8, 32768, "linux", True),
    ("db-02", 8, 32768, "linux", True),
    ("app-01", 2, 4096, "linux", True),
    ("app-02", 2, 4096, "windows", True),
    ("mail-01", 4, 16384, "linux", True),
    ("dns-01", 1, 1024, "freebsd", True),
    ("build-01", 16, 65536, "linux", True),
    ("backup-01", 2, 8192, "linux", True),
    ("test-01", 2, 2048, "linux", False),
    ("legacy-01", 3, 16384, "windows", False),
)
"""Name, cores, RAM in MB, operating system family, running."""


def key_of(position: int, table: str, *, equal: bool = False) -> int:
    """Return the key of the VM at `position` of the base fleet in one of the four tables."""
    shift = 0 if equal else SHIFTS[table]
    return FIRST_KEY + (position + shift) % len(BASE)


def build(world: World, *, vms: int = 0, equal_keys: bool = False, username: str = "admin") -> None:
    """Fill an empty world with the base fleet and `vms` more (`vm-00001`, `vm-00002`, ...)."""
    base.build(world, username)
    for position, (name, cores, ram, family, running) in enumerate(BASE):
        keys = {table: key_of(position, table, equal=equal_keys) for table in SHIFTS}
        add_vm(
            world, name, keys=keys, cores=cores, ram=ram, os_family=family, running=running,
            node=1 + position % 3, started=STARTED + 60 * position,
        )  # fmt: skip
    add_snapshot_vm(world, "db-01", FIRST_KEY + 2, snapshot_key=21)
    for number in range(vms):
        first = FIRST_EXTRA_KEY + number
        keys = {table: first + (0 if equal_keys else shift) for table, shift in SHIFTS.items()}
        add_vm(
            world, f"vm-{number + 1:05d}", keys=keys, cores=1 + number % 8, ram=1024 * (1 + number % 16),
            os_family="linux", running=number % 10 != 9, node=1 + number % 3, started=STARTED + number,
        )  # fmt: skip


def add_vm(
    world: World, name: str, *, keys: dict[str, int] | None = None, cores: int = 2, ram: int = 4096,
    os_family: str = "linux", running: bool = True, node: int = 1, started: int = STARTED,
    behaviour: Behaviour | None = None, **columns: Any,
) -> Row:  # fmt: skip
    """Add a VM with its machine, status, stats, drive and NIC rows; return its vms row.

    Without `keys` the next free ones are taken, still different from each other.
    """
    keys = keys or free_keys(world)
    machine, status, stats = keys["machines"], keys["machine_status"], keys["machine_stats"]
    row = world.insert("vms", {
        "name": name, "machine": machine, "cpu_cores": cores, "ram": ram, "os_family": os_family,
        "guest_agent": os_family != "freebsd", "uefi": True, "cluster": 1, "creator": "admin",
        "uuid": f"00000000-0000-4000-8000-{keys['vms']:012d}",
        "created": CREATED, "modified": CREATED + 1583, **columns,
    }, keys["vms"])  # fmt: skip
    world.insert("machines", {
        "name": name, "type": "vm", "owner": f"vms/{keys['vms']}", "status": status, "stats": stats,
        "cluster": 1, "created": CREATED, "modified": CREATED,
    }, machine)  # fmt: skip
    world.insert("machine_status", {"machine": machine, "last_update": started}, status)
    world.insert("machine_stats", {"machine": machine}, stats)
    hardware.furnish(world, machine, disk_gb=32 + 8 * cores)
    vitals = world.vitals[machine] = Vitals() if behaviour is None else Vitals(behaviour)
    # A stopped machine keeps the cores, RAM and start of its last run (D-power, example row).
    kept = {"running_cores": cores, "running_ram": ram, "started": started}
    if running:
        vitals.start(node, float(started))
        vitals.heartbeat = True
        world.update("machine_status", status, running=True, powerstate=True, status="running",
                     state="online", node=node, **kept)  # fmt: skip
    else:
        vitals.ended_at, vitals.ended_seen = float(started + 3600), True
        world.update("machine_status", status, last_update=started + 3600, **kept)
    return row


def free_keys(world: World) -> dict[str, int]:
    """Return four free keys for a new VM, different from each other."""
    top = max((key for table in SHIFTS for key in world.tables[table] if isinstance(key, int)), default=0)
    return {table: top + 1 + shift for table, shift in SHIFTS.items()}


def add_snapshot_vm(world: World, name: str, vm_key: int, *, snapshot_key: int | None = None) -> Row:
    """Add the frozen copy of a VM's snapshot: a vms row with `is_snapshot` and the same name."""
    source = world.tables["vms"][vm_key]
    cores, ram = source["cpu_cores"], source["ram"]
    frozen = add_vm(world, name, cores=cores, ram=ram, running=False, is_snapshot=True)
    world.insert("machine_snapshots", {
        "machine": source["machine"], "snap_machine": frozen["machine"], "name": "before-upgrade",
        "created": STARTED - 7200, "expires_type": "never", "expires": 0, "created_manually": True,
    }, snapshot_key)  # fmt: skip
    return frozen
