"""A wait as data: its reason, its end, and the last reading. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BETWEEN_READINGS = "what moves between the two readings is a sign of life"


@dataclass(frozen=True, slots=True)
class WaitReport:
    """The state of a wait between two readings. A note in the journal holds it.

    Attributes:
        why: the reason of the wait, in words.
        whole_s: how long the whole wait is at most, in seconds.
        ends_at: when it ends at the latest, by our clock, in seconds since 1970.
        read: what was read last: ``status``, ``node``, ``cpu_pct``, ``ram_mb``, ``counted`` (the sum of all
            counters) and ``at`` (our clock). Empty if nothing was read. A value that is not known is None.
    """

    why: str
    whole_s: float
    ends_at: float
    read: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)
