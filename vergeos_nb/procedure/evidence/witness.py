"""What a witness is: one source of evidence about a VM's process, declared in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vergeos_nb.clock import iso
from vergeos_nb.procedure.evidence.sample import Reading, Sample
from vergeos_nb.procedure.values.table import ColumnKind, Scalar
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.assumptions import NOTHING_MEASURED, PlatformKnowledge
from vergeos_nb.vergeos.requests import NetworkQuery, NodeQuery
from vergeos_nb.vergeos.rows import LogLine, MachineStatus, QueryAnswer

# The platform writes its tables every 5000 ms (one of its settings). A value that is the same for less proves
# nothing.
SILENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of the VM's node or the guest's network to a query; None if there was none.

    Attributes:
        to: the value of the parameter that asked for the query.
        hardware: the MAC address of the guest's NIC, if a network was asked and it is known.
        why: why nothing was asked, or "".
    """

    to: Any
    answer: QueryAnswer | None
    hardware: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that witnesses vote on.

    Attributes:
        samples: the samples, oldest first.
        logs: the machine's log lines that count.
        answers: the answers of node and network, by the source of the witness that asked.
        wrote_row: whether this run itself wrote the status row.
        watched_from: the status row when a long watch began.
        knowledge: what was measured of the platform.
        silence_s: readings that are closer together than this cannot show silence, and so no death.
        answered_for: whether a named person has checked at the node that the process is gone, although the
            status row is still being written. That is a sign of life only by assumption.
        logs_before: how many more lines counted, and told of no start: they are judged, and no longer kept.
    """

    samples: Sequence[Sample]
    logs: Sequence[LogLine] = ()
    vm_name: str = ""
    answers: Mapping[str, Answered] = field(default_factory=dict)
    wrote_row: bool = False
    watched_from: MachineStatus | None = None
    knowledge: PlatformKnowledge = NOTHING_MEASURED
    answered_for: bool = False
    silence_s: float = SILENCE_S
    logs_before: int = 0

    @property
    def span_s(self) -> float:
        """Seconds between the first and the last sample, by the steady clock if the samples have its time."""
        if len(self.samples) < 2:
            return 0.0
        first, last = self.samples[0], self.samples[-1]
        if first.steady_at is not None and last.steady_at is not None:
            return last.steady_at - first.steady_at
        return last.read_at - first.read_at

    def read(self, name: str) -> list[Any]:
        """What the samples hold under this name, oldest first. A fleet's samples lack most readings."""
        return [sample.read[name] for sample in self.samples if name in sample.read]


@dataclass(frozen=True, slots=True)
class Column:
    """One column in the table of readings."""

    name: str
    kind: ColumnKind
    of: Callable[[Sample], Scalar]


@dataclass(frozen=True, slots=True)
class Question:
    """A query to the VM's node or to the network of its NIC, sent at most once in a run. It is a POST.

    Attributes:
        parameter: the parameter that asks for it. If its value is false, nothing is sent. For a network's
            query, the value is the host.
    """

    query: NodeQuery | NetworkQuery
    parameter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One source of evidence. Everything about it is declared here.

    Attributes:
        source: its name among the votes; the API's table if it has one.
        reads: what it looks at, in words.
        alive: when it votes alive, in words; "" if it never does.
        dead: when it votes dead, in words; "" if it never does.
        vote: its vote; None if it has nothing to say.
        reading: what each sample reads for it; None if it needs none of its own.
        columns: its columns in the table of readings. New ones come at the end, because older records have
            the first ones.
        question: the query that the node is asked for it.
        assumes: the assumptions about the platform that its votes rest on.
    """

    source: str
    reads: str
    alive: str = ""
    dead: str = ""
    vote: Callable[[Evidence], Vote | None]
    reading: Reading | None = None
    columns: tuple[Column, ...] = ()
    question: Question | None = None
    assumes: tuple[str, ...] = ()


def written_anew(times: Sequence[int | None]) -> list[bool]:
    """For each time of writing, whether it is later than an earlier one: the row was written again."""
    fresh, earliest = [], None
    for time in times:
        fresh.append(time is not None and earliest is not None and time > earliest)
        if time is not None and (earliest is None or time < earliest):
            earliest = time
    return fresh


def written(epoch: int | None) -> str:
    """A row's time of writing in words."""
    return "no time of writing" if epoch is None else f"written {_in_words(epoch)}"


def when(epoch: int | None) -> str:
    """A time from the platform in words, also if it is not a valid time."""
    return _in_words(epoch) if epoch else "never"


def _in_words(epoch: int) -> str:
    try:
        return iso(epoch)
    except (ValueError, OverflowError, OSError):
        return f"at {epoch}, which is no time"
