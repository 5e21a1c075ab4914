"""What a claim is: one thing of ours against its peer, and how good ours has to be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Metric(StrEnum):
    """What is compared; the values are the fields of a ``Sample``."""

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
        count: how many of whatever the claim counts, such as API calls.
        written_mb: what was left on disk, in MB.
    """

    wall_s: float = float("nan")
    cpu_s: float = float("nan")
    peak_mb: float = float("nan")
    count: float = float("nan")
    written_mb: float = float("nan")


class NotMeasured(Exception):  # noqa: N818 — a state of this machine; the text says what is missing
    """The machine lacks what a claim needs. With ``--strict`` its goals count as missed."""


Trial = Callable[[], Sample]
"""Does the work once and says what it took. Set-up belongs into the claim's ``pair``."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, ready to be measured in turn."""

    ours: Trial
    peer: Trial


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how large a claim is measured.

    Attributes:
        folder: an empty folder of the claim's own, for whatever it writes; removed afterwards.
        short: take tiny sizes: whether it works is asked, not how fast it is.
    """

    folder: Path
    short: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """How good ours has to be in one metric.

    Attributes:
        limit: the largest ratio of the medians, ours by the peer's; None only reports it.
        absolute: the limit is for ours alone, in the metric's unit, whatever the peer takes.
    """

    metric: Metric
    limit: float | None
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table for each goal.

    Attributes:
        name: a word or two with hyphens, by which the claim is selected.
        ours: what is measured, in a phrase.
        against: what it is compared with.
        pair: makes both sides ready and cleans up after them.
        rounds: how often each side is measured; the medians count.
        slow: takes so long that it is measured only when it is named.
    """

    name: str
    ours: str
    against: str
    goals: tuple[Goal, ...]
    pair: Callable[[Setting], AbstractContextManager[Pair]]
    rounds: int = 5
    slow: bool = False
