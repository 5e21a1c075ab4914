"""The votes of the sources on the VM's process, and their common verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from vergeos_nb.procedure.values.step_tables import EVIDENCE
from vergeos_nb.procedure.values.table import Table

# The strength of a vote: measured on this VM, or resting on an assumption about the platform.
Strength = Literal["measured", "assumed"]


class Vote(Struct, frozen=True):
    """The vote of one source on the VM's process: ``alive``, ``dead`` or ``silent``, and why.

    Attributes:
        rests_on: the strength of a vote that is not silent. By default it was measured.
    """

    source: str
    says: Literal["alive", "dead", "silent"]
    because: str
    rests_on: Strength = "measured"


class VerdictValue(StrEnum):
    """The values of a verdict."""

    OFF = "off"
    ALIVE = "alive"
    UNKNOWN = "unknown"


class Verdict(Struct, frozen=True):
    """A verdict with its evidence."""

    value: VerdictValue
    votes: tuple[Vote, ...]

    @property
    def rests_on(self) -> Strength | None:
        """The strongest vote that supports the verdict; None if it is unknown."""
        says = {VerdictValue.ALIVE: "alive", VerdictValue.OFF: "dead"}.get(self.value)
        strengths = {vote.rests_on for vote in self.votes if vote.says == says}
        if not strengths:
            return None
        return "measured" if "measured" in strengths else "assumed"

    @property
    def only_assumed_life(self) -> bool:
        """Whether it says alive, and nothing that was measured on this VM supports that."""
        return self.value is VerdictValue.ALIVE and self.rests_on == "assumed"

    def facts(self) -> dict[str, str]:
        """The verdict and what it rests on, as a step's facts have it."""
        rests_on = {"rests_on": self.rests_on} if self.rests_on else {}
        return {"verdict": self.value.value, **rests_on}

    @property
    def signs_of_life(self) -> str:
        """The votes for life in words, or ""."""
        return "; ".join(f"{vote.source} {vote.because}" for vote in self.votes if vote.says == "alive")

    def table(self) -> Table:
        """The votes as rows."""
        return EVIDENCE.table(
            *((v.source, v.says, v.because, "" if v.says == "silent" else v.rests_on) for v in self.votes)
        )
