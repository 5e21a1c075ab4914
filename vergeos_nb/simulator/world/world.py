"""The state of the imitated system: rows, the processes behind them, and pending events.

Rows are kept sparse: a column that was never set has its default from schema.py. Columns that move with time
are not stored. They are computed when they are read (live_rows.py), so that ten thousand idle VMs cost
nothing and a stepped clock is exact. A later event, such as the end of a shutdown, is an entry in a queue
of plain data. Events that are due happen before each read.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.tables.schema import TableSpec, tables
from vergeos_nb.simulator.world.computed import LIVE, VIRTUAL
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world_clock import Clock

QUERY_BUDGET = 200_000
"""The most rows behind links that one query may visit, so that `nodes[cluster[nodes[...]]]` ends."""

INDEXED = (
    ("machine_status", "machine"), ("machine_stats", "machine"), ("vms", "machine"), ("nodes", "machine"),
    ("machine_drive_status", "parent_drive"), ("machine_drive_stats", "parent_drive"),
    ("machine_nic_status", "parent_nic"), ("machine_nic_stats", "parent_nic"),
)  # fmt: skip
"""Columns by which rows are looked up, besides those behind rows() columns."""

FIRST_KEYS = {
    "machine_drives": 101, "machine_drive_status": 99, "machine_drive_stats": 97,
    "machine_nics": 201, "machine_nic_status": 199, "machine_nic_stats": 197, "machine_devices": 301,
    "machine_device_status": 299, "machine_console_status": 401, "machine_logs": 900_001, "logs": 5_000_001,
}  # fmt: skip
"""Where the keys of tables begin: a drive's, its status row's and its stats row's key always differ."""

Key = int | str
Row = dict[str, Any]
Getter = Callable[[Row], Any]
Handler = Callable[["World", int, dict[str, Any]], None]


class World:
    """Every table of one simulated system, with the truth about its machines.

    All methods are safe to call from any thread; `now` is the time of the last look.
    """

    handlers: ClassVar[dict[str, Handler]] = {}
    """The handlers of later events, by name."""

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        switches: Switches | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        self.clock = clock
        self.seed = seed
        self.switches = switches or Switches()
        self.lock = lock or threading.RLock()
        self.schema: dict[str, TableSpec] = tables()
        self.tables: dict[str, dict[Key, Row]] = {name: {} for name in self.schema}
        self.vitals: dict[int, Vitals] = {}
        self.events: list[tuple[float, int, str, int, int, dict[str, Any]]] = []
        self.now = clock.now()
        self.budget = QUERY_BUDGET
        self.projections: dict[tuple[str, str, str], Any] = {}  # compiled lists of fields
        self.sequence = 0
        self.next_keys: dict[str, int] = dict(FIRST_KEYS)
        self.api_secrets: dict[str, int] = {}
        self._index: dict[str, dict[str, dict[Any, dict[Key, None]]]] = {}
        for spec in self.schema.values():
            for column in spec.columns.values():
                if column.is_rows:
                    self._index.setdefault(str(column.target), {})[str(column.back)] = {}
        for table, column_name in INDEXED:
            self._index.setdefault(table, {}).setdefault(column_name, {})

    # -- time ---------------------------------------------------------------------------------

    def settle(self) -> float:
        """Take the clock's time and let everything that is due by then happen, in order."""
        with self.lock:
            self.budget = QUERY_BUDGET
            target = max(self.now, self.clock.now())
            while self.events and self.events[0][0] <= target:
                at, _, name, machine, generation, details = heapq.heappop(self.events)
                vitals = self.vitals.get(machine)
                if vitals is None or vitals.generation != generation:
                    continue  # overtaken by a later action on the same machine
                self.now = max(self.now, at)
                self.handlers[name](self, machine, details)
            self.now = target
            return target

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Hold the lock, with everything done that is due."""
        with self.lock:
            self.settle()
            yield

    def later(self, seconds: float, name: str, machine: int, **details: Any) -> None:
        """Let the handler `name` of life.py run for `machine` in `seconds`, unless overtaken."""
        self.sequence += 1
        generation = self.vitals[machine].generation
        entry = (self.now + seconds, self.sequence, name, machine, generation, details)
        heapq.heappush(self.events, entry)

    def spend(self, rows: int) -> None:
        """Count rows a query visits behind links; a query without end is refused (assumed: 422)."""
        self.budget -= rows
        if self.budget < 0:
            raise invalid_argument()

    # -- rows ---------------------------------------------------------------------------------

    def insert(self, table: str, row: Row, key: Key | None = None) -> Row:
        """Add a row under `key`, or under the next free integer."""
        with self.lock:
            store = self.tables[table]
            if key is None:
                key = self.next_keys.get(table, 1)
                while key in store:
                    key += 1
            if isinstance(key, int):
                self.next_keys[table] = max(self.next_keys.get(table, 1), key + 1)
            stored = {"$key": key, **row}
            store[key] = stored
            for column, entries in self._index.get(table, {}).items():
                entries.setdefault(stored.get(column), {})[key] = None
            return stored

    def update(self, table: str, key: Key, **fields: Any) -> Row:
        """Set columns of an existing row.

        Raises:
            KeyError: If there is no such row.
        """
        with self.lock:
            row = self.tables[table][key]
            indexed = self._index.get(table, {})
            for name, value in fields.items():
                entries = indexed.get(name)
                if entries is not None and row.get(name) != value:
                    entries.get(row.get(name), {}).pop(key, None)
                    entries.setdefault(value, {})[key] = None
                row[name] = value
            return row

    def remove(self, table: str, key: Key) -> None:
        """Take a row away; a row that is not there is fine."""
        with self.lock:
            row = self.tables[table].pop(key, None)
            if row is None:
                return
            for column, entries in self._index.get(table, {}).items():
                entries.get(row.get(column), {}).pop(key, None)

    def get(self, table: str, key: Key | None) -> Row | None:
        """Return the stored row, sparse and without live columns, or None."""
        return self.tables[table].get(key) if key is not None else None

    def rows(self, table: str, machine: int | None = None) -> list[Row]:
        """Return all rows of a table in key order; those of a virtual table also for one machine only."""
        virtual = VIRTUAL.get(table)
        if virtual is not None:
            return virtual(self, [machine] if machine is not None else sorted(self.tables["machines"]))
        return [row for _, row in sorted(self.tables[table].items(), key=_key_order)]

    def readable_rows(self, table: str, machine: int | None = None) -> list[Row]:
        """Return the rows that a list shows.

        By switch the statistics of dead machines are left out. The statistics of drives are there for
        machines whose row says that they run, and for no others (exporter for Prometheus, recorded).
        """
        rows = self.rows(table, machine)
        if table == "machine_drive_stats":
            return [row for row in rows if self._is_shown_running(row)]
        if table != "machine_stats" or self.switches.statistics_of_the_dead != "gone":
            return rows
        living = {key for key, vitals in self.vitals.items() if vitals.alive}
        return [row for row in rows if row.get("machine") in living]

    def _is_shown_running(self, drive_stats: Row) -> bool:
        drive = self.get("machine_drives", drive_stats.get("parent_drive"))
        status = self.status_row(drive["machine"]) if drive else None
        return bool(status and status.get("running"))

    def rows_behind(self, table: str, column: str, value: Any) -> list[Row]:
        """Return the rows of `table` whose indexed `column` is `value`, in key order."""
        store = self.tables[table]
        keys: Iterable[Key] = self._index[table][column].get(value, {})
        return [store[key] for key in sorted(keys, key=lambda k: (isinstance(k, str), k))]

    def getter(self, table: str, column: str) -> Getter | None:
        """Return a function from a stored row to the column's value now; None if there is no such column."""
        if column == "$key":
            return lambda row: row["$key"]
        spec = self.schema[table].columns.get(column)
        if spec is None:
            return None
        live = LIVE.get((table, column))
        if live is not None:
            return lambda row: live(self, row)
        if spec.is_rows:
            target, back = str(spec.target), str(spec.back)
            return lambda row: [found["$key"] for found in self.rows_behind(target, back, row["$key"])]
        default = spec.default
        return lambda row: row.get(column, default)

    def row(self, table: str, key: Key) -> Row:
        """Return a whole row as it reads now, defaults and moving columns included.

        Raises:
            KeyError: If there is no such row.
        """
        with self.settled():
            stored = self.tables[table][key]
            full: Row = {"$key": key}
            for name in self.schema[table].columns:
                getter = self.getter(table, name)
                full[name] = getter(stored) if getter else None
            return full

    def set_row(self, table: str, key: Key, **fields: Any) -> None:
        """Set columns of a row without the API. Adds the row if it is not there."""
        with self.settled():
            if key not in self.tables[table]:
                self.insert(table, {}, key)
            self.update(table, key, **fields)

    # -- machines -----------------------------------------------------------------------------

    def status_row(self, machine: int) -> Row | None:
        """Return the status row that belongs to `machine`, even if the machines row points to another."""
        found = self.rows_behind("machine_status", "machine", machine)
        return found[0] if found else None

    def set_status(self, machine: int, **fields: Any) -> None:
        """Set columns of the status row of `machine`, if it has one."""
        row = self.status_row(machine)
        if row is not None:
            self.update("machine_status", row["$key"], **fields)

    def vm_of_machine(self, machine: int) -> Row | None:
        """Return the vms row of `machine`, or None."""
        found = self.rows_behind("vms", "machine", machine)
        return found[0] if found else None

    def node_is_up(self, node: int | None) -> bool:
        """Is the node alive and in contact?"""
        row = self.get("nodes", node)
        vitals = self.vitals.get(row["machine"]) if row else None
        return bool(vitals and vitals.alive and vitals.heartbeat)

    def next_action(self, machine: int) -> Vitals:
        """Cancel the pending events of `machine`, because something new begins. Return its vitals."""
        vitals = self.vitals[machine]
        vitals.generation += 1
        return vitals

    def log(self, machine: int, text: str, *, level: str = "message", user: str = "") -> None:
        """Write one line into machine_logs and logs, at the time of now (microseconds)."""
        self.sequence += 1
        stamp = int(self.now * 1_000_000) + self.sequence % 1000
        owner = self.get("machines", machine) or {}
        vm = self.vm_of_machine(machine)
        kind = "vm" if vm else "node"
        name = vm["name"] if vm else owner.get("name", "")
        line = {"level": level, "text": text, "user": user, "timestamp": stamp}
        self.insert("machine_logs", {"machine": machine, **line})
        self.insert("logs", {**line, "object_type": kind, "object_name": name, "dbtime": stamp})


def _key_order(item: tuple[Key, Row]) -> tuple[bool, Any]:
    return isinstance(item[0], str), item[0]
