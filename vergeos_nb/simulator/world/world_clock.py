"""The simulator's clock: its time and its waiting.

`WallClock` is the machine's own time, for the socket door. `SteppedClock` stands still until a test
advances it, so that a test does not wait for a shutdown of eight seconds, and its times are exact.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol, runtime_checkable

STEPPED_START = 1_790_090_000.0
"""Where a stepped clock begins: 2026-09-22T15:13:20Z, just after the fixed rows of the fleet."""


@runtime_checkable
class Clock(Protocol):
    """A source of time in seconds since the epoch (UTC)."""

    def now(self) -> float:
        """Return the current time in seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class WallClock:
    """The machine's own clock, or a clock that began at another time and runs at the same speed."""

    def __init__(self, start: float | None = None) -> None:
        """Begin at `start`, in seconds since the epoch; None is now."""
        self._ahead = 0.0 if start is None else start - time.time()

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Really wait for `seconds`."""
        time.sleep(max(0.0, seconds))


class SteppedClock:
    """A clock that moves only when told to."""

    def __init__(self, start: float = STEPPED_START) -> None:
        """Begin at `start`, in seconds since the epoch."""
        self._now = float(start)
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time this clock was last moved to."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> float:
        """Move forward by `seconds` and return the new time.

        Raises:
            ValueError: If `seconds` is negative; simulated time does not run backwards.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot be advanced by {seconds} seconds")
        with self._lock:
            self._now += float(seconds)
            return self._now

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` instead of waiting."""
        self.advance(max(0.0, seconds))
