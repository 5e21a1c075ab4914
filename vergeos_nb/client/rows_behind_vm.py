"""Status, statistics and counters of a VM in one call: the rows behind its row in ``vms``.

The assumption `rows_come_together_with_a_vm` has two sources. The vendor's documents ask ``/v4/vms/1`` for
``machine[most,drives[most],nics[most]]`` (yb-api). The vendor's exporter reads the statistics of a machine,
its drives and its NICs behind the ``machine`` of a node (``fields=dashboard``). No source shows all of them
for a VM.

So a row counts only if it names itself, its owner and its values. Any other row is left out, and the caller
reads it by its own call. `identify.verify` compares the status row with the row itself. If `learn_platform`
has measured that rows do not come together, `Case.sample` does not ask for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.decoded_rows import RowFields
from vergeos_nb.client.evidence_reads import (
    DRIVE,
    DRIVE_COLUMNS,
    DRIVE_STATS,
    DRIVE_STATS_COLUMNS,
    NIC,
    NIC_COLUMNS,
    STATS,
    STATS_COLUMNS,
    drive_counters,
    nic_counter,
)
from vergeos_nb.client.transport.answer import NAMED, OF_MANY
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import (
    BadAnswer,
    BadRequest,
    InvalidValue,
    NotPermitted,
    PermissionDenied,
    RowNotFound,
    ServerError,
)
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.exchange import Exchange, api_path
from vergeos_nb.vergeos.rows import (
    NO_ROWS,
    Counter,
    MachineKey,
    MachineStats,
    MachineStatus,
    StatusKey,
    VmKey,
    VmRows,
)

T = TypeVar("T")
Given = Mapping[str, list[Any]]

_NAME = "behind"

BEHIND = filters.fields(
    "$key", "name", "is_snapshot", "machine",
    filters.behind(
        "machine", "$key",
        filters.behind("status", "$key", "most"),
        filters.behind("stats", *STATS_COLUMNS),
        filters.behind("nics", *NIC_COLUMNS),
        filters.behind("drives", *DRIVE_COLUMNS, filters.behind("stats", *DRIVE_STATS_COLUMNS)),
        # An alias, because a filter on `machine` could otherwise mean this column.
        named=_NAME,
    ),
)  # fmt: skip
NOT_ANSWERED = (
    BadAnswer, BadRequest, InvalidValue, NotPermitted, PermissionDenied, RowNotFound, ServerError,
)  # fmt: skip
"""Answers that say nothing about the rows themselves. Each row can still be read by its own call."""

# The fields that a row must have. A null in one of them can come from a link that leads nowhere.
_STATUS_TOLD = ("$key", "machine", "running", "status", "state", "last_update", "started")
_STATS_TOLD = ("$key", "machine", "total_cpu", "ram_used", "modified")
_NIC_TOLD = ("$key", "machine", "parent_nic", "tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts")
_DRIVE_TOLD = ("parent_drive", "reads", "writes", "read_bytes", "write_bytes")


class RowsBehindVm:
    """The part of `VergeApi` that reads a VM's rows together. Reads only."""

    wire: Wire

    def rows_behind(self, vm: VmKey, machine: MachineKey, status: StatusKey) -> VmRows:
        """Status, statistics and counters of one VM, as far as one call answers them. Reads only.

        One call, or two if a drive's statistics did not come along. If the platform refuses, no row is
        returned, and no error is raised.

        Args:
            machine, status: the keys that the rows must name.
        """
        path, asked = VmKey.path(vm), f"reading VM {vm} and the rows behind it"
        try:
            row = self.wire.read(path, asked=asked, bounds=NAMED, fields=BEHIND)
            found = self._rows_of([row], [machine.value], asked).get(machine.value, NO_ROWS)
        except NOT_ANSWERED:
            return NO_ROWS
        return matching(found, vm, status)

    def rows_behind_all(self, machines: Sequence[int]) -> Mapping[int, VmRows]:
        """By machine, the rows behind its VM, as far as they came. Reads only."""
        asked = f"reading {len(machines)} VMs and the rows behind them"
        of_these = filters.any_of("machine", machines)
        wanted = filters.and_(of_these, filters.eq("is_snapshot", False))
        data = self.wire.read("vms", asked=asked, bounds=OF_MANY, filter=wanted, fields=BEHIND)
        return self._rows_of(decoded_rows.rows_of(data, "vms", asked), machines, asked)

    def _rows_of(self, rows: Sequence[Any], machines: Sequence[int], asked: str) -> Mapping[int, VmRows]:
        """By machine, the rows behind these rows of ``vms``. A machine that comes twice gets none."""
        found: dict[int, list[Given]] = {}
        for row in rows:
            of = RowFields(row, "vms", asked).row
            tables, machine = unfolded(of), decoded_rows.whole(of.get("machine"))
            behind = of.get(_NAME)
            same = isinstance(behind, Mapping) and decoded_rows.whole(behind.get("$key")) == machine
            if same and machine is not None and machine in machines:
                found.setdefault(machine, []).append(tables)
        of_one = {machine: given[0] for machine, given in found.items() if len(given) == 1}
        self._drives_that_lack_statistics(list(of_one.values()), asked)
        return {machine: _decoded(given, MachineKey(machine), asked) for machine, given in of_one.items()}

    def _drives_that_lack_statistics(self, given: Sequence[Given], asked: str) -> None:
        """Ask for them by the drives' keys. A drive at rest has none, or the way to them leads nowhere."""
        lacking: dict[int, list[Any]] = {}
        for tables in given:
            there = tables["machine_drive_stats"]
            there[:] = [row for row in there if _told(row, _DRIVE_TOLD)]
            told = {decoded_rows.whole(row["parent_drive"]) for row in there}
            keys = [decoded_rows.whole(row.get("$key")) for row in tables["machine_drives"]]
            lacking |= {key: there for key in keys if key is not None and key not in told}
        if not lacking:
            return
        parents = filters.any_of("parent_drive", sorted(lacking))
        data = self.wire.read(
            "machine_drive_stats", asked=asked, bounds=OF_MANY, filter=parents, fields=DRIVE_STATS
        )
        for row in decoded_rows.rows_of(data, "machine_drive_stats", asked):
            parent = RowFields(row, "machine_drive_stats", asked).key("parent_drive")
            if parent in lacking:
                lacking[parent].append(row)


def matching(rows: VmRows, vm: VmKey, status: StatusKey) -> VmRows:
    """These rows, if they are this VM's and its status row has this key; none of them otherwise."""
    there = rows.status.key if rows.status is not None else status
    return rows if rows.vm == vm and there == status else NO_ROWS


def unfolded(row: Any) -> Given:
    """The rows that a row of ``vms`` holds, by their tables, each as its table would give it."""
    tables: dict[str, list[Any]] = {name: [] for name in _TABLES}
    machine = row.get(_NAME)
    behind = machine if isinstance(machine, Mapping) else {}
    tables["vms"] = [{name: value for name, value in row.items() if name != _NAME}]
    for table, column in (("machine_status", "status"), ("machine_stats", "stats")):
        tables[table] += [behind[column]] if isinstance(behind.get(column), Mapping) else []
    for table, column in (("machine_nics", "nics"), ("machine_drives", "drives")):
        held = behind.get(column)
        tables[table] += [one for one in held if isinstance(one, Mapping)] if isinstance(held, list) else []
    drives = tables["machine_drives"]
    tables["machine_drive_stats"] = [drive["stats"] for drive in drives if "stats" in drive]
    tables["machine_drives"] = [{k: v for k, v in drive.items() if k != "stats"} for drive in drives]
    return tables


def asks_for_rows_behind(path: str, query: Mapping[str, str]) -> bool:
    """Whether this is a call for rows together, also one of a version that asked for other columns."""
    return path.startswith(api_path(VmKey.table)) and query.get("fields", "").endswith(f"] as {_NAME}")


def status_rows_in(answer: Any) -> list[Any]:
    """The status rows in the answer to a call for rows together."""
    rows = answer if isinstance(answer, list) else [answer]
    return [one for row in rows if isinstance(row, Mapping) for one in unfolded(row)["machine_status"]]


def taken_apart(call: Exchange) -> Iterator[Exchange]:
    """A call that read rows together, as one call for each table; any other call as it is."""
    if not asks_for_rows_behind(call.path, call.query):
        yield call
        return
    rows = call.answer if isinstance(call.answer, list) else [call.answer]
    together = [row for row in rows if isinstance(row, Mapping)]
    for table, fields in _TABLES.items():
        answer = [one for row in together for one in unfolded(row)[table]]
        yield replace(call, path=api_path(table), query={"fields": fields}, answer=answer)


_TABLES: Mapping[str, str] = {
    "vms": filters.fields("$key", "name", "is_snapshot", "machine"),
    "machine_status": filters.fields("most"),
    "machine_stats": STATS,
    "machine_nics": NIC,
    "machine_drives": DRIVE,
    "machine_drive_stats": DRIVE_STATS,
}


def _decoded(given: Given, machine: MachineKey, asked: str) -> VmRows:
    vm = _read(lambda: VmKey(RowFields(given["vms"][0], "vms", asked).key("$key")))

    def status() -> MachineStatus | None:
        rows = [row for row in given["machine_status"] if _told(row, _STATUS_TOLD)]
        found = decoded_rows.machine_status(rows[0], None, asked) if rows else None
        return found if found is not None and found.machine == machine else None

    def stats() -> MachineStats | None:
        rows = [row for row in given["machine_stats"] if _told(row, _STATS_TOLD)]
        return decoded_rows.machine_stats(rows[0], machine, asked) if rows else None

    def counters() -> tuple[Counter, ...] | None:
        nics, drives = given["machine_nics"], given["machine_drives"]
        own = all(decoded_rows.whole(row.get("machine")) == machine.value for row in (*nics, *drives))
        # A VM without any of a kind is rare. It is more likely that the link led nowhere.
        if not (nics and drives and own and all(_told(row, _NIC_TOLD) for row in nics)):
            return None
        told = [RowFields(row, "machine_drives", asked) for row in drives]
        counted = [RowFields(row, "machine_drive_stats", asked) for row in given["machine_drive_stats"]]
        of_nics = [nic_counter(RowFields(row, "machine_nics", asked)) for row in nics]
        of_drives = drive_counters(told, counted)
        return (*sorted(of_nics, key=_key), *sorted(of_drives, key=_key))

    return VmRows(vm, machine, _read(status), _read(stats), _read(counters))


def _key(counter: Counter) -> int:
    return counter.key


def _read(read: Callable[[], T | None]) -> T | None:
    try:
        return read()
    except BadAnswer:
        return None


def _told(row: Any, columns: Sequence[str]) -> bool:
    return isinstance(row, Mapping) and all(row.get(column) is not None for column in columns)
