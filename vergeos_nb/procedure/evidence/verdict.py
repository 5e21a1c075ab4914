"""Whether the VM's process lives: the one rule that combines the votes of all witnesses. Pure."""

from __future__ import annotations

from vergeos_nb.procedure.evidence.witness import Evidence
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue, Vote


def judge(evidence: Evidence) -> Verdict:
    """One ``alive`` makes ``alive``; otherwise one ``dead`` makes ``off``; otherwise it is ``unknown``."""
    asked = (witness.vote(evidence) for witness in roll.WITNESSES)
    votes = tuple(_with_time_to_speak(evidence, vote) for vote in asked if vote is not None)
    said = {vote.says for vote in votes}
    if "alive" in said:
        return Verdict(VerdictValue.ALIVE, votes)
    return Verdict(VerdictValue.OFF if "dead" in said else VerdictValue.UNKNOWN, votes)


def _with_time_to_speak(evidence: Evidence, vote: Vote) -> Vote:
    """The vote. A vote for death becomes silent if the readings are too close together to show silence."""
    # The difference of two float times can be a little less than the wait.
    if vote.says != "dead" or evidence.span_s >= evidence.silence_s - 0.01:
        return vote
    apart = f"the readings lie {evidence.span_s:.1f} s apart, and silence takes {evidence.silence_s:g} s"
    return Vote(vote.source, "silent", f"{vote.because}, but {apart}")
