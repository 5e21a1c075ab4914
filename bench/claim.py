"""A claim: a measurement of ours beside the same of a peer, and the goal for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Metric(StrEnum):
    """The quantity that is compared. The values are names of fields of `Sample`."""

    WALL = "wall_s"
    CPU = "cpu_s"
    MEMORY = "peak_mb"
    COUNT = "count"
    WRITTEN = "written_mb"


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one side. What was not measured is NaN and cannot meet a goal.

    Attributes:
        wall_s: seconds on the clock.
        cpu_s: seconds of processor time, user and system, children included.
        peak_mb: largest resident memory of the largest process, in MB.
        count: a number of things, such as API calls.
        written_mb: MB that were left on disk.
    """

    wall_s: float = float("nan")
    cpu_s: float = float("nan")
    peak_mb: float = float("nan")
    count: float = float("nan")
    written_mb: float = float("nan")


class NotMeasured(Exception):  # noqa: N818 — a state of this machine; the text says what is missing
    """The machine lacks what a claim needs. With ``--strict`` its goals count as missed."""


Trial = Callable[[], Sample]
"""Does the work once and returns its measurement. Preparation belongs into the claim's ``pair``."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, ready to be measured in turn."""

    ours: Trial
    peer: Trial


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how large a claim is measured.

    Attributes:
        folder: an empty folder for this claim alone. It is removed afterwards.
        short: use tiny sizes, to test that the claim can be measured at all.
    """

    folder: Path
    short: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal for one metric.

    Attributes:
        limit: the largest ratio of the medians, ours divided by the peer's. None: no goal, only reported.
        absolute: the limit is for our own median, in the metric's unit, and not for the ratio.
    """

    metric: Metric
    limit: float | None
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table for each goal.

    Attributes:
        name: selects the claim on the command line.
        ours: what is measured, in a phrase.
        against: what it is compared with.
        pair: makes both sides ready and cleans up after them.
        rounds: how often each side is measured; the medians count.
        slow: measured only if it is named, because it takes long.
    """

    name: str
    ours: str
    against: str
    goals: tuple[Goal, ...]
    pair: Callable[[Setting], AbstractContextManager[Pair]]
    rounds: int = 5
    slow: bool = False
