"""A captured system as a simulated one: rows that were read twice, and the processes that they show.

`docs/capture.md` describes the file. The file does not say how the system answers a change. As in the other
scenarios, a machine that lives obeys. A machine that is shown as running without a process accepts every
action without an effect.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vergeos_nb.simulator.scenarios.scenario import Scenario
from vergeos_nb.simulator.world.hardware import PARTS
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import Row, World

FORMAT = "vergeos-nb/capture/1"
LARGEST = 1 << 30
"""The largest file, in bytes. A capture of 10,000 VMs has about 30 MB."""

PARENTS = {"machine_drive_stats": "machine_drives", "machine_nic_stats": "machine_nics"}
"""A table of counters -> the table of what is counted."""


class Captured(msgspec.Struct, forbid_unknown_fields=False):
    """The content of a capture file.

    Attributes:
        format: this form of the file.
        taken_at: when the second reading ended, in seconds since 1970 by the platform's clock.
        seconds_between: seconds from the first reading to the second.
        version: the version of VergeOS.
        calls: how many requests were sent to make it.
        tables: the rows of each table at the second reading.
        before: the rows at the first reading, of the tables that were read twice.
        samples: some whole rows of each table, with every column that the platform gives.
    """

    format: str
    taken_at: float
    seconds_between: float
    version: str
    calls: int
    tables: dict[str, list[dict[str, Any]]]
    before: dict[str, list[dict[str, Any]]]
    samples: dict[str, list[dict[str, Any]]] = {}


def read_captured(path: str | Path) -> Captured:
    """Read a capture file.

    Raises:
        ValueError: it is no capture; the message says why.
        OSError: it cannot be read.
    """
    file = Path(path)
    if not stat.S_ISREG(file.stat().st_mode) or file.stat().st_size > LARGEST:
        raise ValueError(f"{file}: it is no plain file, or has more than {LARGEST:,} bytes")
    try:
        captured = msgspec.json.decode(file.read_bytes(), type=Captured)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"{file}: no capture: {error}") from error
    if captured.format != FORMAT:
        raise ValueError(f"{file}: its format is {captured.format!r}, and this version reads {FORMAT!r}")
    return captured


def scenario_of(captured: Captured) -> Scenario:
    """The captured system as a scenario. Its subject is the first VM that says it runs and does not live."""
    life = Life(captured)
    vms = [row for row in captured.tables.get("vms", ()) if not row.get("is_snapshot")]
    hung = [
        row for row in vms if life.says_running(row.get("machine")) and not life.lives(row.get("machine"))
    ]
    subject = next((str(row.get("name")) for row in (*hung, *vms)), "")
    return Scenario(
        "captured",
        f"A captured system of version {captured.version}, with the names masked.",
        story="A system that somebody captured. Nobody knows what hangs there.",
        seen="What this system's rows say is what a real one said. How it answers a change is assumed.",
        prepare=lambda world, vm: None,
        subject=subject,
        switches={"version": captured.version, **life.switches()},
    )


def settle_in(world: World, captured: Captured) -> None:
    """Fill an empty world with the captured rows, and give each machine the life that they show.

    Raises:
        ValueError: a row has no usable key.
    """
    for table, rows in captured.tables.items():
        if table not in world.tables:
            continue
        for row in rows:
            key = row.get("$key")
            if isinstance(key, bool) or not isinstance(key, (int, str)):
                raise ValueError(f"a row of {table} has the key {key!r}")
            world.insert(table, {name: value for name, value in row.items() if name != "$key"}, key)
    life = Life(captured)
    for row in world.rows("machines"):
        world.vitals[row["$key"]] = life.vitals(row)


class Life:
    """What two readings of a system show of the life of its machines."""

    def __init__(self, captured: Captured) -> None:
        self.taken_at = captured.taken_at
        now, before = captured.tables, captured.before
        self.status = _by(now.get("machine_status", ()), "machine")
        self.stats = _by(now.get("machine_stats", ()), "machine")
        self.status_before = _by(before.get("machine_status", ()), "machine")
        self.stats_before = _by(before.get("machine_stats", ()), "machine")
        self.moved = set(_moved(now, before))

    def says_running(self, machine: Any, *, default: bool = False) -> bool:
        """Does the status row say that the machine runs? The default stands for a row that says nothing."""
        return bool(self.status.get(machine, {}).get("running", default))

    def has_ended(self, machine: Any) -> bool:
        """Are the machine's statistics still written, and zero at the last reading?"""
        in_use = int(self.stats.get(machine, {}).get("ram_used") or 0) > 0
        return machine in self.stats and self._goes_on(machine) and not in_use

    def lives(self, machine: Any) -> bool:
        """Whether a counter moved, or statistics that are still written show RAM in use."""
        in_use = int(self.stats.get(machine, {}).get("ram_used") or 0) > 0
        return machine in self.moved or (in_use and self._goes_on(machine))

    def _goes_on(self, machine: Any) -> bool:
        after, before = self.stats.get(machine, {}), self.stats_before.get(machine, {})
        return after.get("modified") != before.get("modified")

    def _is_heard(self, machine: Any) -> bool:
        after, before = self.status.get(machine, {}), self.status_before.get(machine, {})
        return after.get("last_update") != before.get("last_update")

    def switches(self) -> dict[str, str]:
        """The answers to open questions that this system gave."""
        dead = [key for key in self.status if self.says_running(key) and not self.lives(key)]
        goes_on = any(self._is_heard(key) for key in dead)
        return {"heartbeat_of_the_dead": "goes_on"} if goes_on else {}

    def vitals(self, machine: Row) -> Vitals:
        """The truth about a machine, as far as the capture shows it."""
        key, found = machine["$key"], Vitals()
        row, stats = self.status.get(key, {}), self.stats.get(key, {})
        is_node = machine.get("type") == "node"
        if self.says_running(key) and (is_node or self.lives(key)):
            found.start(int(row.get("node") or 0), float(row.get("started") or 0))
            found.heartbeat = is_node or self._is_heard(key)
            return found
        found.behave(acpi=None, kill=None, migrate=None, hibernate=None, unresponsive=None, ha_restart=None)
        found.active = 1000.0
        if stats and not self._goes_on(key):
            found.frozen_at = float(stats.get("modified") or 0)
            found.frozen_alive = int(stats.get("ram_used") or 0) > 0
            found.frozen_active = found.active
        return found


def _by(rows: Any, column: str) -> dict[Any, dict[str, Any]]:
    return {row.get(column): row for row in rows}


def _moved(now: dict[str, list[dict[str, Any]]], before: dict[str, list[dict[str, Any]]]) -> Iterator[Any]:
    """The machines of which a counter of a drive or NIC moved between the two readings."""
    for table, parents in PARENTS.items():
        back = PARTS[parents][0]
        machine_of = {row.get("$key"): row.get("machine") for row in now.get(parents, ())}
        first = _by(before.get(table, ()), "$key")
        for row in now.get(table, ()):
            was = first.get(row.get("$key"))
            counters = [name for name in row if name not in ("$key", back, "last_update")]
            if was is not None and any(row[name] != was.get(name) for name in counters):
                yield machine_of.get(row.get(back))
