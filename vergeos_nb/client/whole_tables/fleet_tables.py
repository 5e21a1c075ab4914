"""A whole fleet in a few list calls, as columns: a list per field, and no object per VM.

Lists are read in pages, each beginning above the last key of the page before, so that a row that comes or
goes meanwhile shifts no other out of sight. A page's rows are turned into columns before the next page comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from operator import attrgetter, lt
from typing import Annotated, Any

import msgspec

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.evidence_reads import MICROSECONDS, NODE, log_line, node_state
from vergeos_nb.client.transport.answer import OF_MANY, TABLE
from vergeos_nb.client.transport.decoding import decoded
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import FilterIgnored, NotJson, WrongShape
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import Columns, LogLine, MachineKey, NodeState

Wanted = tuple[str, str, str]
Decode = Callable[[bytes], tuple[list[Any], list[int]]]

PAGE = 4000
"""Rows of one call. The platform's own limit is none, as far as its clients know (pyvergeos, tsvergeos)."""

MOST_PAGES = 100
"""So many pages are more rows than any table of a system has."""

MACHINES_A_CALL = 100
"""So many machines are named in one filter, which travels in the URL."""

# The column, whether it is required, and its kind. The way through machine and status is the one that
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
_NIC = tuple(f"stats#{name} as {name}" for name in ("tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts"))
_DRIVE = ("reads", "writes", "read_bytes", "write_bytes")


class FleetReads:
    """The part of `VergeApi` that reads whole tables. Reads only."""

    wire: Wire

    def fleet_vms(self) -> Columns:
        """Every VM that is not a snapshot, with its status and stats rows; by VM key. Reads only.

        Columns: ``vm_key``, ``name``, ``machine_key``, ``cpu_cores``, ``ram_mb``, ``ha_group``,
        ``status_key``, ``status_machine``, ``running``, ``status``, ``state``, ``node``,
        ``migration_destination``, ``started``, ``last_update``, ``total_cpu``, ``ram_used``,
        ``stats_written``, ``unread``. A field is None if its row is missing or its value cannot be read.
        ``unread`` names such fields, and is "" for most rows.
        """
        return self._columns(VM_COLUMNS, "list all VMs")

    def fleet_signs(self) -> Columns:
        """As `fleet_vms`, without what does not change while a VM is watched. Reads only."""
        return self._columns(_SIGNS, "list all VMs again")

    def fleet_counters(self) -> Mapping[int, int]:
        """By machine, the sum of all that its NICs and drives have counted. Reads only.

        The sum means nothing by itself; one that differs from an earlier one is of counters that moved.
        """
        asked = "read the counters of all machines"
        sums: dict[int, int] = {}
        nic = filters.fields("$key", "machine", *_NIC)
        for page in self._lists("machine_nics", asked, fields=nic):
            _add(sums, page, "machine", ("tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts"))
        machine_of: dict[int, int] = {}
        for page in self._lists("machine_drives", asked, fields=filters.fields("$key", "machine")):
            pairs = (
                (decoded_rows.whole(row["$key"]), decoded_rows.whole(row.get("machine"))) for row in page
            )
            machine_of.update((key, machine) for key, machine in pairs if key and machine)
        stats = filters.fields("$key", "parent_drive", *_DRIVE)
        for page in self._lists("machine_drive_stats", asked, fields=stats):
            _add(sums, page, "parent_drive", _DRIVE, machine_of)
        return sums

    def all_nodes(self) -> tuple[NodeState, ...]:
        """Every node, by key. Reads only."""
        asked = "list the nodes"
        found = [
            node_state(decoded_rows.RowFields(row, "nodes", asked))
            for page in self._lists("nodes", asked, fields=NODE)
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
            asked = f"read the logs of {len(some)} machines"
            wanted = filters.and_(filters.or_(*(filters.eq("machine", key) for key in some)), later)
            data = self.wire.read(
                "machine_logs",
                asked=asked,
                filter=wanted,
                fields=filters.fields("$key", "machine", "level", "text", "user", "timestamp"),
                sort="-timestamp",
                limit=str(PAGE),
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
        return [row for page in self._lists(table, f"read {table}", fields=fields) for row in page]

    def _columns(self, wanted: Sequence[Wanted], asked: str) -> Columns:
        columns: dict[str, list[Any]] = {name: [] for name, _, _ in wanted}
        columns["unread"] = []
        entries = [path if path in (name, "$key") else f"{path} as {name}" for name, path, _ in wanted]
        decode, strict, words = partial(_page, wanted, asked), filters.eq("is_snapshot", False), _Words()
        for page in self._pages("vms", asked, decode, strict, fields=filters.fields(*entries)):
            for name, _, kind in wanted:
                values = map(attrgetter(name), page)
                columns[name].extend(map(words.__getitem__, values) if kind == "word" else values)
            columns["unread"].extend(words[row.unread] for row in page)
        return columns

    def _lists(self, table: str, asked: str, *, fields: str) -> Iterator[list[Any]]:
        def decode(content: bytes) -> tuple[list[Any], list[int]]:
            found = _rows(content, table, asked)
            return found, [decoded_rows.RowFields(row, table, asked).key("$key") for row in found]

        return self._pages(table, asked, decode, fields=fields)

    def _pages(
        self, table: str, asked: str, decode: Decode, only: filters.Filter | None = None, *, fields: str
    ) -> Iterator[list[Any]]:
        """The rows of a table by ``$key``, a page at a time.

        Raises:
            WrongShape: a page is not in order, or begins below the one before: rows could be missing.
        """
        above = 0
        for _ in range(MOST_PAGES):
            later = filters.above("$key", above)
            wanted = later if only is None else filters.and_(only, later)
            ask = {"filter": wanted, "fields": fields, "sort": "+$key", "limit": str(PAGE)}
            page, keys = decode(self.wire.read_answer(table, asked=asked, raw=True, bounds=TABLE, **ask).data)
            if len(page) > PAGE:
                raise FilterIgnored(
                    asked,
                    f"{len(page)} rows of {table} came, and at most {PAGE} were asked for",
                    "The answer is not used. Connect to the system directly: a proxy may drop the part of "
                    "the URL after the question mark. If the error stays, report the version.",
                )
            expected = (above, *keys)
            if not all(map(lt, expected, keys)):
                before, key = next(pair for pair in pairwise(expected) if pair[1] <= pair[0])
                raise WrongShape(
                    asked,
                    f"row {key} of {table} came after row {before}, and they were asked for in order",
                    "Rows could be missing, so the answer is not used: keep the exchange and report it.",
                )
            if page:
                yield page
            if len(page) < PAGE:
                return
            above = keys[-1]
        raise FilterIgnored(
            asked,
            f"{table} does not end after {MOST_PAGES * PAGE} rows",
            "Report the version of this system.",
        )


class _Words(dict[str | None, str]):
    """The same few words over and over, each kept once; "" for null."""

    def __missing__(self, word: str | None) -> str:
        self[word] = word or ""
        return self[word]


_TYPES: Mapping[str, Any] = {
    "key": Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)],
    "text": str,
    "int": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "time": Annotated[int, msgspec.Meta(ge=0, lt=decoded_rows.LAST_TIME)] | None,
    "number": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
    | None,
    "word": str | None,
    "bool": bool | None,
}


@cache
def _struct(wanted: Sequence[Wanted]) -> Any:
    """One row as an object without a dictionary: a tenth of the time and memory."""
    fields: list[Any] = [
        (name, _TYPES[kind]) if kind in ("key", "text") else (name, _TYPES[kind], None)
        for name, _, kind in wanted
    ]
    fields.append(("unread", str, ""))
    return msgspec.defstruct("FleetRow", fields, rename={"vm_key": "$key"}, gc=False, kw_only=True)


def _page(wanted: Sequence[Wanted], asked: str, content: bytes) -> tuple[list[Any], list[int]]:
    try:
        # A type made at run time.
        page: list[Any] = msgspec.json.decode(content, type=list[_struct(wanted)])  # type: ignore[misc]
    except (msgspec.DecodeError, RecursionError):
        # A value is not a plain number or truth value: read it as a single row is read, or name the error.
        page = [_row(row, wanted, asked) for row in _rows(content, "vms", asked)]
    return page, [row.vm_key for row in page]


def _rows(content: bytes, table: str, asked: str) -> list[Any]:
    try:
        return decoded_rows.rows_of(decoded(content), table, asked)
    except ValueError as error:
        raise NotJson(
            asked, f"the answer for {table} is not JSON", "Check that the host is a VergeOS system."
        ) from error


def _row(row: Any, wanted: Sequence[Wanted], asked: str) -> Any:
    """One row, read with every allowance that single rows get."""
    of = decoded_rows.RowFields(row, "vms", asked)
    read = {name: _checked(of, "$key" if path == "$key" else name, kind) for name, path, kind in wanted}
    return _struct(wanted)(**read, unread="; ".join(of.unread))


def _checked(of: decoded_rows.RowFields, name: str, kind: str) -> Any:
    """A field: one VM's odd value is named, and does not keep all others from being read."""
    match kind:
        case "text":
            return of.text(name)
        case "key":
            return of.key(name)
        case "bool":
            return of.seen_truth(name)
        case "word":
            return of.seen_text(name)
        case "time":
            return of.seen_time(name)
        case "number":
            return of.seen_number(name)
    return of.seen_integer(name)


def _add(
    sums: dict[int, int],
    page: list[Any],
    parent: str,
    names: Sequence[str],
    machine_of: Mapping[int, int] | None = None,
) -> None:
    for row in page:
        machine = decoded_rows.whole(row.get(parent))
        if machine_of is not None and machine is not None:
            machine = machine_of.get(machine)
        if machine is not None:
            counted = sum(decoded_rows.whole(row.get(name)) or 0 for name in names)
            sums[machine] = sums.get(machine, 0) + counted
