"""Which VM may start now. Pure: starts and ends go in, the VMs that may start come out.

The number of VMs at once is 1, 2, 4, … up to the limit. It doubles when as many VMs have ended well as may
run at once. Failures are counted before anything starts, so nothing starts after the failure that reaches the
threshold. Running VMs continue to their end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How many at once, and when to stop.

    Attributes:
        at_once: VMs that run at the same time, at most.
        per_node, per_group: the same on one node, and in one HA group. VMs without a group have no limit per
            group.
        failures: after this many VMs that did not end as asked, no other VM starts.
    """

    at_once: int = 4
    per_node: int = 2
    per_group: int = 1
    failures: int = 1


def waves(count: int, at_once: int) -> int:
    """How many rounds this many VMs take, if all end well and take the same time."""
    number, width = 0, 1
    while count > 0:
        count -= min(width, at_once)
        width = min(width * 2, at_once)
        number += 1
    return number


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a VM is, as the plan has it."""

    node: str = ""
    group: str = ""


@dataclass(slots=True)
class Schedule:
    """The state of one fleet run.

    Attributes:
        width: how many may run at once now.
        failed: how many did not end as asked.
    """

    places: Sequence[RunPlace]
    limits: Limits
    width: int = 1
    failed: int = 0
    waiting: list[int] = field(default_factory=list)
    running: set[int] = field(default_factory=set)
    _well: int = 0

    def __post_init__(self) -> None:
        self.waiting = self.waiting or list(range(len(self.places)))
        self.width = min(self.width, self.limits.at_once)

    @property
    def stopped(self) -> bool:
        """Whether too many have failed for anything else to start."""
        return self.failed >= self.limits.failures

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing will start."""
        return not self.running and (self.stopped or not self.waiting)

    def next(self) -> int | None:
        """The position of the VM that may start now, or None. It counts as started from here on."""
        if self.stopped or len(self.running) >= self.width:
            return None
        nodes = Counter(self.places[at].node for at in self.running)
        groups = Counter(self.places[at].group for at in self.running)
        for at in self.waiting:
            place = self.places[at]
            node_full = bool(place.node) and nodes[place.node] >= self.limits.per_node
            group_full = bool(place.group) and groups[place.group] >= self.limits.per_group
            if not node_full and not group_full:
                self.waiting.remove(at)
                self.running.add(at)
                return at
        return None

    def ended(self, at: int, well: bool) -> None:
        """Take note of how one ended."""
        self.running.remove(at)
        if not well:
            self.failed += 1
            return
        self._well += 1
        if self._well >= self.width:
            self._well = 0
            self.width = min(self.width * 2, self.limits.at_once)
