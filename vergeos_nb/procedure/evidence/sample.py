"""Readings of a machine, and how each of them is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Subject:
    """The machine that is read, and the platform that is asked.

    Attributes:
        together: what one call has answered for this sample. A reading takes its part from there; what is
            None there it asks for by a call of its own.
    """

    platform: Platform
    machine: MachineKey
    status_key: StatusKey
    together: VmRows = NO_ROWS


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that every sample reads.

    Attributes:
        name: its name in ``Sample.read``. Two witnesses with the same reading share it.
        read: how it is read. It only reads.
        together: whether it takes what it needs from ``Subject.together``, where that is answered.
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
    """One sample of a machine: all readings, one after the other, and its node.

    Attributes:
        read_at: our clock, seconds since 1970.
        read: what was read, by the reading's name.
        steady_at: the clock that never jumps; None where no age is asked for.
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
        """What a person watches during a wait, as ``WaitReport.read`` has it."""
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
        """The fields of evidence that could not be read, each with its value."""
        read = [
            one for value in self.read.values() for one in (value if isinstance(value, tuple) else (value,))
        ]
        return [field for one in read for field in getattr(one, "unread", ())]


def cannot_be_read(fields: Sequence[str]) -> str:
    """Why a witness is silent: the platform gave its fields in another form."""
    shown = ", ".join(fields[:3]) + (", …" if len(fields) > 3 else "")
    return f"cannot be read: {shown}"
