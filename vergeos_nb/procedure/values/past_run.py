"""Earlier runs over VMs, as a report counts them, and their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PastRun:
    """One sealed run over one VM.

    Attributes:
        opened: seconds since 1970; so is ``ended``.
        vm: the VM's name, as it was found or asked for.
        vm_key: None if no VM was found.
        node: the node's key in the status row before anything was changed, or None.
        cloud: the system's own name, with a piece of its id if others share it; its host if it never
            answered.
        system: the system's id, "" if it gave none.
        acted: the sent requests that act on the VM, in order: ``poweroff``, ``kill``, ``poweron``,
            ``override``, or the runbook's own word such as ``restore``.
        lost: its record cannot be read, so it is unknown what it sent; ``acted`` is empty then.
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
    lost: bool = False

    @property
    def took_s(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.opened)

    @property
    def subject(self) -> str:
        """The VM and its system: two systems can have VMs of one name and of one key."""
        key = "no key" if self.vm_key is None else f"key {self.vm_key}"
        return f"{self.vm} ({key}) on {self.cloud}"

    @property
    def where(self) -> str:
        """The node and its system."""
        return f"node {self.node} of {self.cloud}" if self.node is not None else f"no node of {self.cloud}"


@dataclass(frozen=True, slots=True)
class Checked:
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
