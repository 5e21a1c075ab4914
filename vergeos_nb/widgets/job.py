"""Work in a thread of its own. It never prints and enters no ``Output``: both would land in another cell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
TICK_S = 0.5


class Job(Generic[T]):
    """One piece of work, with a ticking beside it.

    Args:
        work: what is done in the thread.
        on_tick: called about twice a second with the seconds since the start, from a thread of its own.
        on_end: called once, in the thread of the work, with its result or with what it raised.
    """

    def __init__(
        self,
        work: Callable[[], T],
        on_tick: Callable[[float], None],
        on_end: Callable[[T | None, BaseException | None], None],
    ) -> None:
        self._work = work
        self._on_tick = on_tick
        self._on_end = on_end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vergeos-nb step", daemon=True)
        self._ticker = threading.Thread(target=self._tick, name="vergeos-nb ticker", daemon=True)

    def start(self) -> Job[T]:
        """Begin. Returns at once."""
        self._ticker.start()
        self._thread.start()
        return self

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it is over; whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = self._work()
        except BaseException as error:  # a cancelled wait is one, too, and a thread has nobody to tell
            failure = error
        self._over.set()
        # A tick that came after the end would show the step as running for ever.
        self._ticker.join()
        self._on_end(result, failure)

    def _tick(self) -> None:
        began = time.monotonic()
        while not self._over.wait(TICK_S):
            self._on_tick(time.monotonic() - began)
