"""Work in its own thread. It never prints and enters no ``Output``: both would show in another cell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
TICK_S = 0.5


class CardJob(Generic[T]):
    """One piece of work in a thread, with a regular tick beside it.

    If a callback fails, `on_trouble` gets the error, and the ticks continue.

    Args:
        work: the function that the thread calls.
        on_end: called once, in the thread of the work, with its result or its exception.
        on_trouble: called with an exception from `on_end` or `on_tick`. It must not raise.
        on_tick: called about twice a second with the seconds since the start, from a thread of its own.
    """

    def __init__(
        self,
        work: Callable[[], T],
        on_end: Callable[[T | None, BaseException | None], None],
        *,
        on_trouble: Callable[[Exception], None],
        on_tick: Callable[[float], None] | None = None,
    ) -> None:
        self._work = work
        self._on_tick = on_tick
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vergeos-nb step", daemon=True)
        self._ticker = threading.Thread(target=self._ticks, name="vergeos-nb ticker", daemon=True)

    def start(self) -> CardJob[T]:
        """Begin. Returns at once.

        Raises:
            RuntimeError: no thread can be started; then nothing has begun.
        """
        self._ticker.start()
        try:
            self._thread.start()
        except BaseException:
            self._over.set()
            raise
        return self

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the work is over. Returns whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = self._work()
        except BaseException as error:  # also a cancelled wait: nobody catches the exceptions of a thread
            failure = error
        self._over.set()
        # A tick that came after the end would show the step as running for ever.
        self._ticker.join()
        self._told(lambda: self._on_end(result, failure))

    def _ticks(self) -> None:
        began = time.monotonic()
        tick = self._on_tick
        while tick is not None and not self._over.wait(TICK_S):
            self._told(lambda: tick(time.monotonic() - began))

    def _told(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            # There is no place left to show it. The ticks continue.
            with suppress(Exception):
                self._on_trouble(error)
