"""Earlier runs, as reports and `open_archive` count them, and their source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from vergeos_nb.procedure.values.table import Scalar, Schema


class PastRun(Struct, frozen=True):
    """One sealed run.

    Attributes:
        opened: seconds since 1970; so is ``ended``.
        vm: the VM's name, as it was found or asked for; "" for a run over no VM.
        vm_key: None if no VM was found.
        node: the node's key in the status row before anything was changed, or None.
        cloud: the system's own name, with a part of its id if other systems have the same name; its host if
            it never answered.
        system: the system's id, "" if it gave none.
        acted: the sent requests that act on the VM, in order: ``poweroff``, ``kill``, ``poweron``,
            ``override``, or the runbook's own word such as ``restore``.
        changes: how many changing requests it sent, also beside the VM.
        plan_digest: "" if it made no plan.
        approved: when the approval was given, seconds since 1970, or None.
        lost: its record cannot be read, or is not as it was sealed. So it is unknown what it sent; ``acted``
            is empty then.
    """

    record: str
    runbook: str
    opened: float
    ended: float
    vm: str
    vm_key: int | None
    node: int | None
    cloud: str
    system: str
    simulated: bool
    operator: str
    approver: str
    reason: str
    ticket: str
    outcome: str
    verdict: str
    exit_code: int
    acted: tuple[str, ...]
    changes: int = 0
    plan_digest: str = ""
    approved: float | None = None
    lost: bool = False

    @property
    def sent(self) -> str:
        """What it sent that acts on the VM, in order."""
        return " → ".join(self.acted)

    @property
    def forced(self) -> bool:
        """Whether it forced the VM off by its status row."""
        return "override" in self.acted

    @property
    def took_s(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.opened)

    @property
    def subject(self) -> str:
        """The VM and its system, because VMs of two systems can have the same name and key."""
        key = "no key" if self.vm_key is None else f"key {self.vm_key}"
        return f"{self.vm} ({key}) on {self.cloud}"

    def row(self, schema: Schema) -> tuple[Scalar, ...]:
        """Its row in a report's table. There ``vm`` and ``node`` name the system, too."""
        told: dict[str, Scalar] = {"vm": self.subject, "node": self.where, "took_s": round(self.took_s, 1)}
        return tuple(told.get(name, getattr(self, name)) for name, _ in schema.columns)

    @property
    def where(self) -> str:
        """The node and its system."""
        return f"node {self.node} of {self.cloud}" if self.node is not None else f"no node of {self.cloud}"


class Checked(Struct, frozen=True):
    """The result of verifying the archive.

    Attributes:
        findings: the faults, as ``KIND WHERE: DETAIL``.
    """

    records: int
    lines: int
    head: str
    findings: tuple[str, ...]


class Past(Protocol):
    """The archive, as a report reads it."""

    def check(self) -> Checked:
        """Verify it."""

    def runs(self, since: float, until: float, ticket: str) -> Sequence[PastRun]:
        """Sealed runs over a VM that were opened in this time, the oldest first.

        Args:
            ticket: only those of this ticket; empty means all.
        """
