"""One budget of requests for all wires of a fleet."""

from __future__ import annotations

import threading

from vergeos_nb.client.transport.wire import MIN_GAP_S
from vergeos_nb.clock import Clock


class Pace:
    """Lets callers send in the order in which they ask, `gap_s` seconds apart."""

    def __init__(self, clock: Clock, gap_s: float = MIN_GAP_S) -> None:
        self._clock = clock
        self._gap_s = gap_s
        self._lock = threading.Lock()
        self._next_at = clock.monotonic()

    def wait(self) -> None:
        """Return when it is the caller's turn."""
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, self._next_at)
            self._next_at = turn + self._gap_s
        if turn > now:
            self._clock.sleep(turn - now)
