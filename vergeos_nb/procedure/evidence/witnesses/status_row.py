"""The status row. A row that says running and is being written is a sign of life.

No source says who writes ``last_update``. So a row that is still written, or that goes back to running, is a
sign of life only by assumption. A new node or start time counts as measured. If it was measured that the row
of a stopped machine is still written, writing is no sign of life. If it was measured that it is not, this
proves nothing about a dead machine whose row says running.

A row that says stopped is never evidence of death, because this procedure writes that row itself.
"""

from __future__ import annotations

from vergeos_nb.procedure.evidence.sample import STATUS, cannot_be_read
from vergeos_nb.procedure.evidence.witness import Column, Evidence, Witness, written, written_anew
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.assumptions import STATUS_OF_A_STOPPED_MACHINE

SOURCE = "machine_status"
_ASSUMED = "that this is life is assumed"


def vote(evidence: Evidence) -> Vote:
    """The vote of the status row by all samples."""
    if evidence.wrote_row:
        return Vote(SOURCE, "silent", "this run wrote it itself")
    if len(evidence.samples) < 2:
        return Vote(SOURCE, "silent", "it takes two readings to tell a living row from an old one")
    rows = [sample.status for sample in evidence.samples]
    fresh = written_anew([row.last_update for row in rows])
    stopped, life, discounted, lived = False, None, "", rows[0] if rows[0].running else None
    for before, row, anew in zip(rows, rows[1:], fresh[1:], strict=False):
        stopped = stopped or not before.running
        if not row.running:
            continue
        at = written(row.last_update)
        moved = lived is not None and row.node != lived.node
        lived, known = row, lived or before
        if moved or row.started != known.started:
            return Vote(SOURCE, "alive", f"was started again or moved while it was watched ({at})")
        if life is None and stopped:
            life = Vote(
                SOURCE, "alive", f"went back to running, status {row.status} ({at}); {_ASSUMED}", "assumed"
            )
        elif life is None and anew and not (discounted := _discounted(evidence)):
            life = Vote(
                SOURCE, "alive", f"says {row.status} and keeps being written ({at}); {_ASSUMED}", "assumed"
            )
    if life is not None:
        return life
    last, at = rows[-1], written(rows[-1].last_update)
    if any(field.startswith("last_update ") for field in last.unread):
        return Vote(SOURCE, "silent", f"says {last.status}; {cannot_be_read(last.unread)}")
    if not last.running:
        return Vote(SOURCE, "silent", f"says {last.status}, but a record is no evidence of death ({at})")
    if discounted:
        return Vote(SOURCE, "silent", f"says {last.status} and keeps being written ({at}); {discounted}")
    return Vote(SOURCE, "silent", f"says {last.status}, but was not written while it was watched ({at})")


def _discounted(evidence: Evidence) -> str:
    """Why a row that is still written is no sign of life here, or ""."""
    kept_up = evidence.knowledge.of(STATUS_OF_A_STOPPED_MACHINE)
    if kept_up.holds:
        return f"so does the row of a stopped machine, as measured here ({kept_up})"
    return "a named person has checked at the node in spite of it" if evidence.answered_for else ""


STATUS_ROW = Witness(
    source=SOURCE,
    reads="the status row of each sample",
    alive="it says running and is written again, goes back to running, moves, or is started again",
    vote=vote,
    reading=STATUS,
    columns=(
        Column("running", "bool", lambda sample: sample.status.running),
        Column("status", "text", lambda sample: sample.status.status),
        Column("state", "text", lambda sample: sample.status.state),
        Column("node", "int", lambda sample: sample.status.node),
        Column("row_written", "time", lambda sample: sample.status.last_update),
    ),
    assumes=(STATUS_OF_A_STOPPED_MACHINE,),
)
