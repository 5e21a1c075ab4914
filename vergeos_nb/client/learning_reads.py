"""Reads that find out how the platform answers: its tables, its filters, and when it writes its rows.

Of each table they read the columns that the other modules of this room read, under the same names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.decoded_rows import RowFields, number, rows_of, whole
from vergeos_nb.client.evidence_reads import (
    DRIVE,
    DRIVE_STATS,
    LOG,
    NIC,
    NODE,
    SNAPSHOT,
    STATS,
    STATUS,
    TAG,
    TENANT_NODE,
    VM,
)
from vergeos_nb.client.scrub import visible
from vergeos_nb.client.transport.answer import OF_MANY
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import ApiError, FilterIgnored, PermissionDenied
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.learned import ColumnSeen, Grammar, MachineKind, Machines, ReadAs, TableSeen, Written
from vergeos_nb.vergeos.rows import MachineKey

ROWS = 5
"""Rows of each table that are looked at."""

LISTED = 200
"""VMs among which machines to watch are chosen."""

ASKED: Mapping[str, str] = {
    "vms": VM,
    "machines": filters.fields("$key", "status", "ha_group"),
    "machine_status": STATUS,
    "machine_stats": STATS,
    "machine_nics": NIC,
    "machine_drives": DRIVE,
    "machine_drive_stats": DRIVE_STATS,
    "nodes": NODE,
    "tenant_nodes": TENANT_NODE,
    "machine_logs": LOG,
    "machine_snapshots": SNAPSHOT,
    "tag_members": TAG,
}
"""The columns that the code reads of each table."""

_KINDS: Mapping[ReadAs, str] = {
    "key": "$key machine parent_nic parent_drive status",
    "whole": (
        "cpu_cores ram running_cores running_ram node migrated_node migration_destination media_source "
        "tx_bytes rx_bytes tx_pckts rx_pckts reads writes read_bytes write_bytes timestamp"
    ),
    "number": (
        "total_cpu user_cpu system_cpu iowait_cpu vmusage_cpu irq_cpu ram_used ram_pct vram_used core_peak"
    ),
    "word": "status_info agent_version agent_features agent_guest_info local_time",
    "truth": "is_snapshot running migratable powerstate maintenance vsan_connected quiesced",
    "time": "started last_update modified created expires",
    "numbers": "core_usagelist",
}
READ_AS: Mapping[str, ReadAs] = {name: kind for kind, names in _KINDS.items() for name in names.split()}
"""How the code reads a column. A column that is not here is text."""

# In these tables the name means something else.
_ELSEWHERE: Mapping[tuple[str, str], ReadAs] = {
    ("machine_status", "status"): "text",
    ("nodes", "status"): "text",
}
_FITS: Mapping[ReadAs, Callable[[Any], bool]] = {
    "key": lambda value: (whole(value) or 0) > 0,
    "whole": lambda value: whole(value) is not None,
    "number": lambda value: number(value) is not None,
    "text": lambda value: isinstance(value, str),
    # Shown and recorded, never interpreted.
    "word": lambda value: True,
    "truth": lambda value: decoded_rows.truth_value(value) is not None,
    "time": lambda value: number(value) is not None,
    "numbers": lambda value: isinstance(value, list) and all(number(one) is not None for one in value),
}
_JSON = {dict: "object", list: "list", str: "text", bool: "truth value", int: "number", float: "number"}
_NOBODY = "vergeos-nb asks for a name that no VM has"
_NO_COLUMN = "vergeos_nb_no_such_column"


class LearningReads:
    """The part of `VergeApi` that learns about the platform itself. Reads only."""

    wire: Wire

    def table_seen(self, table: str) -> TableSeen:
        """The columns in a few rows of a table of `ASKED`. A refused read is a result, too. Reads only."""
        asked = f"looking at the columns of {table}"
        try:
            answer = self.wire.read_answer(table, asked=asked, fields=ASKED[table], limit=str(ROWS))
            rows = [RowFields(row, table, asked).row for row in rows_of(answer.data, table, asked)]
        except (ApiError, PermissionDenied) as error:
            return TableSeen(table, refused=visible(error.came_back))
        columns = tuple(_column(table, name, rows) for name in columns_of(ASKED[table]))
        return TableSeen(table, len(rows), columns, answer.elapsed_s)

    def grammar(self) -> Grammar:
        """How the platform answers no match, an unknown column, and braces. Four calls. Reads only."""
        data = self.wire.read(
            "vms",
            asked="seeing how an answer without rows looks",
            filter=filters.eq("name", _NOBODY),
            fields="$key",
        )
        shape = data if data in ([], {"$count": 0}) else type(data).__name__
        # Unescaped braces are a macro to the platform, so `filters` writes none.
        unknown = self._matched(filters.eq(_NO_COLUMN, "a"))
        braces = self._matched(f"{_NO_COLUMN} eq '{{a: 1}}'")
        rows = self.wire.read("vms", asked="seeing whether there is a VM", fields="$key", limit="1")
        return Grammar(
            json.dumps(shape), unknown, braces, bool(rows_of(rows, "vms", "see whether there is a VM"))
        )

    def _matched(self, text: str) -> int:
        asked = "seeing what a filter on an unknown column brings"
        try:
            return len(
                rows_of(
                    self.wire.read("vms", asked=asked, filter=text, fields="$key", limit="2"), "vms", asked
                )
            )
        except FilterIgnored:
            return ROWS
        except ApiError:
            # The platform refused the filter, so no row came.
            return 0

    def machines_to_watch(self, each: int) -> Machines:
        """Machines of running VMs, stopped VMs and nodes, up to `each` of a kind. Two calls. Reads only."""
        asked = "choosing machines to watch"
        fields = filters.fields(
            "$key", "name", "machine", "machine#status#running as running", "machine#status#status as status"
        )
        found: dict[MachineKind, dict[int, str]] = {"running": {}, "stopped": {}, "node": {}}
        data = self.wire.read(
            "vms", asked=asked, bounds=OF_MANY, filter=filters.eq("is_snapshot", False), fields=fields,
            sort="+$key", limit=str(LISTED),
        )  # fmt: skip
        for row in rows_of(data, "vms", asked):
            of = RowFields(row, "vms", asked)
            running, status = of.seen_truth("running"), of.seen_text("status")
            kind: MachineKind | None = None
            if running and status == "running":
                kind = "running"
            elif running is False and status == "stopped":
                kind = "stopped"
            if kind and len(found[kind]) < each:
                found[kind][of.key("machine")] = of.seen_text("name")
        data = self.wire.read(
            "nodes", asked=asked, fields=filters.fields("$key", "name", "machine"), limit=str(each)
        )
        for row in rows_of(data, "nodes", asked):
            of = RowFields(row, "nodes", asked)
            found["node"][of.key("machine")] = of.seen_text("name")
        return found

    def written(self, machines: Sequence[MachineKey]) -> tuple[Written, ...]:
        """When the rows of these machines were written, in the order given. Two calls. Reads only."""
        asked = "seeing when rows are written"
        wanted = filters.any_of("machine", (MachineKey.number(one) for one in machines))
        status = self.wire.read_answer(
            "machine_status", asked=asked, bounds=OF_MANY, filter=wanted,
            fields=filters.fields("machine", "running", "last_update"),
        )  # fmt: skip
        stats = self.wire.read(
            "machine_stats", asked=asked, bounds=OF_MANY, filter=wanted,
            fields=filters.fields("machine", "total_cpu", "ram_used", "modified"),
        )  # fmt: skip
        by_status = _by_machine(status.data, "machine_status", asked)
        by_stats = _by_machine(stats, "machine_stats", asked)
        looked_at = status.server_time if status.server_time is not None else status.sent_at
        return tuple(
            _written(one.value, looked_at, by_status.get(one.value), by_stats.get(one.value))
            for one in machines
        )


def columns_of(fields: str) -> list[str]:
    """The names that these fields have in an answer."""
    return [entry.rpartition(" as ")[2].strip() for entry in fields.split(",")]


def read_as(table: str, column: str) -> ReadAs:
    """How the code reads this column."""
    return _ELSEWHERE.get((table, column)) or READ_AS.get(column, "text")


def _column(table: str, name: str, rows: Sequence[Mapping[str, Any]]) -> ColumnSeen:
    expected = read_as(table, name)
    values = [row[name] for row in rows if name in row]
    there = [value for value in values if value is not None]
    kinds = {"null" if value is None else _JSON.get(type(value), "number") for value in values}
    fits = all(map(_FITS[expected], there)) if there else None
    return ColumnSeen(name, expected, tuple(sorted(kinds)), fits)


def _by_machine(data: Any, table: str, asked: str) -> dict[int, RowFields]:
    rows = [RowFields(row, table, asked) for row in rows_of(data, table, asked)]
    return {row.key("machine"): row for row in rows}


def _written(machine: int, looked_at: float, status: RowFields | None, stats: RowFields | None) -> Written:
    return Written(
        machine,
        looked_at,
        running=status.seen_truth("running") if status else None,
        status_at=status.seen_time("last_update") if status else None,
        has_stats=stats is not None,
        stats_at=stats.seen_time("modified") if stats else None,
        cpu=stats.seen_number("total_cpu") if stats else None,
        ram=stats.seen_number("ram_used") if stats else None,
    )
