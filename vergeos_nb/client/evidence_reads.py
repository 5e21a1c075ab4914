"""The reads that give evidence about a machine: counters, nodes, log lines, snapshots, tags.

Each row names its machine, and this is compared with the requested one, because keys of different tables look
alike. Field names are from the modules of pyvergeos 1.7.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.changing import TAME_KEY
from vergeos_nb.client.decoded_rows import LAST_TIME
from vergeos_nb.client.transport.answer import NAMED, Bounds
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import UsageError
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import (
    Counter,
    CounterKind,
    DriveOnFile,
    LogLine,
    MachineKey,
    NodeState,
    QueryAnswer,
    Snapshot,
    VmKey,
)

_NIC_COUNTERS = ("tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts")
_DRIVE_COUNTERS = ("reads", "writes", "read_bytes", "write_bytes")
# nics.py and networks.py read these through `stats`; `parent_nic` names their NIC.
NIC_COLUMNS = (
    "$key", "name", "machine", "stats#parent_nic as parent_nic", "stats#last_update as last_update",
    *(f"stats#{name} as {name}" for name in _NIC_COUNTERS),
)  # fmt: skip
NIC = filters.fields(*NIC_COLUMNS)
VM = filters.fields(
    "$key", "name", "machine", "is_snapshot", "cpu_cores", "ram", "machine_type",
    "machine#ha_group as ha_group",
)  # fmt: skip
# machine_drives.py: `media_source` is the key of a row of `files`.
DRIVE_COLUMNS = ("$key", "name", "machine", "media", "media_source")
DRIVE = filters.fields(*DRIVE_COLUMNS)
_ON_FILE = filters.fields("$key", "machine", "media", "media_source", "machine#name as machine_name")
# drive_stats.py: by `parent_drive` only. A path key gave another drive's row (measured by the vendor).
STATUS = filters.fields(
    "$key", "machine", "running", "migratable", "status", "status_info", "state", "powerstate", "node",
    "migrated_node", "migration_destination", "started", "local_time", "last_update", "running_cores",
    "running_ram", "agent_version", "agent_features", "agent_guest_info",
)  # fmt: skip
STATS_COLUMNS = (
    "$key", "machine", "total_cpu", "user_cpu", "system_cpu", "iowait_cpu", "vmusage_cpu", "irq_cpu",
    "ram_used", "ram_pct", "vram_used", "core_usagelist", "core_peak", "modified",
)  # fmt: skip
STATS = filters.fields(*STATS_COLUMNS)
DRIVE_STATS_COLUMNS = ("$key", "parent_drive", *_DRIVE_COUNTERS, "last_update")
DRIVE_STATS = filters.fields(*DRIVE_STATS_COLUMNS)
NODE = filters.fields(
    "$key", "name", "machine", "maintenance", "vsan_connected", "ipmi_status",
    "machine#status#running as running", "machine#status#status as status",
)  # fmt: skip
TENANT_NODE = filters.fields("$key", "name", "machine")
LOG = filters.fields("$key", "machine", "level", "text", "user", "timestamp")
SNAPSHOT = filters.fields("$key", "name", "machine", "created", "expires", "quiesced")
_QUERY = filters.fields("$key", "id", "status", "result")
TAG = filters.fields("$key", "member", "tag#name as tag_name")

MICROSECONDS = 1_000_000
"""Log tables count time in microseconds, all others in seconds (pyvergeos 1.7.1)."""


class EvidenceReads:
    """The part of `VergeApi` that reads evidence. Reads only."""

    wire: Wire

    def drives_on(self, files: Sequence[int]) -> tuple[DriveOnFile, ...]:
        """The drives of all machines that have one of these files and are no CDs. Reads only."""
        asked = "looking which drives name the same files"
        wanted = filters.any_of("media_source", files)
        found = self._rows("machine_drives", asked, filter=wanted, fields=_ON_FILE)
        drives = [(_file(row), row) for row in found]
        return tuple(
            DriveOnFile(file, MachineKey(row.key("machine")), row.seen_text("machine_name"))
            for file, row in drives
            if file is not None
        )

    def machine_rows(
        self, machine: MachineKey, table: str, fields: Sequence[str]
    ) -> tuple[decoded_rows.RowFields, ...]:
        """The machine's rows of a table that has a column ``machine``, with these fields. Reads only.

        Raises:
            WrongShape: a row is another machine's.
        """
        asked = f"reading {table} of machine {machine}"
        return tuple(self._of(machine, table, asked, fields=filters.fields("machine", *fields)))

    def nodes_for(self, machine: MachineKey, node: int | None) -> tuple[NodeState, ...]:
        """The node with this key, and the node whose own machine this is, by key. Reads only.

        The first hosts the VM. The second exists only if the machine is a node's and not a VM's.
        """
        asked = f"reading the nodes of machine {machine}"
        wanted = filters.eq("machine", MachineKey.number(machine))
        if node is not None:
            wanted = filters.or_(wanted, filters.eq("$key", node))
        found = self._rows("nodes", asked, filter=wanted, fields=NODE)
        for row in found:
            if row.key("machine") != machine.value and row.key("$key") != node:
                raise row.wrong(f"node {row.key('$key')} came, which was not asked for")
        return tuple(sorted((node_state(row) for row in found), key=_key))

    def tenant_nodes_of(self, machine: MachineKey) -> tuple[str, ...]:
        """The names of the tenants' nodes that have this machine; empty for a VM's machine. Reads only."""
        asked = f"looking whether machine {machine} is a tenant's node"
        found = self._of(machine, "tenant_nodes", asked, fields=TENANT_NODE)
        return tuple(row.seen_text("name") for row in found)

    def logs_since(self, machine: MachineKey, since: float, limit: int = 50) -> tuple[LogLine, ...]:
        """The machine's log lines from this time on, the newest first, at most `limit`. Reads only.

        Args:
            since: seconds since 1970, by the platform's clock.

        Raises:
            UsageError: the limit is not above zero. For the platform, 0 means no limit.
        """
        asked = f"reading the log of machine {machine}"
        if limit < 1:
            raise UsageError(asked, f"at most {limit} lines were asked for", "ask for one or more")
        later = filters.at_least("timestamp", max(0, int(since * MICROSECONDS)))
        found = self._of(
            machine,
            "machine_logs",
            asked,
            later,
            bounds=Bounds(limit, NAMED.size),
            fields=LOG,
            sort="-timestamp",
            limit=str(limit),
        )
        return tuple(sorted((log_line(row) for row in found), key=lambda line: -line.at))

    def snapshots_named(self, machine: MachineKey, name: str) -> tuple[Snapshot, ...]:
        """The machine's snapshots of this name, the newest first. Reads only."""
        asked = f"finding the snapshot {name!r} of machine {machine}"
        named = filters.eq("name", name)
        found = self._of(machine, "machine_snapshots", asked, named, fields=SNAPSHOT, sort="-created")
        return tuple(_snapshot(row, machine) for row in found)

    def node_answer(self, key: str) -> QueryAnswer:
        """The answer to a node's query; ``ask_node`` returned its `key`. Reads only.

        Raises:
            UsageError: no query can have this key.
        """
        return self._query_answer("node_queries", key)

    def network_answer(self, key: str) -> QueryAnswer:
        """The answer to a network's query; ``ask_network`` returned its `key`. Reads only.

        Raises:
            UsageError: no query can have this key.
        """
        return self._query_answer("vnet_queries", key)

    def _query_answer(self, table: str, key: str) -> QueryAnswer:
        asked = f"reading the answer to the query {key}"
        if not TAME_KEY.fullmatch(key):
            raise UsageError(
                asked, f"{key!r} is not the key of a query", "pass the key that asking for it returned"
            )
        of = decoded_rows.RowFields(
            self.wire.read(f"{table}/{key}", asked=asked, fields=_QUERY), table, asked
        )
        if key not in (of.text_or_number("$key"), of.text_or_empty("id")):
            raise of.wrong(f"query {key} was asked for and another one's row came")
        return QueryAnswer(key, of.text("status"), of.seen_text("result"))

    def tags_of(self, vm: VmKey) -> tuple[str, ...]:
        """The names of the VM's tags in alphabetical order. Reads only."""
        asked = f"reading the tags of VM {vm}"
        member = VmKey.path(vm)
        found = self._rows("tag_members", asked, filter=filters.eq("member", member), fields=TAG)
        for row in found:
            if row.text("member") != member:
                raise row.wrong(f"{member} was asked for and a tag of something else came")
        return tuple(sorted({row.text("tag_name") for row in found}))

    def _of(
        self,
        machine: MachineKey,
        table: str,
        asked: str,
        also: filters.Filter | None = None,
        *,
        bounds: Bounds = NAMED,
        **wanted: str,
    ) -> list[decoded_rows.RowFields]:
        """The machine's rows of a table.

        Raises:
            WrongShape: a row is another machine's.
        """
        mine = filters.eq("machine", MachineKey.number(machine))
        both = mine if also is None else filters.and_(mine, also)
        found = self._rows(table, asked, bounds=bounds, filter=both, **wanted)
        for row in found:
            if row.key("machine") != machine.value:
                raise row.wrong(f"machine {machine} was asked for and a row of {row.key('machine')} came")
        return found

    def _rows(
        self, table: str, asked: str, *, bounds: Bounds = NAMED, **wanted: str
    ) -> list[decoded_rows.RowFields]:
        data = self.wire.read(table, asked=asked, bounds=bounds, **wanted)
        return [decoded_rows.RowFields(row, table, asked) for row in decoded_rows.rows_of(data, table, asked)]


def _key(one: Counter | NodeState) -> int:
    return one.key


def nic_counter(row: decoded_rows.RowFields) -> Counter:
    """The counters of one row of ``machine_nics``."""
    key, parent = row.key("$key"), row.integer_or_none("parent_nic")
    if parent not in (None, key):
        raise row.wrong(f"the counters of NIC {parent} came for NIC {key}")
    return _counter("nic", key, row.seen_text("name"), row, _NIC_COUNTERS)


def _file(drive: decoded_rows.RowFields) -> int | None:
    # A CD image belongs to no VM, because several VMs can use it.
    return None if drive.seen_text("media") == "cdrom" else drive.seen_integer("media_source")


def drive_counters(
    drives: Sequence[decoded_rows.RowFields], stats: list[decoded_rows.RowFields]
) -> list[Counter]:
    """The counters of these rows of ``machine_drives``, from rows of ``machine_drive_stats``."""
    by_drive: dict[int, decoded_rows.RowFields] = {}
    names = {row.key("$key"): row.seen_text("name") for row in drives}
    files = {row.key("$key"): _file(row) for row in drives}
    for row in stats:
        drive = row.key("parent_drive")
        if drive not in names or drive in by_drive:
            raise row.wrong(f"a row for drive {drive} came that was not asked for, or came twice")
        by_drive[drive] = row
    return [
        replace(_counter("drive", key, name, by_drive.get(key), _DRIVE_COUNTERS), file=files[key])
        for key, name in names.items()
    ]


def _counter(
    kind: CounterKind, key: int, name: str, row: decoded_rows.RowFields | None, columns: tuple[str, ...]
) -> Counter:
    if row is None:
        return Counter(kind, key, name, {}, None)
    read: dict[str, Any] = {column: row.seen_integer(column) for column in columns}
    values = {column: value for column, value in read.items() if value is not None}
    return Counter(kind, key, name, values, row.seen_time("last_update"), row.unread)


def node_state(row: decoded_rows.RowFields) -> NodeState:
    """A `NodeState` from a row of ``nodes``."""
    return NodeState(
        key=row.key("$key"),
        name=row.seen_text("name"),
        machine=MachineKey(row.key("machine")),
        running=row.seen_truth("running"),
        status=row.seen_text("status"),
        maintenance=row.seen_truth("maintenance"),
        vsan_connected=row.seen_truth("vsan_connected"),
        ipmi_status=row.seen_text("ipmi_status"),
        row=dict(row.row),
        unread=row.unread,
    )


def log_line(row: decoded_rows.RowFields) -> LogLine:
    """A `LogLine` from a row of ``machine_logs``."""
    stamp, text = row.seen_integer("timestamp"), row.seen_text("text")
    level, user = row.seen_text("level"), row.seen_text("user")
    if stamp is None or not 0 <= stamp < LAST_TIME * MICROSECONDS or "text" not in row.row:
        return LogLine(
            0.0, level, user, f"(the time of this line, or all of it, cannot be read) {text}".strip()
        )
    return LogLine(stamp / MICROSECONDS, level, user, text)


def _snapshot(row: decoded_rows.RowFields, machine: MachineKey) -> Snapshot:
    return Snapshot(
        key=row.key("$key"),
        name=row.text("name"),
        machine=machine,
        created=row.seen_time("created"),
        expires=row.seen_time("expires"),
        quiesced=row.seen_truth("quiesced"),
    )
