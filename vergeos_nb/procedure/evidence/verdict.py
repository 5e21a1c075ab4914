"""Does the VM's process live? The one rule that combines the votes of all witnesses. Pure."""

from __future__ import annotations

from vergeos_nb.procedure.evidence.witness import Evidence
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue


def judge(evidence: Evidence) -> Verdict:
    """One ``alive`` makes ``alive``; otherwise one ``dead`` makes ``off``; otherwise it is ``unknown``."""
    asked = (witness.vote(evidence) for witness in roll.WITNESSES)
    votes = tuple(vote for vote in asked if vote is not None)
    said = {vote.says for vote in votes}
    if "alive" in said:
        return Verdict(VerdictValue.ALIVE, votes)
    return Verdict(VerdictValue.OFF if "dead" in said else VerdictValue.UNKNOWN, votes)
