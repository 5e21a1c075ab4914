"""What each source says about the VM's process, and the verdict that they give together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from vergeos_nb.procedure.values.step_tables import EVIDENCE
from vergeos_nb.procedure.values.table import Table


@dataclass(frozen=True, slots=True)
class Vote:
    """The vote of one source on the VM's process: ``alive``, ``dead`` or ``silent``, and why."""

    source: str
    says: Literal["alive", "dead", "silent"]
    because: str


class VerdictValue(StrEnum):
    """The values of a verdict."""

    OFF = "off"
    ALIVE = "alive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict with its evidence."""

    value: VerdictValue
    votes: tuple[Vote, ...]

    @property
    def signs_of_life(self) -> str:
        """The votes for life in words, or ""."""
        return "; ".join(f"{vote.source} {vote.because}" for vote in self.votes if vote.says == "alive")

    def table(self) -> Table:
        """The votes as rows."""
        return EVIDENCE.table(*((vote.source, vote.says, vote.because) for vote in self.votes))
