"""The counters of NICs and drives. A counter that does not move belongs to a dead process or to an idle one.

ASSUME_MOVING_COUNTER_IS_LIFE
    If the counter of a NIC or drive grows between two readings, the VM's process has moved it.
"""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.procedure.evidence.sample import COUNTERS, cannot_be_read
from vergeos_nb.procedure.evidence.witness import Evidence, Witness
from vergeos_nb.procedure.values import step_tables
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.rows import Counter, CounterKind

ASSUME_MOVING_COUNTER_IS_LIFE = True


def counters_table(first: Sequence[Counter], last: Sequence[Counter]) -> Table:
    """The first and the last reading of every counter."""
    before, after = _by_name(first), _by_name(last)
    return step_tables.COUNTERS.table(
        *(
            (name, before.get(name), value, value - before[name] if name in before else None)
            for name, value in sorted(after.items())
        )
    )


def vote(kind: CounterKind, evidence: Evidence) -> Vote:
    """The vote of the counters of the NICs or of the drives."""
    source = f"machine_{kind}s"
    readings = [[c for c in sample.counters if c.kind == kind] for sample in evidence.samples]
    if len(readings) < 2:
        return Vote(source, "silent", "it takes two readings to see a counter move")
    unread = [f"{c.name}: {field}" for c in readings[-1] for field in c.unread]
    if not _by_name(readings[-1]) and not unread:
        return Vote(source, "silent", "there is none")
    lowest: dict[str, int] = {}
    moved = set()
    for reading in map(_by_name, readings):
        moved |= {name for name, value in reading.items() if value > lowest.get(name, value)}
        lowest |= {name: min(value, lowest.get(name, value)) for name, value in reading.items()}
    if moved and ASSUME_MOVING_COUNTER_IS_LIFE:
        return Vote(source, "alive", f"moved while it was watched: {', '.join(sorted(moved))}")
    if unread:
        return Vote(source, "silent", cannot_be_read(unread))
    return Vote(source, "silent", "stood still, as those of an idle VM do")


def _by_name(counters: Sequence[Counter]) -> dict[str, int]:
    # With the key, because two of them can have the same name.
    return {f"{c.kind} {c.name} ({c.key}): {n}": value for c in counters for n, value in c.values.items()}


NICS = Witness(
    source="machine_nics",
    reads="bytes and packets of each NIC",
    alive="one of them grows",
    vote=lambda evidence: vote("nic", evidence),
    reading=COUNTERS,
    assumes=("ASSUME_MOVING_COUNTER_IS_LIFE",),
)
DRIVES = Witness(
    source="machine_drives",
    reads="reads, writes and bytes of each drive",
    alive="one of them grows",
    vote=lambda evidence: vote("drive", evidence),
    reading=COUNTERS,
    assumes=("ASSUME_MOVING_COUNTER_IS_LIFE",),
)
