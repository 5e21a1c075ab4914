"""The two statistics histories: rows are made when they are read and are not stored.

Short: a point every ten minutes for two hours. Long: one each day for a week. Both assumed; the columns
are those of pyvergeos 1.7.1 machine_stats.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.simulator.world.computed import VIRTUAL, Virtual
from vergeos_nb.simulator.world.live_rows import cpu_percent, observed, ram_megabytes
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import Key, Row, World


def _series(step: int, points: int) -> Virtual:
    def rows(world: World, machines: Sequence[Key]) -> list[Row]:
        made = []
        for machine in machines:
            vitals = world.vitals.get(machine) if isinstance(machine, int) else None
            if vitals is not None and isinstance(machine, int):
                made += _points(world, machine, vitals, step, points)
        return made

    return rows


def _points(world: World, machine: int, vitals: Vitals, step: int, points: int) -> list[Row]:
    _, moment, _ = observed(world, machine)
    last = int(moment) // step * step
    rows: list[Row] = []
    for number in range(points):
        at = last - step * (points - 1 - number)
        alive = vitals.alive and at >= vitals.alive_since
        cpu = cpu_percent(world, machine, at) if alive else 0
        ram = ram_megabytes(world, machine, at) if alive else 0
        rows.append({
            "$key": machine * 1000 + number, "machine": machine, "timestamp": at, "total_cpu": cpu,
            "user_cpu": cpu * 6 // 10, "system_cpu": cpu * 3 // 10, "iowait_cpu": 0, "vmusage_cpu": cpu,
            "ram_used": ram, "vram_used": ram, "core_peak": min(100, cpu * 2),
        })  # fmt: skip
    return rows


VIRTUAL["machine_stats_history_short"] = _series(600, 12)
VIRTUAL["machine_stats_history_long"] = _series(86_400, 7)
