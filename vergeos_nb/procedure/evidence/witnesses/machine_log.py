"""The machine's log: lines about a start, and actions that somebody says were tried."""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.clock import iso
from vergeos_nb.procedure.evidence.witness import Evidence, Witness
from vergeos_nb.procedure.values.step_tables import LOGS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.rows import LogLine
from vergeos_nb.words import counted

# Log texts of a guest or platform that has begun something anew ("VM has reset" is logged from inside the
# guest, vendor's page on unexpected restarts; that others hold these words is our reading).
# A line is about one moment, so a sign of life from a line alone is only assumed.
SIGNS_OF_LIFE = ("has reset", "poweron", "power on", "powered on", "has started", "restarted")
SOURCE = "machine_logs"


def vote(evidence: Evidence) -> Vote:
    """The vote of the machine's log since the run began."""
    for line in evidence.logs:
        if any(sign in line.text.lower() for sign in SIGNS_OF_LIFE):
            return Vote(SOURCE, "alive", f"{iso(line.at)}: {line.text}", "assumed")
    count = evidence.logs_before + len(evidence.logs)
    return Vote(SOURCE, "silent", f"{counted(count, 'line')} since the run began, none of a start")


def logs_table(lines: Sequence[LogLine]) -> Table:
    """Log lines as rows, in their order."""
    return LOGS.table(*((line.at, line.level, line.user, line.text) for line in lines))


def contradictions(attested: Sequence[str], lines: Sequence[LogLine], since_h: float) -> list[str]:
    """The parts of an attestation that the machine's log does not confirm.

    Args:
        attested: actions that somebody says were tried: ``poweroff``, ``kill``.
        lines: the log of the last ``since_h`` hours.
    """
    texts = [line.text.lower() for line in lines]
    return [
        f"the machine's log of the last {since_h:g} h has no line that {action} was sent"
        for action in attested
        if not any(f"'{action}'" in text for text in texts)
    ]


MACHINE_LOG = Witness(
    source=SOURCE,
    reads="the machine's log since the run began",
    alive="a line tells of a start or a reset",
    vote=vote,
)
