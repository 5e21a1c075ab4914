"""The status row: a row that says running and is being written lives.

ASSUME_HEARTBEAT_IS_LIFE
    A ``machine_status`` row that says running and is being written now is written by a node that sees the
    process. If something else refreshes such rows, the error is on the safe side: the verdict says alive.

A row that says stopped is never evidence of death: this procedure writes that row itself.
"""

from __future__ import annotations

from vergeos_nb.procedure.evidence.sample import STATUS, cannot_be_read
from vergeos_nb.procedure.evidence.witness import Column, Evidence, Witness, written, written_anew
from vergeos_nb.procedure.values.votes import Vote

ASSUME_HEARTBEAT_IS_LIFE = True
SOURCE = "machine_status"


def vote(evidence: Evidence) -> Vote:
    """The vote of the status row, over the samples."""
    if evidence.wrote_row:
        return Vote(SOURCE, "silent", "this run wrote it itself")
    if len(evidence.samples) < 2:
        return Vote(SOURCE, "silent", "it takes two readings to tell a living row from an old one")
    rows = [sample.status for sample in evidence.samples]
    fresh = written_anew([row.last_update for row in rows])
    stopped = False
    for before, row, anew in zip(rows, rows[1:], fresh[1:], strict=False):
        stopped = stopped or not before.running
        if not row.running:
            continue
        at = written(row.last_update)
        if stopped:
            return Vote(SOURCE, "alive", f"went back to running, status {row.status} ({at})")
        if row.node != before.node or row.started != before.started:
            return Vote(SOURCE, "alive", f"was started again or moved while it was watched ({at})")
        if ASSUME_HEARTBEAT_IS_LIFE and anew:
            return Vote(SOURCE, "alive", f"says {row.status} and keeps being written ({at})")
    last, at = rows[-1], written(rows[-1].last_update)
    if any(field.startswith("last_update ") for field in last.unread):
        return Vote(SOURCE, "silent", f"says {last.status}; {cannot_be_read(last.unread)}")
    if not last.running:
        return Vote(SOURCE, "silent", f"says {last.status}, but a record is no evidence of death ({at})")
    return Vote(SOURCE, "silent", f"says {last.status}, but was not written while it was watched ({at})")


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
    assumes=("ASSUME_HEARTBEAT_IS_LIFE",),
)
