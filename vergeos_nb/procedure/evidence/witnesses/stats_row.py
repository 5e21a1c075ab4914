"""The stats row. A fresh row with CPU or RAM is life, a fresh row without both is death.

It is assumed until it is measured that a fresh row without CPU and RAM means a machine without a process. A
running guest always uses RAM. A row that is not written again is never evidence of death, because a node that
is cut off leaves such a row, too.
"""

from __future__ import annotations

from vergeos_nb.procedure.evidence.sample import STATS, cannot_be_read
from vergeos_nb.procedure.evidence.witness import Column, Evidence, Witness, written, written_anew
from vergeos_nb.procedure.values.votes import Strength, Vote
from vergeos_nb.vergeos.assumptions import STATISTICS_OF_A_STOPPED_MACHINE

SOURCE = "machine_stats"


def vote(evidence: Evidence) -> Vote:
    """The vote of the stats row by all samples."""
    if len(evidence.samples) < 2:
        return Vote(SOURCE, "silent", "it takes two readings to tell a fresh row from an old one")
    rows = [sample.stats for sample in evidence.samples]
    fresh = written_anew([row.modified if row else None for row in rows])
    for row, anew in zip(rows, fresh, strict=True):
        if row and anew and (row.total_cpu or row.ram_used or any(row.core_usage)):
            read = f"{row.total_cpu} % CPU, {row.ram_used} MB RAM"
            return Vote(SOURCE, "alive", f"freshly reads {read} ({written(row.modified)})")
    last = rows[-1]
    if last is None:
        return Vote(SOURCE, "silent", "the machine has no stats row")
    at = written(last.modified)
    if last.unread:
        return Vote(SOURCE, "silent", f"{cannot_be_read(last.unread)} ({at})")
    if not fresh[-1]:
        return Vote(SOURCE, "silent", f"was not written while it was watched ({at})")
    if last.total_cpu is None or last.ram_used is None:
        return Vote(SOURCE, "silent", f"is fresh, but lacks CPU or RAM ({at})")
    written_when_stopped = evidence.knowledge.of(STATISTICS_OF_A_STOPPED_MACHINE)
    if written_when_stopped.holds is False:
        because = f"no row of a stopped machine is written on this system ({written_when_stopped})"
        return Vote(SOURCE, "silent", f"freshly reads zero, which is no death here: {because} ({at})")
    strength: Strength = "measured" if written_when_stopped.holds else "assumed"
    ground = "measured here" if written_when_stopped.holds else "assumed"
    because = f"freshly reads 0 % CPU and 0 MB RAM ({at}); that such a row means death is {ground}"
    return Vote(SOURCE, "dead", because, strength)


STATS_ROW = Witness(
    source=SOURCE,
    reads="the stats row of each sample",
    alive="it is written again and reads CPU or RAM",
    dead="it is written again and reads 0 % CPU and 0 MB RAM",
    vote=vote,
    reading=STATS,
    columns=(
        Column("cpu_pct", "float", lambda sample: sample.stats.total_cpu if sample.stats else None),
        Column("ram_used_mb", "float", lambda sample: sample.stats.ram_used if sample.stats else None),
        Column("stats_written", "time", lambda sample: sample.stats.modified if sample.stats else None),
    ),
    assumes=(STATISTICS_OF_A_STOPPED_MACHINE,),
)
