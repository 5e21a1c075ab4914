"""The start time of the status row in a long watch. If it changes, the VM was started again.

ASSUME_STARTED_TELLS_LIVES_APART
    ``started`` of a status row changes with every start and at no other time, even if the VM has stopped
    again before the next reading.
"""

from __future__ import annotations

from vergeos_nb.procedure.evidence.witness import Evidence, Witness, when
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.rows import MachineStatus

ASSUME_STARTED_TELLS_LIVES_APART = True
SOURCE = "started"


def started_anew(before: MachineStatus, now: MachineStatus) -> bool:
    """Whether a row has another start time than an earlier row."""
    return bool(now.started) and now.started != before.started


def vote(evidence: Evidence) -> Vote | None:
    """The vote is alive if the VM was started after the watch began."""
    before = evidence.watched_from
    if not ASSUME_STARTED_TELLS_LIVES_APART or before is None:
        return None
    last = evidence.samples[-1].status
    if not started_anew(before, last):
        return None
    return Vote(SOURCE, "alive", f"it was started {when(last.started)}, while it was watched")


START_TIME = Witness(
    source=SOURCE,
    reads="the start time in the status row, during a watch after a power-off",
    alive="it is another one than at the beginning",
    vote=vote,
    assumes=("ASSUME_STARTED_TELLS_LIVES_APART",),
)
