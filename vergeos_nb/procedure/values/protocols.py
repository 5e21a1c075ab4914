"""Protocols of everything that a procedure needs from outside: platform, journal, calls, plans, records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.vergeos.learned import Grammar, Machines, TableSeen, Written
from vergeos_nb.vergeos.measured import Measurements, SystemMeasured
from vergeos_nb.vergeos.requests import NetworkQuery, NodeQuery, VmAction
from vergeos_nb.vergeos.rights import Rights
from vergeos_nb.vergeos.rows import (
    Columns,
    Counter,
    DriveOnFile,
    Listed,
    LogLine,
    MachineKey,
    MachineStats,
    MachineStatus,
    NodeState,
    QueryAnswer,
    Snapshot,
    StatusKey,
    SystemInfo,
    Vm,
    VmKey,
    VmNow,
    VmRows,
)


class EvidenceRow(Protocol):
    """One row whose fields are evidence only. A field that cannot be read gives no value.
    From then on ``unread`` names it."""

    @property
    def unread(self) -> Sequence[str]:
        """The fields that could not be read so far, each with its value."""

    def seen_text(self, name: str) -> str:
        """Text, or ""."""

    def seen_integer(self, name: str) -> int | None:
        """A whole number, or None."""

    def seen_number(self, name: str) -> float | None:
        """A number, or None."""

    def seen_time(self, name: str) -> int | None:
        """Seconds since 1970, or None."""

    def seen_truth(self, name: str) -> bool | None:
        """A truth value, or None."""


class Platform(Protocol):
    """One VergeOS system. All methods but the last five only read. Each of those five sends one
    request once, as `vergeos_nb.vergeos.requests` builds it.

    Each method raises ``ApiError`` or ``AuthError`` if there is no good answer.
    """

    def system(self) -> SystemInfo:
        """The system that answers."""

    def own_rights(self) -> Rights:
        """What the user's own permissions allow, as far as the platform tells."""

    def vms_named(self, name: str) -> Sequence[Vm]:
        """Rows of ``vms`` for this name, snapshots among them."""

    def vms_like(self, text: str) -> Sequence[Vm]:
        """Rows of ``vms`` whose name holds the text in any case."""

    def vms_listed(self, name: str = "") -> Sequence[Listed]:
        """Every VM that is no snapshot, or those that the platform finds for this name."""

    def vm_of_key(self, key: VmKey) -> Vm:
        """The row of ``vms`` with this key, be it a VM's or a snapshot's."""

    def status_key(self, machine: MachineKey) -> StatusKey:
        """The status row that the machine's row names."""

    def statuses_of(self, machine: MachineKey) -> Sequence[MachineStatus]:
        """Status rows that name this machine."""

    def machine_status(self, key: StatusKey) -> MachineStatus:
        """One status row."""

    def machine_stats(self, machine: MachineKey) -> MachineStats | None:
        """The machine's stats row, if it has one."""

    def vm_now(self, key: VmKey) -> VmNow:
        """The VM's identity and state in one call."""

    def rows_behind(self, vm: VmKey, machine: MachineKey, status: StatusKey) -> VmRows:
        """Status, statistics and counters of the VM, as far as one call answers them."""

    def counters(self, machine: MachineKey) -> Sequence[Counter]:
        """The counters of the machine's NICs and then of its drives, each sorted by key."""

    def drives_on(self, files: Sequence[int]) -> Sequence[DriveOnFile]:
        """Drives of any machine that name one of these files and are no CDs."""

    def machine_rows(self, machine: MachineKey, table: str, fields: Sequence[str]) -> Sequence[EvidenceRow]:
        """The machine's rows of any table that has a column ``machine``, with these fields."""

    def nodes_for(self, machine: MachineKey, node: int | None) -> Sequence[NodeState]:
        """The node with this key, and the node whose own machine this is, by key."""

    def tenant_nodes_of(self, machine: MachineKey) -> Sequence[str]:
        """Names of the tenants' nodes whose machine this is; none for a VM's."""

    def logs_since(self, machine: MachineKey, since: float, limit: int = 50) -> Sequence[LogLine]:
        """The machine's log lines from this time on, by the platform's clock, the newest first."""

    def snapshots_named(self, machine: MachineKey, name: str) -> Sequence[Snapshot]:
        """The machine's snapshots of this name, the newest first."""

    def tags_of(self, vm: VmKey) -> Sequence[str]:
        """Names of the VM's tags."""

    def fleet_vms(self, on_rows: Callable[[Columns], None] = ..., /) -> Columns:
        """Every VM that is no snapshot, with its status and stats, as columns by VM key."""

    def fleet_signs(self) -> Columns:
        """The same VMs once more, without the columns that do not change while they are watched."""

    def fleet_counters(self) -> Mapping[int, int]:
        """By machine, the sum of all that its NICs and drives have counted."""

    def all_nodes(self) -> Sequence[NodeState]:
        """Every node."""

    def last_logs(self, machines: Sequence[MachineKey], since: float) -> Mapping[int, LogLine]:
        """The newest log line of each of these machines from this time on, by machine."""

    def node_answer(self, key: str) -> QueryAnswer:
        """The answer to a node's query."""

    def network_answer(self, key: str) -> QueryAnswer:
        """The answer to a network's query."""

    def override_status(self, key: StatusKey, body: Mapping[str, Any]) -> Any:
        """Write these fields into a status row, and give the decoded answer. Sent once."""

    def vm_action(self, vm: VmKey, action: VmAction) -> Any:
        """Send ``poweroff``, ``kill`` or ``poweron``, and give the decoded answer. Sent once."""

    def create_snapshot(
        self, machine: MachineKey, name: str, expires: int, description: str = ""
    ) -> str | None:
        """Take a snapshot without quiescing, and give its key if the answer has one. Sent once."""

    def ask_node(self, node: int, query: NodeQuery) -> str:
        """Have a node run ``top``, and give the key for ``node_answer``. Sent once."""

    def ask_network(self, network: int, query: NetworkQuery, host: str) -> str:
        """Have a network look for a host, and give the key for ``network_answer``. Sent once."""


class Learnable(Platform, Protocol):
    """A system whose way of answering can be learned, beside the facts that it holds."""

    def table_seen(self, table: str) -> TableSeen:
        """A few rows of a table that the code reads, column by column. A refusal is a result, too."""

    def grammar(self) -> Grammar:
        """What comes for no match, for an unknown column, and for braces."""

    def machines_to_watch(self, each: int) -> Machines:
        """Machines of running VMs, of stopped VMs, and of nodes; at most ``each`` of a kind."""

    def written(self, machines: Sequence[MachineKey]) -> Sequence[Written]:
        """When the rows of these machines were written, in the order given."""


class Journal(Protocol):
    """The journal of a run, as the procedure sees it."""

    def write(self, event: str, /, **data: Any) -> None:
        """Append one line.

        Raises:
            RecordError: it could not be written.
        """

    def make_room(self) -> None:
        """Reserve room for the result of a changing call.

        Raises:
            RecordError: it cannot.
        """


class Calls(Protocol):
    """The API calls of the run so far, in order."""

    def __len__(self) -> int: ...

    def since(self, start: int, /) -> Sequence[Exchange]:
        """The calls from this position on."""


class VmLease(Protocol):
    """The right to act on this VM, held by one run at a time."""

    def renew(self) -> None:
        """Take the lease, or extend it.

        Raises:
            Refused: another run holds it.
        """


class Records(Protocol):
    """Records of earlier runs."""

    def capsule(self, record: str) -> Mapping[str, Any]:
        """The override of a record: ``record`` (its id), ``host`` in normal form, ``system_id``,
        ``cloud_name``, ``simulated``, ``vm``, ``status_key`` and ``undo``, as in ``record.json``.

        Args:
            record: the record's id, or a path to its folder or its ``record.json``.

        Raises:
            RecordNotFound: there is no such record.
            Refused: it is damaged, or it was changed after the run.
        """


class MeasuredSystems(Protocol):
    """What was measured of systems, by their names."""

    def find(self, name: str) -> Measurements:
        """What was measured of the system of this name; nothing if it was never measured."""

    def keep(
        self,
        system: SystemMeasured,
        assumptions: Mapping[str, tuple[str, str]],
        seen: Mapping[str, tuple[str, str]],
    ) -> str:
        """Add what this run has measured: value and how, by name. Returns where it is kept.

        Raises:
            RecordError: it cannot be written.
        """


class Plans(Protocol):
    """Plans of this and earlier runs by their digest."""

    def keep(self, plan: Plan) -> bool:
        """Keep a plan, so that a later run can say what differs from it."""

    def find(self, digest: str) -> Plan | None:
        """The plan with this digest, if it was kept."""
