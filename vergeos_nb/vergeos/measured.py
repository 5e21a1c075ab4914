"""What was measured on a platform: on which system and version, when, and which record has the evidence.

It counts for that system and version only, because another version may behave differently. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from vergeos_nb.vergeos.assumptions import ASSUMPTIONS, Known, PlatformKnowledge
from vergeos_nb.vergeos.rows import SystemInfo

MEASURED_TRUE = "measured true"
MEASURED_FALSE = "measured false"
NOT_MEASURED = "not measured"
_HOLDS = {MEASURED_TRUE: True, MEASURED_FALSE: False}
DAY_S = 86_400


class Measured(Struct, frozen=True):
    """One thing that was measured.

    Attributes:
        value: a short word for programs.
        how: how it was measured, in a sentence.
        version: the version of VergeOS at the measurement.
        at: when, seconds since 1970.
        record: the id of the record that holds the evidence.
    """

    value: str
    how: str
    version: str
    at: float
    record: str


class SystemMeasured(Struct, frozen=True):
    """The measured system. ``name`` is its own id, or its host if it has no id."""

    name: str
    cloud_name: str
    version: str
    simulated: bool


class Measurements(Struct, frozen=True):
    """Everything that was measured on one system.

    Attributes:
        assumptions: the results by the assumption's id; a value is `MEASURED_TRUE`, `MEASURED_FALSE` or
            `NOT_MEASURED`.
        seen: observations by name.
        damaged: why the file of the measurements cannot be read, or "".
    """

    system: SystemMeasured | None = None
    assumptions: Mapping[str, Measured] = field(default_factory=dict)
    seen: Mapping[str, Measured] = field(default_factory=dict)
    damaged: str = ""

    def counting(self, info: SystemInfo) -> dict[str, Measured]:
        """The measured assumptions that count for this system in its present version, by id."""
        if self.system is None or self.system.simulated != info.simulated:
            return {}
        return {
            name: one
            for name, one in self.assumptions.items()
            if name in ASSUMPTIONS and one.value in _HOLDS and one.version == info.version
        }

    def knowledge(self, info: SystemInfo) -> PlatformKnowledge:
        """What a verdict on this system may rely on."""
        return PlatformKnowledge(
            {name: Known(_HOLDS[one.value], one.version, one.at) for name, one in self.counting(info).items()}
        )

    def words(self, info: SystemInfo, now: float) -> str:
        """How much is known in words, such as "5 of 9 assumptions measured on 26.1.8, 12 days ago".

        Args:
            now: seconds since 1970.
        """
        counting = self.counting(info)
        told = f"{len(counting) or 'none'} of {len(ASSUMPTIONS)} assumptions measured on {info.version}"
        if counting:
            told += f", {_ago(now - max(one.at for one in counting.values()))}"
        others = {
            one.version
            for name, one in self.assumptions.items()
            if name in ASSUMPTIONS and name not in counting and one.value in _HOLDS
        }
        if others:
            told += f"; what was measured on {', '.join(sorted(others))} does not count for this version"
        if self.damaged:
            told += f"; what was measured cannot be read: {self.damaged}"
        return told


def _ago(seconds: float) -> str:
    days = int(seconds // DAY_S)
    if days < 1:
        return "less than a day ago"
    return "1 day ago" if days == 1 else f"{days} days ago"
