"""A whole fleet in a few list calls, as columns: a list per field, and no object per VM.

Lists are read in pages. Each page begins above the last key of the page before. So a row that is added or
removed meanwhile does not make another row be missed. A page's rows become columns before the next is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import lt
from typing import Any, TypeVar

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.evidence_reads import MICROSECONDS, NODE, log_line, node_state
from vergeos_nb.client.transport.answer import OF_MANY, TABLE
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.whole_tables.table_size import (
    MOST_AS_JSON,
    MOST_KEPT,
    MOST_NODES_AS_JSON,
    OF_A_SUM,
    check_size,
)
from vergeos_nb.client.whole_tables.typed_rows import Gathering, Wanted, rows_in, sent_as
from vergeos_nb.errors import REPORT, FilterIgnored, WrongShape
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import Columns, LogLine, MachineKey, NodeState

Page = TypeVar("Page")
Decode = Callable[[bytes], tuple[Page, Sequence[int]]]
OnRows = Callable[[Columns], None]

PAGE = 6000
"""Rows of one call whose columns are kept. The platform's own limit is none, as far as its clients know
(pyvergeos, tsvergeos)."""

PAGE_AS_JSON = 4000
"""Rows of one call that are kept as the platform gave them: they are longer."""

MOST_PAGES = 100
"""The most pages of a table. No table of a system has so many rows."""

MACHINES_A_CALL = 100
"""The most machines in one filter, because the filter is part of the URL."""

# The way through machine and status is the one that
# pyvergeos 1.7.1 takes for its list of VMs.
VM_COLUMNS = (
    ("vm_key", "$key", "key"),
    ("name", "name", "text"),
    ("machine_key", "machine", "key"),
    ("cpu_cores", "cpu_cores", "int"),
    ("ram_mb", "ram", "int"),
    ("ha_group", "machine#ha_group", "word"),
    ("status_key", "machine#status", "int"),
    ("status_machine", "machine#status#machine", "int"),
    ("running", "machine#status#running", "bool"),
    ("status", "machine#status#status", "word"),
    ("state", "machine#status#state", "word"),
    ("node", "machine#status#node", "int"),
    ("migration_destination", "machine#status#migration_destination", "int"),
    ("started", "machine#status#started", "time"),
    ("last_update", "machine#status#last_update", "time"),
    ("total_cpu", "machine#stats#total_cpu", "number"),
    ("ram_used", "machine#stats#ram_used", "number"),
    ("stats_written", "machine#stats#modified", "time"),
)
_SIGNS = tuple(
    column for column in VM_COLUMNS if column[0] not in ("name", "cpu_cores", "ram_mb", "ha_group")
)
_KEY, _MACHINE = ("$key", "$key", "key"), ("machine", "machine", "int")
_NICS = (
    _KEY,
    _MACHINE,
    *((name, f"stats#{name}", "int") for name in ("tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts")),
)
_DRIVES = (_KEY, _MACHINE)
_DRIVE_STATS = (
    _KEY,
    ("parent_drive", "parent_drive", "int"),
    *((name, name, "int") for name in ("reads", "writes", "read_bytes", "write_bytes")),
)


def _no_matter(page: Columns) -> None:
    """The default of ``on_rows``: do nothing."""


class FleetReads:
    """The part of `VergeApi` that reads whole tables. Reads only."""

    wire: Wire

    def fleet_vms(self, on_rows: OnRows = _no_matter) -> Columns:
        """Every VM that is not a snapshot, with its status and stats rows; by VM key. Reads only.

        Columns: ``vm_key``, ``name``, ``machine_key``, ``cpu_cores``, ``ram_mb``, ``ha_group``,
        ``status_key``, ``status_machine``, ``running``, ``status``, ``state``, ``node``,
        ``migration_destination``, ``started``, ``last_update``, ``total_cpu``, ``ram_used``,
        ``stats_written``, ``unread``. A field is None if its row is missing or its value cannot be read.
        ``unread`` names such fields, and is "" for most rows.

        Args:
            on_rows: called with each page of these columns as soon as it is read.
        """
        return self._columns(VM_COLUMNS, "list all VMs", on_rows)

    def fleet_signs(self) -> Columns:
        """As `fleet_vms`, without what does not change while a VM is watched. Reads only."""
        return self._columns(_SIGNS, "list all VMs again")

    def fleet_counters(self) -> Mapping[int, int]:
        """By machine, the sum of all that its NICs and drives have counted. Reads only.

        A sum means nothing by itself. If it differs from an earlier sum, a counter has moved.
        """
        asked = "reading the counters of all machines"
        sums: dict[int, int] = {}
        for page in self._typed("machine_nics", _NICS, asked):
            _add(sums, page["machine"], [page[name] for name, _, _ in _NICS[2:]])
            check_size(OF_A_SUM * len(sums), MOST_KEPT, "machine_nics", asked)
        machine_of: dict[int, int] = {}
        for page in self._typed("machine_drives", _DRIVES, asked):
            pairs = zip(page["$key"], page["machine"], strict=True)
            machine_of.update((key, machine) for key, machine in pairs if machine)
            check_size(OF_A_SUM * len(machine_of), MOST_KEPT, "machine_drives", asked)
        for page in self._typed("machine_drive_stats", _DRIVE_STATS, asked):
            machines = [machine_of.get(drive) for drive in page["parent_drive"]]
            _add(sums, machines, [page[name] for name, _, _ in _DRIVE_STATS[2:]])
        return sums

    def all_nodes(self) -> tuple[NodeState, ...]:
        """Every node, by key. Reads only."""
        asked = "listing the nodes"
        found = [
            node_state(decoded_rows.RowFields(row, "nodes", asked))
            for page in self._lists("nodes", asked, MOST_NODES_AS_JSON, fields=NODE)
            for row in page
        ]
        return tuple(found)

    def last_logs(self, machines: Sequence[MachineKey], since: float) -> Mapping[int, LogLine]:
        """The newest log line of each of these machines from this time on, by machine. Reads only.

        Args:
            since: seconds since 1970, by the platform's clock.
        """
        newest: dict[int, LogLine] = {}
        later = filters.at_least("timestamp", max(0, int(since * MICROSECONDS)))
        for first in range(0, len(machines), MACHINES_A_CALL):
            some = [MachineKey.number(machine) for machine in machines[first : first + MACHINES_A_CALL]]
            asked = f"reading the logs of {len(some)} machines"
            wanted = filters.and_(filters.any_of("machine", some), later)
            data = self.wire.read(
                "machine_logs",
                asked=asked,
                filter=wanted,
                fields=filters.fields("$key", "machine", "level", "text", "user", "timestamp"),
                sort="-timestamp",
                limit=str(PAGE_AS_JSON),
                bounds=OF_MANY,
            )
            for row in decoded_rows.rows_of(data, "machine_logs", asked):
                of = decoded_rows.RowFields(row, "machine_logs", asked)
                line = log_line(of)
                machine = of.key("machine")
                if machine not in some:
                    raise of.wrong(f"a line of machine {machine} came that was not asked for")
                if machine not in newest or newest[machine].at < line.at:
                    newest[machine] = line
        return newest

    def whole_table(self, table: str, *, fields: str) -> list[Any]:
        """Every row of a table by ``$key``, as the platform gave it. Reads only.

        Args:
            fields: made by `filters.fields`; ``$key`` is one of them.
        """
        return [
            row for page in self._lists(table, f"read {table}", MOST_AS_JSON, fields=fields) for row in page
        ]

    def _columns(self, wanted: Sequence[Wanted], asked: str, on_rows: OnRows = _no_matter) -> Columns:
        gathering = Gathering(wanted, "vms", asked)
        only = filters.eq("is_snapshot", False)
        for page in self._pages("vms", asked, gathering.decode, only, fields=_fields(wanted)):
            gathering.add(page)
            on_rows(page)
        return gathering.columns

    def _typed(self, table: str, wanted: Sequence[Wanted], asked: str) -> Iterator[Columns]:
        decode = Gathering(wanted, table, asked).decode
        return self._pages(table, asked, decode, fields=_fields(wanted))

    def _lists(self, table: str, asked: str, most: int, *, fields: str) -> Iterator[list[Any]]:
        taken = 0

        def decode(content: bytes) -> tuple[list[Any], list[int]]:
            nonlocal taken
            taken += len(content)
            check_size(taken, most, table, asked)
            found = rows_in(content, table, asked)
            return found, [decoded_rows.RowFields(row, table, asked).key("$key") for row in found]

        return self._pages(table, asked, decode, fields=fields, page_rows=PAGE_AS_JSON)

    def _pages(
        self,
        table: str,
        asked: str,
        decode: Decode[Page],
        only: filters.Filter | None = None,
        *,
        fields: str,
        page_rows: int | None = None,
    ) -> Iterator[Page]:
        """The rows of a table by ``$key``, a page at a time.

        Args:
            page_rows: the most rows of a page; by default `PAGE`.

        Raises:
            WrongShape: a page is not in order, or begins below the one before: rows could be missing.
        """
        above, most = 0, page_rows or PAGE
        for _ in range(MOST_PAGES):
            later = filters.above("$key", above)
            wanted = later if only is None else filters.and_(only, later)
            ask = {"filter": wanted, "fields": fields, "sort": "+$key", "limit": str(most)}
            page, keys = decode(self.wire.read_answer(table, asked=asked, raw=True, bounds=TABLE, **ask).data)
            if len(keys) > most:
                raise FilterIgnored(
                    asked,
                    f"{len(keys)} rows of {table} came, and at most {most} were asked for",
                    "the answer is not used. Connect to the system directly: a proxy may drop the part of "
                    "the URL after the question mark. If the error stays, report it with the version of "
                    "the system.",
                )
            expected = (above, *keys)
            if not all(map(lt, expected, keys)):
                before, key = next(pair for pair in pairwise(expected) if pair[1] <= pair[0])
                raise WrongShape(
                    asked,
                    f"row {key} of {table} came after row {before}, and they were asked for in order",
                    f"rows could be missing, so the answer is not used: {REPORT}",
                )
            if keys:
                yield page
            if len(keys) < most:
                return
            above = keys[-1]
        raise FilterIgnored(
            asked,
            f"{table} does not end after {MOST_PAGES * most} rows",
            f"{REPORT}; name the version of the system",
        )


def _fields(wanted: Sequence[Wanted]) -> str:
    sent = sent_as(wanted)
    return filters.fields(
        *(path if path == sent[name] else f"{path} as {sent[name]}" for name, path, _ in wanted)
    )


def _add(sums: dict[int, int], machines: Sequence[int | None], counted: Sequence[Sequence[Any]]) -> None:
    for machine, *values in zip(machines, *counted, strict=True):
        if machine is not None:
            sums[machine] = sums.get(machine, 0) + sum(filter(None, values))
