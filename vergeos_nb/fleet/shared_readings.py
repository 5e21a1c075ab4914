"""One reading of the platform for all VMs of a fleet, instead of one for each VM.

One list call reads the rows of all VMs that run. Each VM's run gets its own rows, as if it had asked alone.
Its journal holds the call with these rows. Rules for the readings that a run gets:

- The reading began after the run's own last changing call had ended.
- A run gets a reading of changing values once, so that two samples are two readings.
- The reading is no older than `LIVE_S`, or `STANDING_S` for constant values: names, keys, the list of drives.

The reading right before a changing call (``vm_now``) and the changing calls themselves are made for one VM
alone, over the run's own wire.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from vergeos_nb.client.decoded_rows import whole
from vergeos_nb.client.rows_behind_vm import NOT_ANSWERED, matching
from vergeos_nb.client.transport.wire import OnExchange, OnIntent, Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.clock import Clock
from vergeos_nb.errors import VergeNbError
from vergeos_nb.fleet.pace import Pace
from vergeos_nb.session.connection import Connect, Connection
from vergeos_nb.settings import Profile
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.vergeos.rows import NO_ROWS, MachineKey, StatusKey, VmKey, VmRows

LIVE_S = 1.0
STANDING_S = 60.0
# The most VMs that one filter may name, because the filter is a part of the URL.
MOST_AT_ONCE = 100


@dataclass(slots=True)
class Reading:
    """One list call: when it began, its rows, and its exchanges."""

    number: int
    began: float
    machines: frozenset[int]
    rows: Any
    exchanges: Sequence[Exchange]


@dataclass(slots=True)
class _Shelf:
    lock: threading.Lock = field(default_factory=threading.Lock)
    newest: Reading | None = None


class FleetReader:
    """The part that all runs share: one wire, and the newest reading of each kind."""

    def __init__(self, profile: Profile, clock: Clock, pace: Pace, transport: Any = None) -> None:
        self._clock = clock
        self._routes = threading.local()
        self._shelves: dict[str, _Shelf] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._interest: frozenset[int] = frozenset()
        # The time from which each run wants log lines. A reading begins at the earliest.
        self.log_from: dict[int, float] = {}
        # Whole, because each run gets its own rows of an answer. An answer is dropped with its reading.
        self.wire = Wire(
            profile, clock=clock, on_exchange=self._take, transport=transport, pace=pace.wait, kept=None
        )
        self.api = VergeApi(self.wire)

    def close(self) -> None:
        """End the session and close the connections."""
        self.wire.close()

    def upcoming(self, machines: frozenset[int]) -> None:
        """Read these machines from now on: those of VMs that run or may start next.

        If there are more than `MOST_AT_ONCE`, only the first of them are read beside the wanted one.
        """
        self._interest = machines

    def _take(self, exchange: Exchange) -> None:
        taken: list[Exchange] | None = getattr(self._routes, "taken", None)
        if taken is not None:
            taken.append(exchange)

    def newest(self, kind: str) -> Any:
        """The rows of the newest reading of this kind, however old, or None."""
        shelf = self._shelves.get(kind)
        return shelf.newest.rows if shelf and shelf.newest else None

    def get(
        self,
        kind: str,
        machine: int | None,
        usable: Callable[[Reading], bool],
        read: Callable[[Sequence[int]], Any],
        failed: Callable[[Sequence[Exchange]], None],
    ) -> Reading:
        """A usable reading of this kind. It is made now if there is none.

        Args:
            machine: the wanted machine; None for rows that belong to no VM.
            read: reads the rows of these machines.
            failed: called with the calls of a failed reading, before its error is raised.
        """
        with self._lock:
            shelf = self._shelves.setdefault(kind, _Shelf())
        with shelf.lock:
            there = shelf.newest
            if there is not None and usable(there) and (machine is None or machine in there.machines):
                return there
            wanted = self._around(machine)
            began = self._clock.monotonic()
            taken: list[Exchange] = []
            self._routes.taken = taken
            try:
                rows = read(wanted)
            except VergeNbError:
                failed(taken)
                raise
            finally:
                self._routes.taken = None
            with self._lock:
                self._count += 1
                number = self._count
            shelf.newest = Reading(number, began, frozenset(wanted), rows, tuple(taken))
            return shelf.newest

    def _around(self, machine: int | None) -> Sequence[int]:
        others = sorted(self._interest - {machine})
        return ([] if machine is None else [machine]) + others[: MOST_AT_ONCE - 1]


class SharedPlatform(VergeApi):
    """A run's platform within a fleet: reads are shared; changes and the guards' reads are the run's own."""

    def __init__(
        self, wire: Wire, reader: FleetReader, clock: Clock, on_exchange: OnExchange, names: Mapping[str, int]
    ) -> None:
        super().__init__(wire)
        self._reader = reader
        self._clock = clock
        self._on_exchange = on_exchange
        self._names = names
        self._changed_at = float("-inf")
        # The newest reading of each kind that was given to this run as live, and that its journal holds.
        self._given: dict[str, int] = {}
        self._told: dict[str, int] = {}

    # -- constant values -------------------------------------------------------------------------

    def system(self) -> Any:
        return self._standing("system", None, lambda _: self._reader.api.system(), _all)

    def own_rights(self) -> Any:
        return self._standing("rights", None, lambda _: self._reader.api.own_rights(), _all)

    def vms_named(self, name: str) -> Any:
        machine = self._names.get(name)
        if machine is None:
            return super().vms_named(name)
        names = {number: known for known, number in self._names.items()}

        def read(machines: Sequence[int]) -> Any:
            return self._reader.api.vms_any_named([names[m] for m in machines if m in names])

        found = self._standing("names", machine, read, _rows_of("name", name))
        return tuple(vm for vm in found if vm.name == name)

    def status_key(self, machine: MachineKey) -> Any:
        read = self._reader.api.status_keys
        found = self._standing("status keys", machine.value, read, _rows_of("$key", machine.value))
        return found[machine.value] if machine.value in found else super().status_key(machine)

    def nodes_for(self, machine: MachineKey, node: int | None) -> Any:
        def rows(answer: Any) -> Any:
            return [row for row in answer if _is(row, "$key", node) or _is(row, "machine", machine.value)]

        found = self._standing("nodes", None, lambda _: self._reader.api.all_nodes(), rows, LIVE_S * 5)
        return tuple(one for one in found if one.key == node or one.machine == machine)

    def tenant_nodes_of(self, machine: MachineKey) -> Any:
        read = self._reader.api.tenant_nodes
        return self._standing("tenant nodes", machine.value, read, _mine(machine)).get(machine.value, ())

    # -- values that change ----------------------------------------------------------------------

    def statuses_of(self, machine: MachineKey) -> Any:
        read = self._reader.api.statuses_of_all
        found = self._standing("status", machine.value, read, _mine(machine), LIVE_S * 5)
        return tuple(row for row in found if row.machine == machine)

    def machine_status(self, key: StatusKey) -> Any:
        machine = self._machine_of(key)
        if machine is None:
            return super().machine_status(key)
        found = [
            row for row in self._live("status", machine, self._reader.api.statuses_of_all) if row.key == key
        ]
        return found[0] if len(found) == 1 else super().machine_status(key)

    def rows_behind(self, vm: VmKey, machine: MachineKey, status: StatusKey) -> VmRows:
        kind, read = "rows behind VMs", self._reader.api.rows_behind_all
        try:
            found = self._live(kind, machine, read)
        except NOT_ANSWERED:
            return NO_ROWS
        return matching(found.get(machine.value, NO_ROWS), vm, status)

    def machine_stats(self, machine: MachineKey) -> Any:
        return self._live("stats", machine, self._reader.api.stats_of_all).get(machine.value)

    def counters(self, machine: MachineKey) -> Any:
        return self._live("counters", machine, self._reader.api.counters_of_all).get(machine.value, ())

    def machine_rows(self, machine: MachineKey, table: str, fields: Sequence[str]) -> Any:
        def read(machines: Sequence[int]) -> Any:
            return self._reader.api.rows_of_all(machines, table, fields)

        return self._live(f"{table}: {', '.join(fields)}", machine, read).get(machine.value, ())

    def logs_since(self, machine: MachineKey, since: float, limit: int = 50) -> Any:
        if since < self._clock.now() - STANDING_S:
            # The log of a whole day, read once per run. For all VMs it could be too long for one answer.
            return super().logs_since(machine, since, limit)
        reader = self._reader
        reader.log_from[id(self)] = since = min(since, reader.log_from.get(id(self), since))

        def read(machines: Sequence[int]) -> Any:
            begins = min(list(reader.log_from.values()))
            return begins, reader.api.logs_of_all(machines, begins)

        _, lines = self._live("logs", machine, read, lambda reading: reading.rows[0] <= since)
        own = lines.get(machine.value, ())
        return tuple(line for line in own if line.at >= int(since * 1e6) / 1e6)[:limit]

    def forget(self) -> None:
        """Stop reading log lines for this run."""
        self._reader.log_from.pop(id(self), None)

    # -- the run's own calls ---------------------------------------------------------------------

    def _change(self, change: Any, asked: str) -> Any:
        try:
            return super()._change(change, asked)
        finally:
            self._changed_at = self._clock.monotonic()

    def _machine_of(self, key: StatusKey) -> MachineKey | None:
        """The machine that the shared status rows name for this key."""
        rows = self._reader.newest("status") or ()
        return next((row.machine for row in rows if row.key == key), None)

    def _standing(
        self,
        kind: str,
        machine: int | None,
        read: Callable[[Sequence[int]], Any],
        rows: Callable[[Any], Any],
        lasts_s: float = STANDING_S,
    ) -> Any:
        def usable(reading: Reading) -> bool:
            return self._clock.monotonic() - reading.began <= lasts_s

        reading = self._reader.get(kind, machine, usable, read, self._tell_all)
        self._tell(reading, kind, rows)
        return reading.rows

    def _live(
        self,
        kind: str,
        machine: MachineKey,
        read: Callable[[Sequence[int]], Any],
        also: Callable[[Reading], bool] = lambda reading: True,
    ) -> Any:
        seen = self._given.get(kind, 0)

        def usable(reading: Reading) -> bool:
            young = self._clock.monotonic() - reading.began <= LIVE_S
            fresh = reading.began >= self._changed_at and reading.number > seen
            return young and fresh and also(reading)

        reading = self._reader.get(kind, machine.value, usable, read, self._tell_all)
        self._given[kind] = reading.number
        self._tell(reading, kind, _mine(machine))
        return reading.rows

    def _tell(self, reading: Reading, kind: str, rows: Callable[[Any], Any]) -> None:
        """Write the calls into this run's journal, with the run's own rows of their answers."""
        if self._told.get(kind) == reading.number:
            return
        self._told[kind] = reading.number
        for exchange in reading.exchanges:
            answer = rows(exchange.answer) if isinstance(exchange.answer, list) else exchange.answer
            self._on_exchange(replace(exchange, answer=answer))

    def _tell_all(self, exchanges: Sequence[Exchange]) -> None:
        for exchange in exchanges:
            self._on_exchange(exchange)


def _all(answer: Any) -> Any:
    return answer


def _rows_of(column: str, value: Any) -> Callable[[Any], Any]:
    return lambda answer: [row for row in answer if _is(row, column, value)]


def _is(row: Any, column: str, value: Any) -> bool:
    """Whether a row has this value, in any spelling of a number. A failed attempt can have any content."""
    there = row.get(column) if isinstance(row, Mapping) else None
    return there is not None and (there == value or (isinstance(value, int) and whole(there) == value))


def _mine(machine: MachineKey) -> Callable[[Any], Any]:
    """Select the rows of this machine, and rows without a machine, such as a drive's counters."""
    return lambda answer: [
        row
        for row in answer
        if isinstance(row, Mapping) and ("machine" not in row or _is(row, "machine", machine.value))
    ]


@contextmanager
def _connected(
    profile: Profile,
    reader: FleetReader,
    pace: Pace,
    names: Mapping[str, int],
    transport: Any,
    clock: Clock,
    on_intent: OnIntent,
    on_exchange: OnExchange,
) -> Iterator[Connection]:
    lock, count = threading.Lock(), [0]

    def numbered(exchange: Exchange) -> None:
        # The run's own calls and the shared ones get one sequence of numbers.
        with lock:
            count[0] += 1
            on_exchange(replace(exchange, number=count[0]))

    with ExitStack() as stack:
        wire = stack.enter_context(
            Wire(
                profile,
                clock=clock,
                on_intent=on_intent,
                on_exchange=numbered,
                transport=transport,
                pace=pace.wait,
            )
        )
        platform = SharedPlatform(wire, reader, clock, numbered, names)
        stack.callback(platform.forget)
        yield Connection(profile, platform, lambda: (*wire.secrets, *reader.wire.secrets))


def sharing(
    profile: Profile, reader: FleetReader, pace: Pace, names: Mapping[str, int], transport: Any = None
) -> Connect:
    """Connect runs to their system over a shared reader.

    Args:
        names: the machine key of each VM of the fleet whose name is unique in it.
    """

    def connect(clock: Clock, on_intent: OnIntent, on_exchange: OnExchange) -> Any:
        return _connected(profile, reader, pace, names, transport, clock, on_intent, on_exchange)

    return connect
