"""Drives, NICs, console: what hangs on a machine, each with its own status and statistics rows.

The keys of a drive, of its status row and of its statistics row differ, as do those of NICs: the vendor
measured that reading machine_drive_stats by a drive's key gives another drive's row (pyvergeos 1.7.1
drive_stats.py).
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.simulator.world.world import Row, World

GIGABYTE = 1024**3


def furnish(world: World, machine: int, *, disk_gb: int) -> None:
    """Give a new VM one disk, one NIC and a console."""
    add_drive(world, machine, name="drive_0", disksize=disk_gb * GIGABYTE)
    add_nic(world, machine, name="nic_0", vnet=3)
    console = world.insert("machine_console_status", {"machine": machine})
    vm = world.vm_of_machine(machine)
    if vm is not None:
        world.update("vms", vm["$key"], console_status=console["$key"])


def add_drive(world: World, machine: int, **columns: Any) -> Row:
    """Add a drive with its status and statistics rows."""
    drive = world.insert("machine_drives", {"machine": machine, **columns})
    key = drive["$key"]
    size = drive.get("disksize", 0)
    status = world.insert("machine_drive_status", {"parent_drive": key})
    stats = world.insert("machine_drive_stats", {
        "parent_drive": key, "max_bytes": size, "used_bytes": size // 3,
    })  # fmt: skip
    return world.update("machine_drives", key, status=status["$key"], stats=stats["$key"],
                        used_bytes=stats["used_bytes"])  # fmt: skip


def add_nic(world: World, machine: int, **columns: Any) -> Row:
    """Add a NIC with its status and statistics rows and an address made from its key."""
    nic = world.insert("machine_nics", {"machine": machine, **columns})
    key = nic["$key"]
    status = world.insert("machine_nic_status", {"parent_nic": key})
    stats = world.insert("machine_nic_stats", {"parent_nic": key})
    if not nic.get("macaddress"):
        world.update("machine_nics", key, macaddress="f0:db:30:" + ":".join(
            f"{(key >> shift) & 255:02x}" for shift in (16, 8, 0)))  # fmt: skip
    return world.update("machine_nics", key, status=status["$key"], stats=stats["$key"])


def strip(world: World, machine: int) -> None:
    """Take away everything that hangs on a machine."""
    for drive in world.rows_behind("machine_drives", "machine", machine):
        remove_drive(world, drive)
    for nic in world.rows_behind("machine_nics", "machine", machine):
        remove_nic(world, nic)
    for device in world.rows_behind("machine_devices", "machine", machine):
        world.remove("machine_device_status", device.get("status", 0))
        world.remove("machine_devices", device["$key"])


def remove_drive(world: World, drive: Row) -> None:
    """Take away a drive with its rows."""
    world.remove("machine_drive_status", drive.get("status", 0))
    world.remove("machine_drive_stats", drive.get("stats", 0))
    world.remove("machine_drives", drive["$key"])


def remove_nic(world: World, nic: Row) -> None:
    """Take away a NIC with its rows."""
    world.remove("machine_nic_status", nic.get("status", 0))
    world.remove("machine_nic_stats", nic.get("stats", 0))
    world.remove("machine_nics", nic["$key"])
