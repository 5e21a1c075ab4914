"""Columns that are computed when they are read: heartbeats, counters, totals.

Everything is a function of the seed, the machine and the clock, so the same simulated second always
reads the same. Shapes and units follow pyvergeos 1.7.1 machine_stats.py; the numbers are invented.
"""

from __future__ import annotations

from vergeos_nb.simulator.world.computed import LIVE, Live, live
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import Row, World


def noise(world: World, machine: int, second: int, salt: int) -> float:
    """Return a number in [0, 1) that depends on nothing but its arguments and the seed."""
    return (hash((world.seed, machine, second, salt, 7919)) % 99991) / 99991


def observed(world: World, machine: int) -> tuple[Vitals | None, float, bool]:
    """Return the source of a machine's statistics: its vitals, their time, and whether it was alive then."""
    vitals = world.vitals.get(machine)
    if vitals is None:
        return None, world.now, False
    if vitals.frozen_at is not None:
        return vitals, vitals.frozen_at, vitals.frozen_alive
    if not vitals.alive and vitals.ended_at is not None and world.switches.statistics_of_the_dead == "stale":
        return vitals, vitals.ended_at, not vitals.ended_seen
    return vitals, world.now, vitals.alive


@live("machine_status", "last_update")
def last_update(world: World, row: Row) -> int:
    """This second if the machine has a heartbeat; otherwise the time of its last heartbeat (by switch)."""
    vitals = world.vitals.get(row.get("machine", 0))
    kept_up = world.switches.heartbeat_of_the_dead == "goes_on"
    if vitals is not None and not vitals.alive and kept_up:
        return int(world.now)
    if vitals is not None and vitals.heartbeat and vitals.alive:
        return int(world.now)
    return int(row.get("last_update", 0))


@live("machine_stats", "modified")
def stats_modified(world: World, row: Row) -> int:
    """Statistics come in every second, zeros included, until the node that sends them is cut off."""
    _, moment, _ = observed(world, row.get("machine", 0))
    return int(moment)


def cpu_percent(world: World, machine: int, moment: float) -> int:
    """A busy but not full CPU: 3 to 60 percent."""
    return 3 + int(57 * noise(world, machine, int(moment), 1))


def ram_megabytes(world: World, machine: int, moment: float) -> int:
    """MB in use. It moves by one each second (modulo 97), so that any two samples of a life differ."""
    ram = int((world.status_row(machine) or {}).get("running_ram", 0))
    return max(1, ram * 60 // 100) + int(moment) % 97


@live("machine_stats", "core_usagelist")
def core_list(world: World, row: Row) -> list[int]:
    """One percentage for each core the machine runs with; zeros for a machine that does not live."""
    machine = row.get("machine", 0)
    status = world.status_row(machine) or {}
    cores = int(status.get("running_cores", 0))
    _, moment, alive = observed(world, machine)
    if not alive:
        return [0] * cores
    return [3 + int(90 * noise(world, machine, int(moment), 100 + core)) for core in range(cores)]


@live("machine_stats", "total_cpu")
def total_cpu(world: World, row: Row) -> int:
    """Percent of all cores together."""
    _, moment, alive = observed(world, row.get("machine", 0))
    return cpu_percent(world, row["machine"], moment) if alive else 0


def _share(part: float) -> Live:
    """A part of a node's CPU. On the row of a VM it is always 0 (exporter for Prometheus, recorded)."""

    def share(world: World, row: Row) -> int:
        percent: int = total_cpu(world, row)
        return int(percent * part) if _is_node(world, row) else 0

    return share


def _is_node(world: World, row: Row) -> bool:
    return (world.get("machines", row.get("machine")) or {}).get("type") == "node"


LIVE[("machine_stats", "user_cpu")] = _share(0.6)
LIVE[("machine_stats", "system_cpu")] = _share(0.3)
LIVE[("machine_stats", "iowait_cpu")] = _share(0.05)
LIVE[("machine_stats", "vmusage_cpu")] = _share(0.9)


@live("machine_stats", "ram_used")
def ram_used(world: World, row: Row) -> int:
    """MB of the node's RAM that the machine holds; 0 if it does not live. Needs no guest agent."""
    machine = row.get("machine", 0)
    _, moment, alive = observed(world, machine)
    return ram_megabytes(world, machine, moment) if alive else 0


@live("machine_stats", "vram_used")
def vram_used(world: World, row: Row) -> int:
    """MB that a node's VMs hold. On the row of a VM it is always 0 (exporter for Prometheus, recorded)."""
    return int(ram_used(world, row)) if _is_node(world, row) else 0


@live("machine_stats", "ram_pct")
def ram_pct(world: World, row: Row) -> int:
    """Percent of the machine's RAM in use."""
    ram = int((world.status_row(row.get("machine", 0)) or {}).get("running_ram", 0))
    return min(100, ram_used(world, row) * 100 // ram) if ram else 0


@live("machine_stats", "core_peak")
def core_peak(world: World, row: Row) -> int:
    """The busiest core's percentage."""
    return max(core_list(world, row), default=0)


def _above(limit: int) -> Live:
    def count(world: World, row: Row) -> int:
        return sum(1 for value in core_list(world, row) if value > limit)

    return count


for _limit in (25, 50, 75):
    LIVE[("machine_stats", f"core_count_gt_{_limit}")] = _above(_limit)
