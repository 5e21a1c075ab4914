"""The thread that delivers the lines of runs while they go on. A process has one thread for all its runs.

A run only sets an event, so it never waits. No line is kept in memory, because the journal's file is the
queue. While the target fails, it is tried less and less often. If the process ends or is killed, the marks on
the disk show what is missing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vergeos_nb.errors import RecordError
from vergeos_nb.forwarding.delivery import Delivery
from vergeos_nb.forwarding.delivery_mark import enlist, waiting
from vergeos_nb.forwarding.told_lines import matters
from vergeos_nb.layout import archive_of, is_day, run_id_of
from vergeos_nb.settings import Secret

_OnLine = Callable[[Mapping[str, Any]], None]
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between attempts while the target takes nothing. The last value is then repeated."""

LAST_WAIT_S = 0.1
"""Seconds for the last lines of a run, so that its process does not end between a message and its mark. If
the target has taken longer already, nothing waits for it."""
LEFT_PAUSE_S = 0.05
"""Seconds between earlier runs that are delivered while a run goes on, so that they do not slow it down."""


class Follower:
    """The thread of one archive and target. It begins with the first run and ends with the last one."""

    def __init__(self, outputs: Path, url: Secret) -> None:
        self.trouble = ""
        self._outputs = outputs
        self._delivery = Delivery(outputs, url)
        self._lock = threading.Condition()
        # When the delivery that goes on began, by the monotonic clock; None between two.
        self._began: float | None = None
        # The runs that are followed, those with undelivered lines, and those that are over.
        self._runs: set[str] = set()
        self._behind: set[str] = set()
        self._over: set[str] = set()
        self._left: list[str] = []
        self._thread: threading.Thread | None = None
        self._heard = threading.Event()
        self._ended = threading.Event()

    def begin(self, run: str) -> None:
        """Follow this run from now on."""
        with self._lock:
            self._runs.add(run)
            self._over.discard(run)
            if self._thread is None:
                self._ended.clear()
                self._thread = threading.Thread(target=self._work, daemon=True, name="forwarding")
                # A kernel that is ending starts no threads. The next run delivers the lines.
                with suppress(RuntimeError):
                    self._thread.start()

    def hear(self, run: str) -> None:
        """The run has written an important line."""
        with self._lock:
            self._behind.add(run)
        self._heard.set()

    def end(self, run: str) -> None:
        """The run writes no more lines. What cannot be delivered now is delivered later."""
        with self._lock:
            self._over.add(run)
            self._behind.add(run)
            began = self._began
        self._ended.set()
        self._heard.set()
        if not self.trouble and (began is None or time.monotonic() - began < LAST_WAIT_S):
            with self._lock:
                self._lock.wait_for(lambda: run not in self._runs, LAST_WAIT_S)

    def _work(self) -> None:
        failures = 0
        self._left = waiting(self._outputs)
        while True:
            if failures:
                self._ended.wait(PAUSES_S[min(failures, len(PAUSES_S)) - 1])
                self._ended.clear()
            elif not self._left:
                self._heard.wait()
            self._heard.clear()
            with self._lock:
                behind, over = frozenset(self._behind), frozenset(self._over)
                self._began = time.monotonic()
            try:
                self._deliver(behind)
                failures, self.trouble = 0, ""
            except Exception as error:  # after any error the thread reports it and goes on
                failures += 1
                self.trouble = _sentence(error)
            if self._is_done(over):
                return

    def _deliver(self, behind: frozenset[str]) -> None:
        for run in behind:
            with self._lock:
                # Removed before the run is read, so that a line that comes meanwhile adds it again.
                self._behind.discard(run)
            try:
                self._delivery.run(run)
            except BaseException:
                with self._lock:
                    self._behind.add(run)
                raise
        # New lines go before what is left from earlier runs.
        while self._left and not self._heard.wait(LEFT_PAUSE_S):
            with self._lock:
                ours = self._left[0] in self._runs
            if not ours:
                self._delivery.alone(self._left[0])
            del self._left[0]

    def _is_done(self, over: frozenset[str]) -> bool:
        """Forget the runs that were over when the delivery began. Returns whether no other run is left."""
        with self._lock:
            self._began = None
            for run in over & self._over:
                for runs in (self._runs, self._behind, self._over):
                    runs.discard(run)
                self._delivery.forget(run)
            self._lock.notify_all()
            if self._runs:
                return False
            self._thread = None
            return True


def _sentence(error: Exception) -> str:
    """The error in one line, for the record."""
    if isinstance(error, RecordError):
        return "; ".join(filter(None, (f"{error.asked}: {error.came_back}", error.next_step)))
    return f"forwarding: {type(error).__name__}"


class Following:
    """One run that is followed. If no target is set up, nothing happens."""

    def __init__(self, follower: Follower | None, run: str, trouble: str = "") -> None:
        self._follower = follower
        self._run = run
        self._trouble = trouble

    def hear(self, line: Mapping[str, Any]) -> None:
        """A line was written. Wakes the thread if it is important, and returns at once. For `RunJournal`."""
        if self._follower is not None and matters(line):
            self._follower.hear(self._run)

    def before(self, on_line: _OnLine | None) -> _OnLine:
        """A function that hears each line and then calls this one."""
        if on_line is None or self._follower is None:
            return on_line or self.hear

        def heard(line: Mapping[str, Any]) -> None:
            self.hear(line)
            on_line(line)

        return heard

    @property
    def trouble(self) -> str:
        """Why something was not delivered yet, or ""."""
        return self._trouble or (self._follower.trouble if self._follower is not None else "")

    def end(self) -> None:
        """The run has written its last line."""
        if self._follower is not None:
            self._follower.end(self._run)


_followers: dict[tuple[Path, Secret], Follower] = {}
_lock = threading.Lock()


def follow(folder: Path, url: Secret | None) -> Following:
    """Begin to forward the run of this folder. Raises nothing.

    A folder outside an archive is not followed. A worker on another machine has such a folder. Its lines are
    delivered by the coordinator, which writes them into the archive.

    Args:
        url: the target, or None if none is set up.
    """
    run = run_id_of(folder)
    if url is None or not is_day(folder.absolute().parent.name):
        return Following(None, run)
    try:
        enlist(folder)
    except OSError as error:
        return Following(None, run, f"forwarding: {error.strerror}")
    key = (archive_of(folder).outputs, url)
    with _lock:
        follower = _followers.setdefault(key, Follower(*key))
    follower.begin(run)
    return Following(follower, run)
