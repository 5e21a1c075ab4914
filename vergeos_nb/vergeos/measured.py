"""What was measured of a platform: on which system and version, when, and which record holds the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that was measured.

    Attributes:
        value: a short word that a program compares.
        how: how it was found, in a sentence.
        version: the version of VergeOS on which it was.
        at: when, seconds since 1970.
        record: the id of the record that holds the evidence.
    """

    value: str
    how: str
    version: str
    at: float
    record: str


@dataclass(frozen=True, slots=True)
class SystemMeasured:
    """The system that was measured. ``name`` is its own id, or its host if it gives none."""

    name: str
    cloud_name: str
    version: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that was measured of one system.

    Attributes:
        assumptions: by the assumption's name; the value is one of `measured true` and `measured false`.
        seen: observations by name.
        damaged: why the file that holds them cannot be read, or "".
    """

    system: SystemMeasured | None = None
    assumptions: Mapping[str, Measured] = field(default_factory=dict)
    seen: Mapping[str, Measured] = field(default_factory=dict)
    damaged: str = ""
