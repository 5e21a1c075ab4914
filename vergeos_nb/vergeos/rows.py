"""The platform's rows and calls as frozen values with typed keys.

A VM, its machine and its machine_status row have three different numbers that look alike and share one
range, so a swapped number often hits somebody else's VM. Here they are three types, and the type names the
table: a key cannot address another table than its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from msgspec import Struct


class _Key(Struct, frozen=True, order=True):
    value: int
    table: ClassVar[str]

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value <= 0:
            raise ValueError(f"{type(self).__name__} must be a positive integer, not {self.value!r}")

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def number(cls, key: Self) -> int:
        """The number of a key of this table.

        Raises:
            TypeError: it is a key of another table, or a bare number.
        """
        if type(key) is not cls:
            raise TypeError(f"a {cls.__name__} is needed here, not {key!r}")
        return key.value

    @classmethod
    def path(cls, key: Self) -> str:
        """The path of the row with this key, below ``/api/v4``.

        Raises:
            TypeError: it is a key of another table, or a bare number.
        """
        return f"{cls.table}/{cls.number(key)}"


class VmKey(_Key, frozen=True, order=True):
    """``$key`` of a row in ``vms``; what ``vm_actions`` takes."""

    table: ClassVar[str] = "vms"


class MachineKey(_Key, frozen=True, order=True):
    """``$key`` of a row in ``machines``; what status, stats and log rows refer to as ``machine``."""

    table: ClassVar[str] = "machines"


class StatusKey(_Key, frozen=True, order=True):
    """``$key`` of a row in ``machine_status``; the vendor's PUT uses it."""

    table: ClassVar[str] = "machine_status"


# The platform moves or rebuilds the VM in these states, on two nodes at once in some of them
# (status values: pyvergeos and tsvergeos agree on the list; that it is unsafe to act is our inference).
MOVING = frozenset(
    {
        "initmigrate",
        "startmigrate",
        "migrating",
        "migratecomplete",
        "hibernating",
        "importing",
        "initializing",
        "starting",
    }
)
# States that only the machine of a node takes (pyvergeos nodes, vendor's maintenance pages).
OF_NODES = frozenset({"maintenance", "leavingmaintenance", "driversreloading"})

Row = Mapping[str, Any]
# Many rows, as one list for each field. All lists have the same length.
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """The system that answered.

    Attributes:
        cloud_name: the name that its owner gave it.
        version: ``yb_version``.
        os_version: ``os_version``.
        simulated: whether a simulator answered, read from the answer itself and not from the profile.
        server_time: the server's clock at the answer, seconds since 1970, or None if it sent none.
        clock_skew_s: server clock minus ours, in seconds, or None.
        id: the system's own id, or "" if it tells none.
    """

    cloud_name: str
    version: str
    os_version: str
    simulated: bool
    server_time: float | None = None
    clock_skew_s: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Vm:
    """A row of ``vms``. ``ram`` is in MB; ``machine_type`` and ``ha_group`` are "" if they are not told."""

    key: VmKey
    name: str
    machine: MachineKey
    is_snapshot: bool
    cpu_cores: int | None = None
    ram: int | None = None
    machine_type: str = ""
    ha_group: str = ""


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """A row of ``machine_status``: what the platform states about a machine. It is no evidence by itself.

    ``running_ram`` is in MB; ``started`` and ``last_update`` are seconds since 1970. ``row`` is the whole
    row as it came, kept for the record. ``unread`` names the fields of evidence that could not be read.
    """

    key: StatusKey
    machine: MachineKey
    running: bool
    status: str
    state: str
    powerstate: bool | None = None
    migratable: bool | None = None
    status_info: str = ""
    node: int | None = None
    migrated_node: int | None = None
    migration_destination: int | None = None
    started: int | None = None
    last_update: int | None = None
    running_cores: int | None = None
    running_ram: int | None = None
    row: Row = field(default_factory=dict, compare=False, repr=False)
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineStats:
    """A row of ``machine_stats``: the last measurements of a machine.

    ``total_cpu`` is in percent, ``ram_used`` in MB, ``modified`` in seconds since 1970. ``unread`` names the
    fields that could not be read.
    """

    machine: MachineKey
    total_cpu: float | None
    ram_used: float | None
    core_usage: tuple[float, ...]
    modified: int | None
    row: Row = field(default_factory=dict, compare=False, repr=False)
    unread: tuple[str, ...] = ()


class Listed(Struct, frozen=True):
    """A VM in a list, for a person to pick.

    Attributes:
        node: the name of the node that its status row names, or "".
        why: why it stands out, or "".
        last_write: when its status row was last written, seconds since 1970, or None.
    """

    key: VmKey
    name: str
    machine: MachineKey
    status: str
    state: str
    node: str
    cores: int | None
    ram_mb: int | None
    tags: tuple[str, ...]
    why: str
    last_write: int | None = None


@dataclass(frozen=True, slots=True)
class VmNow:
    """Identity and state of one VM, read in a single call right before a decision.

    The fields are those of ``vms`` and, followed through ``machine`` and its ``status``, of the VM's
    ``machine_status`` row.
    """

    vm: VmKey
    name: str
    is_snapshot: bool
    machine: MachineKey
    status_key: StatusKey
    status_machine: MachineKey
    running: bool
    status: str
    state: str
    powerstate: bool | None
    node: int | None
    migrated_node: int | None
    migration_destination: int | None
    started: int | None


@dataclass(frozen=True, slots=True)
class NodeState:
    """A row of ``nodes``, with the status row of its own machine.

    A node is a machine too. ``running`` and ``status`` are its machine's, or None and "" if the row leads to
    no status. ``ipmi_status`` is the last known state of its management controller.
    """

    key: int
    name: str
    machine: MachineKey
    running: bool | None
    status: str
    maintenance: bool | None
    vsan_connected: bool | None
    ipmi_status: str
    row: Row = field(default_factory=dict, compare=False, repr=False)
    unread: tuple[str, ...] = ()


CounterKind = Literal["nic", "drive"]


@dataclass(frozen=True, slots=True)
class Counter:
    """Counters of one NIC or drive since it came up. Totals only, no rates.

    Attributes:
        key: ``$key`` of the NIC or drive, not of its stats row.
        values: ``tx_bytes``, ``rx_bytes``, ``tx_pckts``, ``rx_pckts``, or ``reads``, ``writes``,
            ``read_bytes``, ``write_bytes``. Values that the platform does not know are left out, so a device
            without a stats row has none.
        last_update: when they were last counted, seconds since 1970, or None.
        unread: the counters that could not be read.
        file: of a drive that is no CD, ``$key`` of the file that it names as its media source, or None.
    """

    kind: CounterKind
    key: int
    name: str
    values: Mapping[str, int]
    last_update: int | None
    unread: tuple[str, ...] = ()
    file: int | None = None


class VmRows(Struct, frozen=True):
    """The rows that came together with a VM's row. A row that did not come, or not as expected, is None.

    Attributes:
        counters: of NICs and then of drives, each sorted by key.
    """

    vm: VmKey | None = None
    machine: MachineKey | None = None
    status: MachineStatus | None = None
    stats: MachineStats | None = None
    counters: tuple[Counter, ...] | None = None


NO_ROWS = VmRows()


class DriveOnFile(Struct, frozen=True):
    """A drive that names a file as its media source.

    Attributes:
        machine_name: the machine's name, which is its VM's, or "".
    """

    file: int
    machine: MachineKey
    machine_name: str


class LogLine(Struct, frozen=True):
    """A row of ``machine_logs``. ``at`` is in seconds since 1970; ``user`` is "" for the platform's own.

    A line whose time or text cannot be read has the time 0 and says so in its text.
    """

    at: float
    level: str
    user: str
    text: str


class Snapshot(Struct, frozen=True):
    """A row of ``machine_snapshots``. Times are seconds since 1970; ``expires`` 0 means never."""

    key: int
    name: str
    machine: MachineKey
    created: int | None
    expires: int | None
    quiesced: bool | None


class QueryAnswer(Struct, frozen=True):
    """A row of ``node_queries``: ``status`` is ``running``, ``complete`` or ``error``; ``result`` is text."""

    key: str
    status: str
    result: str
