"""The clock of a run: wall time, a steady counter and sleeping. Tests use a clock that they set."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The clock of a run. All values are seconds."""

    def now(self) -> float:
        """Wall time, seconds since 1970."""

    def monotonic(self) -> float:
        """A counter that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Cancelled(BaseException):
    """Somebody cancelled a wait. Like ``KeyboardInterrupt`` it is no `Exception`, so no step handles it."""


class CancellableClock(SystemClock):
    """The machine's clock. Another thread can end a sleep."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Cancelled: `cancel` was called after the last `rearm`, during this call or before it.
        """
        if self._cancelled.wait(seconds):
            raise Cancelled

    def cancel(self) -> None:
        """End the sleep of every thread, and every later sleep until `rearm`."""
        self._cancelled.set()

    def rearm(self) -> None:
        """Allow sleeping again after `cancel`."""
        self._cancelled.clear()


def iso(epoch: float) -> str:
    """Wall time as ISO 8601 in UTC with milliseconds, such as ``2026-10-01T12:00:00.000Z``."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; a time without a zone is read as UTC.

    Raises:
        ValueError: the text is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
