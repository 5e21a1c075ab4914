"""Does the VM's process live? The votes of the two rows, and the one rule that combines all votes. Pure.

The votes of counters, node, log and process list are in ``witnesses``.

Assumptions about the platform that no source settles:

ASSUME_STATS_ZERO_IS_DEATH
    A ``machine_stats`` row that is being written now and reads no CPU and no RAM belongs to a machine
    without a process. No vendor text says so; a running guest always holds RAM.
ASSUME_HEARTBEAT_IS_LIFE
    A ``machine_status`` row that says running and is being written now is written by a node that sees the
    process. If something else refreshes such rows, the error is on the safe side: the verdict says alive.

A row that says stopped is never evidence of death: this procedure writes that row itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vergeos_nb.clock import iso
from vergeos_nb.procedure.evidence.witnesses import (
    cannot_be_read,
    vote_of_counters,
    vote_of_logs,
    vote_of_node,
    vote_of_top,
)
from vergeos_nb.procedure.values.step_tables import SAMPLES
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue, Vote
from vergeos_nb.vergeos.rows import Counter, LogLine, MachineStats, MachineStatus, NodeState, QueryAnswer

ASSUME_STATS_ZERO_IS_DEATH = True
ASSUME_HEARTBEAT_IS_LIFE = True


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a machine: its status row, stats row, counters and node, one after the other.

    ``read_at`` is our clock, seconds since 1970; ``steady_at`` is the one that never jumps, where it counts.
    """

    read_at: float
    status: MachineStatus
    stats: MachineStats | None
    counters: tuple[Counter, ...] = ()
    node: NodeState | None = None
    steady_at: float | None = None


def samples_table(samples: Sequence[Sample]) -> Table:
    """The readings as rows, oldest first."""
    return SAMPLES.table(
        *(
            (
                s.read_at,
                s.status.running,
                s.status.status,
                s.status.state,
                s.status.node,
                s.status.last_update,
                s.stats.total_cpu if s.stats else None,
                s.stats.ram_used if s.stats else None,
                s.stats.modified if s.stats else None,
            )
            for s in samples
        )
    )


def judge(
    samples: Sequence[Sample],
    *,
    logs: Sequence[LogLine] = (),
    top: QueryAnswer | None = None,
    vm_name: str = "",
) -> Verdict:
    """The verdict of these samples, oldest first, and these witnesses."""
    last = samples[-1] if samples else None
    readings = [sample.counters for sample in samples]
    votes = (
        vote_of_status(samples),
        vote_of_stats(samples),
        vote_of_counters("nic", readings),
        vote_of_counters("drive", readings),
        vote_of_node(last.status.node if last else None, last.node if last else None),
        vote_of_logs(logs),
        vote_of_top(top, vm_name),
    )
    return combine(votes)


def combine(votes: Sequence[Vote]) -> Verdict:
    """One ``alive`` makes ``alive``; otherwise one ``dead`` makes ``off``; otherwise it is ``unknown``."""
    said = {vote.says for vote in votes}
    if "alive" in said:
        value = VerdictValue.ALIVE
    elif "dead" in said:
        value = VerdictValue.OFF
    else:
        value = VerdictValue.UNKNOWN
    return Verdict(value, tuple(votes))


def vote_of_status(samples: Sequence[Sample]) -> Vote:
    """The vote of the status row, over the samples."""
    source = "machine_status"
    if len(samples) < 2:
        return Vote(source, "silent", "it takes two readings to tell a living row from an old one")
    rows = [sample.status for sample in samples]
    fresh = _fresh([row.last_update for row in rows])
    stopped = False
    for before, row, written_anew in zip(rows, rows[1:], fresh[1:], strict=False):
        stopped = stopped or not before.running
        if not row.running:
            continue
        written = _written(row.last_update)
        if stopped:
            return Vote(source, "alive", f"went back to running, status {row.status} ({written})")
        if row.node != before.node or row.started != before.started:
            return Vote(source, "alive", f"was started again or moved while it was watched ({written})")
        if ASSUME_HEARTBEAT_IS_LIFE and written_anew:
            return Vote(source, "alive", f"says {row.status} and keeps being written ({written})")
    last, written = rows[-1], _written(rows[-1].last_update)
    if any(field.startswith("last_update ") for field in last.unread):
        return Vote(source, "silent", f"says {last.status}; {cannot_be_read(last.unread)}")
    if not last.running:
        return Vote(source, "silent", f"says {last.status}, but a record is no evidence of death ({written})")
    return Vote(source, "silent", f"says {last.status}, but was not written while it was watched ({written})")


def vote_of_stats(samples: Sequence[Sample]) -> Vote:
    """The vote of the stats row, over the samples."""
    source = "machine_stats"
    if len(samples) < 2:
        return Vote(source, "silent", "it takes two readings to tell a fresh row from an old one")
    rows = [sample.stats for sample in samples]
    fresh = _fresh([row.modified if row else None for row in rows])
    for row, written_anew in zip(rows, fresh, strict=True):
        if row and written_anew and (row.total_cpu or row.ram_used or any(row.core_usage)):
            read = f"{row.total_cpu} % CPU, {row.ram_used} MB RAM"
            return Vote(source, "alive", f"freshly reads {read} ({_written(row.modified)})")
    last = rows[-1]
    if last is None:
        return Vote(source, "silent", "the machine has no stats row")
    written = _written(last.modified)
    if last.unread:
        return Vote(source, "silent", f"{cannot_be_read(last.unread)} ({written})")
    if not fresh[-1]:
        return Vote(source, "silent", f"was not written while it was watched ({written})")
    if last.total_cpu is None or last.ram_used is None:
        return Vote(source, "silent", f"is fresh, but lacks CPU or RAM ({written})")
    if ASSUME_STATS_ZERO_IS_DEATH:
        return Vote(source, "dead", f"freshly reads 0 % CPU and 0 MB RAM ({written})")
    return Vote(source, "silent", f"freshly reads zero, which is not taken as death ({written})")


def _fresh(times: Sequence[int | None]) -> list[bool]:
    """For each time of writing, whether it is later than an earlier one: the row was written again."""
    fresh, earliest = [], None
    for time in times:
        fresh.append(time is not None and earliest is not None and time > earliest)
        if time is not None and (earliest is None or time < earliest):
            earliest = time
    return fresh


def _written(epoch: int | None) -> str:
    if epoch is None:
        return "no time of writing"
    try:
        return f"written {iso(epoch)}"
    except (ValueError, OverflowError, OSError):
        return f"written at {epoch}, which is no time"
