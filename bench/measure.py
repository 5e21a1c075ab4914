"""Measure a claim: both sides in turn, and the ratio of their medians."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.claim import Claim, Goal, Metric, Sample, Setting


@dataclass(frozen=True, slots=True)
class Finding:
    """How one goal of a claim came out.

    Attributes:
        ours: the median of our side, in the metric's unit; ``peer`` likewise.
        met: whether the goal was met. None without a goal, or for tiny sizes.
        all_ours: each round's measurement; ``all_peer`` likewise.
    """

    claim: str
    what: str
    against: str
    metric: Metric
    ours: float
    peer: float
    ratio: float
    limit: float | None
    absolute: bool
    met: bool | None
    all_ours: tuple[float, ...]
    all_peer: tuple[float, ...]


def measure(claim: Claim, setting: Setting, rounds: int | None = None) -> Iterator[Finding]:
    """One finding for each goal of the claim.

    Args:
        rounds: how often each side is measured. By default as often as the claim says.
    """
    ours: list[Sample] = []
    peer: list[Sample] = []
    with claim.pair(setting) as pair:
        for _ in range(rounds or claim.rounds):
            # So that garbage of an earlier trial does not count for the next one.
            gc.collect()
            ours.append(pair.ours())
            gc.collect()
            peer.append(pair.peer())
    for goal in claim.goals:
        yield _finding(claim, goal, ours, peer, judged=not setting.short)


def _finding(claim: Claim, goal: Goal, ours: list[Sample], peer: list[Sample], *, judged: bool) -> Finding:
    all_ours = tuple(float(getattr(sample, goal.metric)) for sample in ours)
    all_peer = tuple(float(getattr(sample, goal.metric)) for sample in peer)
    middle, beside = median(all_ours), median(all_peer)
    ratio = middle / beside if beside else float("nan")
    promised = judged and goal.limit is not None
    met = (middle if goal.absolute else ratio) <= (goal.limit or 0) if promised else None
    return Finding(
        claim.name,
        claim.ours,
        claim.against,
        goal.metric,
        middle,
        beside,
        ratio,
        goal.limit,
        goal.absolute,
        met,
        all_ours,
        all_peer,
    )
