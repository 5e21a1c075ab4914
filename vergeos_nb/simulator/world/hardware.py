"""The drives, NICs, devices and console of a machine, each with its own status and statistics rows.

The keys of a drive, of its status row and of its statistics row differ, as do those of NICs: the vendor
measured that reading machine_drive_stats by a drive's key gives another drive's row (pyvergeos 1.7.1
drive_stats.py).
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.simulator.world.world import Row, World

GIGABYTE = 1024**3

GUEST_NETWORK = 3
"""The key of the network on which the VMs are; a NIC on it has an address."""

PARTS = {
    "machine_drives": ("parent_drive", {"status": "machine_drive_status", "stats": "machine_drive_stats"}),
    "machine_nics": ("parent_nic", {"status": "machine_nic_status", "stats": "machine_nic_stats"}),
    "machine_devices": ("parent_device", {"status": "machine_device_status"}),
}
"""Table of a part -> the column of its rows' link back, and which column links to a row of which table."""


def furnish(world: World, machine: int, *, disk_gb: int) -> None:
    """Give a new VM one disk, one NIC and a console."""
    add_part(world, "machine_drives", machine=machine, name="drive_0", disksize=disk_gb * GIGABYTE)
    add_part(world, "machine_nics", machine=machine, name="nic_0", vnet=GUEST_NETWORK)
    console = world.insert("machine_console_status", {"machine": machine})
    vm = world.vm_of_machine(machine)
    if vm is not None:
        world.update("vms", vm["$key"], console_status=console["$key"])


def add_part(world: World, table: str, **columns: Any) -> Row:
    """Add a drive, NIC or device with its rows. A NIC without an address gets one made from its key."""
    part = world.insert(table, columns)
    key = part["$key"]
    back, tables = PARTS[table]
    links = {column: world.insert(target, {back: key})["$key"] for column, target in tables.items()}
    if table == "machine_drives":
        size = part.get("disksize", 0)
        world.update("machine_drive_stats", links["stats"], max_bytes=size, used_bytes=size // 3)
        links["used_bytes"] = size // 3
    if table == "machine_nics" and not part.get("macaddress"):
        world.update(table, key, macaddress=f"f0:db:30:{(key % 2**24).to_bytes(3, 'big').hex(':')}")
    if table == "machine_nics" and part.get("vnet") == GUEST_NETWORK and not part.get("ipaddress"):
        world.update(table, key, ipaddress=f"10.0.{key // 256 % 256}.{key % 256}")
    return world.update(table, key, **links)


def remove_part(world: World, part: Row, table: str) -> None:
    """Remove a drive, NIC or device with its rows."""
    for column, target in PARTS[table][1].items():
        world.remove(target, part.get(column, 0))
    world.remove(table, part["$key"])


def strip(world: World, machine: int) -> None:
    """Remove all drives, NICs and devices of a machine."""
    for table in PARTS:
        for part in world.rows_behind(table, "machine", machine):
            remove_part(world, part, table)
