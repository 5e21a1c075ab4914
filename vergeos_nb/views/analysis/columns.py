"""The frames of whole rows: which table of the platform fills which, and the kinds of its known columns.

Kinds are those of our own tables. Two more: ``micros`` is a time in microseconds, and ``json`` is a list or
an object, kept as its JSON text. A column that is not declared here gets the kind that all its values have.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from vergeos_nb.client import evidence_reads

# Each row says when its call was sent by our clock, in which call it came, and for which step.
READ = (("read_at", "time"), ("call", "int"), ("step", "text"))


class WholeRows(Struct, frozen=True):
    """One frame of whole rows.

    Attributes:
        table: the platform's table, read by a filter or by key.
        columns: the known columns, each with its kind.
        whose: the column by which the VM's rows are selected, or "" to show all rows.
        holds: the entry of the run's fact ``vm`` that this column must equal.
    """

    name: str
    table: str
    columns: Sequence[tuple[str, str]]
    whose: str = ""
    holds: str = "machine"


def _kinds(words: str) -> tuple[tuple[str, str], ...]:
    """Columns, written as words. A column holds text unless a colon and its kind follow."""
    pairs = (word.partition(":") for word in words.split())
    return tuple((name, kind or "text") for name, _, kind in pairs)


_COUNTED = "last_update:time"
_ROW = (
    "running:bool migratable:bool status status_info state powerstate:bool node:int migrated_node:int "
    "migration_destination:int started:time"
)

VM = WholeRows(
    "vm",
    "vms",
    _kinds(
        "$key:int name machine:int is_snapshot:bool cpu_cores:int ram:int status_key:int status_machine:int "
        "running:bool status state powerstate:bool node:int migrated_node:int migration_destination:int "
        "started:time machine_type ha_group"
    ),
    "$key",
    "key",
)
MACHINE = WholeRows("machine", "machines", _kinds("$key:int status:int"), "$key")
STATUS = WholeRows(
    "machine_status",
    "machine_status",
    _kinds(
        f"$key:int machine:int {_ROW} local_time:time last_update:time running_cores:int running_ram:int "
        "agent_version agent_features:json agent_guest_info:json"
    ),
    "machine",
)
STATS = WholeRows(
    "machine_stats",
    "machine_stats",
    _kinds(
        "$key:int machine:int total_cpu:float user_cpu:float system_cpu:float iowait_cpu:float "
        "vmusage_cpu:float irq_cpu:float ram_used:float ram_pct:float vram_used:float core_usagelist:json "
        "core_peak:float modified:time"
    ),
    "machine",
)
NICS = WholeRows(
    "nics",
    "machine_nics",
    _kinds(
        f"$key:int name machine:int parent_nic:int {_COUNTED} tx_bytes:int rx_bytes:int tx_pckts:int "
        "rx_pckts:int"
    ),
    "machine",
)
DRIVES = WholeRows(
    "drives",
    "machine_drive_stats",
    _kinds(
        f"$key:int name machine:int parent_drive:int media media_source:int reads:int writes:int "
        f"read_bytes:int write_bytes:int {_COUNTED}"
    ),
    "machine",
)
NODE = WholeRows(
    "node",
    "nodes",
    _kinds("$key:int name machine:int maintenance:bool vsan_connected:bool ipmi_status running:bool status"),
)
LOGS = WholeRows(
    "logs", "machine_logs", _kinds("$key:int machine:int level text user timestamp:micros"), "machine"
)

ALL = (VM, MACHINE, STATUS, STATS, NICS, DRIVES, NODE, LOGS)
# The counters of a drive have only its key. Its name and machine are in this table.
DRIVE_NAMES = "machine_drives"
MICROSECONDS = evidence_reads.MICROSECONDS
