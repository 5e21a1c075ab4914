"""Signals (SIGTERM, Ctrl-C, a closed terminal): stop a run by them, or hold them back for a short block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

# Windows has no SIGHUP.
HANGUP = getattr(signal, "SIGHUP", None)
SIGNALS = [number for number in (signal.SIGTERM, signal.SIGINT, HANGUP) if number is not None]


class Stop:
    """Knows whether the run is to be stopped, and why: a deadline or a signal."""

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
        with handled([number for number in SIGNALS if number != HANGUP or not _ignored(number)], self._take):
            yield

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number).name


@contextmanager
def handled(numbers: Iterable[int], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have these signals handled like this until the block ends. Only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back until the block has ended, and then handle the first. Only in the main thread.

    Without this, a handler that raises could end the block after a process was started, and before the line
    that makes sure that the process is ended. A process that is started in the block does not inherit this.
    """
    came: list[int] = []
    try:
        with handled(heard(SIGNALS), lambda number, frame: came.append(number)):
            yield
    finally:
        for number in came[:1]:
            signal.raise_signal(number)


def heard(numbers: Iterable[int]) -> list[int]:
    """Those of these signals that are not ignored."""
    return [number for number in numbers if not _ignored(number)]


def _ignored(number: int) -> bool:
    # None: a handler that was not set from Python, which could not be put back.
    return signal.getsignal(number) in (signal.SIG_IGN, None)
