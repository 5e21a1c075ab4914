"""The readings of a machine, and how each of them is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from vergeos_nb.procedure.values.protocols import Platform
from vergeos_nb.vergeos.rows import (
    NO_ROWS,
    Counter,
    MachineKey,
    MachineStats,
    MachineStatus,
    NodeState,
    StatusKey,
    VmRows,
)


class Subject(Struct, frozen=True):
    """The machine that is read, and the platform that is asked.

    Attributes:
        together: what one call answered for this sample. A reading takes its part from there. For a part that
            is None it makes its own call.
    """

    platform: Platform
    machine: MachineKey
    status_key: StatusKey
    together: VmRows = NO_ROWS


class Reading(Struct, frozen=True):
    """One thing that every sample reads.

    Attributes:
        name: its name in ``Sample.read``. Two witnesses with the same reading share it.
        read: the function that reads it. It changes nothing.
        together: whether it can take its part from ``Subject.together``.
    """

    name: str
    read: Callable[[Subject], Any]
    together: bool = False


def _status(of: Subject) -> MachineStatus:
    return of.together.status or of.platform.machine_status(of.status_key)


def _stats(of: Subject) -> MachineStats | None:
    return of.together.stats or of.platform.machine_stats(of.machine)


def _counters(of: Subject) -> Sequence[Counter]:
    return of.together.counters or tuple(of.platform.counters(of.machine))


STATUS = Reading("status", _status, together=True)
STATS = Reading("stats", _stats, together=True)
COUNTERS = Reading("counters", _counters, together=True)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a machine: all readings and its node.

    Attributes:
        read_at: our clock, seconds since 1970.
        read: what was read, by the reading's name.
        steady_at: by the steady clock; None if nobody needs the sample's age.
    """

    read_at: float
    read: Mapping[str, Any]
    node: NodeState | None = None
    steady_at: float | None = None

    @property
    def status(self) -> MachineStatus:
        """The status row. Every sample has it."""
        row: MachineStatus = self.read[STATUS.name]
        return row

    @property
    def stats(self) -> MachineStats | None:
        """The stats row, if the machine has one."""
        return self.read.get(STATS.name)

    @property
    def counters(self) -> Sequence[Counter]:
        """The counters of NICs and drives."""
        counters: Sequence[Counter] = self.read.get(COUNTERS.name, ())
        return counters

    def in_short(self) -> dict[str, Any]:
        """What is shown to people during a wait, for ``WaitReport.read``."""
        counted = [value for counter in self.counters for value in counter.values.values()]
        return {
            "status": self.status.status,
            "node": self.status.node,
            "cpu_pct": self.stats.total_cpu if self.stats else None,
            "ram_mb": self.stats.ram_used if self.stats else None,
            "counted": sum(counted) if counted else None,
            "at": self.read_at,
        }

    def unread(self) -> list[str]:
        """The fields of the evidence that could not be read, each with its value."""
        read = [
            one for value in self.read.values() for one in (value if isinstance(value, tuple) else (value,))
        ]
        return [field for one in read for field in getattr(one, "unread", ())]


def cannot_be_read(fields: Sequence[str]) -> str:
    """Why a witness is silent: the platform returned its fields in another form."""
    shown = ", ".join(fields[:3]) + (", …" if len(fields) > 3 else "")
    return f"cannot be read: {shown}"
