"""The moving columns of drives and NICs. They count only while the machine's process lives.

Rates are made from the machine's key; rows of a machine whose node is cut off are as old as the cut.
Columns: pyvergeos 1.7.1 drive_stats.py and nic_stats.py; all numbers are invented.
"""

from __future__ import annotations

from collections.abc import Callable

from vergeos_nb.simulator.world.computed import LIVE
from vergeos_nb.simulator.world.hardware import PARTS
from vergeos_nb.simulator.world.live_rows import observed
from vergeos_nb.simulator.world.world import Row, World

PARENTS = {"machine_drive_stats": "machine_drives", "machine_nic_stats": "machine_nics"}
RATES = {
    "machine_drive_stats": {
        "reads": ("rops", 20), "writes": ("wops", 12), "read_bytes": ("rbps", 90_000),
        "write_bytes": ("wbps", 50_000),
    },
    "machine_nic_stats": {
        "rx_pckts": ("rxpps", 120), "tx_pckts": ("txpps", 100), "rx_bytes": ("rxbps", 90_000),
        "tx_bytes": ("txbps", 70_000),
    },
}  # fmt: skip
"""Counter column -> its per-second column and the least rate; each machine adds its own share."""


def machine_of(world: World, table: str, row: Row) -> int:
    """Return the machine a statistics row is about."""
    parents = PARENTS[table]
    parent = world.get(parents, row.get(PARTS[parents][0]))
    return int(parent["machine"]) if parent else 0


def rate_of(machine: int, least: int) -> int:
    """Return a machine's own rate: `least` per second and up to half as much again."""
    return least + machine * 7919 % (least // 2 + 1)


def _counter(table: str, least: int) -> Callable[[World, Row], int]:
    def value(world: World, row: Row) -> int:
        machine = machine_of(world, table, row)
        vitals, moment, _ = observed(world, machine)
        return int(vitals.active_seconds(moment) * rate_of(machine, least)) if vitals else 0

    return value


def _rate(table: str, *least: int) -> Callable[[World, Row], int]:
    def value(world: World, row: Row) -> int:
        machine = machine_of(world, table, row)
        _, _, alive = observed(world, machine)
        return sum(rate_of(machine, part) for part in least) if alive else 0

    return value


def _seen(table: str) -> Callable[[World, Row], int]:
    def value(world: World, row: Row) -> int:
        _, moment, _ = observed(world, machine_of(world, table, row))
        return int(moment)

    return value


for _table, _columns in RATES.items():
    for _counted, (_per_second, _least) in _columns.items():
        LIVE[(_table, _counted)] = _counter(_table, _least)
        LIVE[(_table, _per_second)] = _rate(_table, _least)
    LIVE[(_table, "last_update")] = _seen(_table)
for _name, (_, _least) in RATES["machine_nic_stats"].items():
    LIVE[("machine_nic_stats", f"{_name}_cur")] = _counter("machine_nic_stats", _least)
LIVE[("machine_drive_stats", "totalbps")] = _rate("machine_drive_stats", 90_000, 50_000)
LIVE[("machine_nic_stats", "totalxbps")] = _rate("machine_nic_stats", 90_000, 70_000)
