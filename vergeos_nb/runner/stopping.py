"""What stops a run from outside, and what is done whole before that: SIGTERM, Ctrl-C, a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

# Windows knows none.
HANGUP = getattr(signal, "SIGHUP", None)
SIGNALS = [number for number in (signal.SIGTERM, signal.SIGINT, HANGUP) if number is not None]


class Stop:
    """Says whether, and by what, the run is to be stopped."""

    def __init__(self, deadline_s: float | None) -> None:
        self._deadline_s = deadline_s
        self._ends_at = None if deadline_s is None else monotonic() + deadline_s
        self._signal = ""

    @property
    def reason(self) -> str:
        """The reason to stop, or "" if there is none."""
        if self._signal:
            return self._signal
        if self._ends_at is not None and monotonic() >= self._ends_at:
            return f"the deadline of {self._deadline_s:g} s"
        return ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGTERM, SIGINT and SIGHUP for this run. This works only in the main thread.

        A SIGHUP that is ignored, as under ``nohup``, stays ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        if before.get(HANGUP) is signal.SIG_IGN:
            del before[HANGUP]
        try:
            for number in before:
                signal.signal(number, self._take)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number).name


@contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait until the block has ended, so that it is done whole. Only in the main thread.

    A handler that raises would otherwise end the block between a process that it started and the line
    that promises to end it. A process that is started in the block does not inherit the waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)
