"""A run's own waits, skipped in every process of one test: the clock that they share jumps over them.

A test that starts commands or kernels cannot hand them a stepped clock. This folder is on their
``PYTHONPATH``, so Python imports this module when they begin. Where `FILE` is set, a wait of a run moves the
time of all processes of the test forward and ends at once. The file holds the seconds that were skipped. The
simulator uses the same time. Work takes as long as it takes, also on this clock, so a busy machine makes no
difference.

Short waits are real. They pace requests and look at locks; what they wait for happens outside the clock.
Long ones are real, too. They hold a run where it is until the test ends it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = "SKIPPED_WAITS_FILE"
"""Variable: the file with the seconds that were skipped so far, as text. Not set, or no such file: all waits
are real."""
REAL_BELOW_S = 0.25
REAL_FROM_S = 60.0
_BREATH_S = 0.002
"""Others are given the processor at each wait."""


def skipped_s() -> float:
    """How many seconds the processes of this test have skipped."""
    if not (path := os.environ.get(FILE)):
        return 0.0
    try:
        return float(Path(path).read_text(encoding="ascii") or 0)
    except FileNotFoundError:
        return 0.0


def _skip_until(monotonic: float) -> None:
    """Move the shared time forward, unless another process has moved it that far already."""
    import fcntl

    with Path(os.environ[FILE]).open("r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ahead = monotonic - time.monotonic()
        if ahead > float(file.read() or 0):
            file.seek(0)
            # One write of one length: who reads in this moment reads the old number or the new one.
            file.write(f"{ahead:020.6f}")


def _skips(seconds: float) -> bool:
    return REAL_BELOW_S <= seconds < REAL_FROM_S and Path(os.environ.get(FILE, os.devnull)).is_file()


def _of_the_run(module: ModuleType) -> None:
    system, cancellable = module.SystemClock, module.CancellableClock
    really: Callable[[Any, float], None] = system.sleep
    until_cancelled: Callable[[Any, float], None] = cancellable.sleep

    def sleeping(slept: Callable[[Any, float], None]) -> Callable[[Any, float], None]:
        def sleep(self: Any, seconds: float) -> None:
            if not _skips(seconds):
                return slept(self, seconds)
            end = self.monotonic() + seconds
            slept(self, _BREATH_S)
            return _skip_until(end)

        return sleep

    system.now = lambda _: time.time() + skipped_s()
    system.monotonic = lambda _: time.monotonic() + skipped_s()
    system.sleep, cancellable.sleep = sleeping(really), sleeping(until_cancelled)


def _of_the_simulator(module: ModuleType) -> None:
    wall = module.WallClock
    began, now = wall.__init__, wall.now

    def begin(self: Any, start: float | None = None) -> None:
        began(self, None if start is None else start - skipped_s())

    wall.__init__, wall.now = begin, lambda self: now(self) + skipped_s()


_CLOCKS = {
    "vergeos_nb.clock": _of_the_run,
    "vergeos_nb.simulator.world.world_clock": _of_the_simulator,
}


class _Clocks(MetaPathFinder):
    """Finds the modules of the two clocks, and exchanges the clocks once they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in _CLOCKS else None
        if spec is None or spec.loader is None:
            return None
        loaded = spec.loader.exec_module

        def load(module: ModuleType) -> None:
            loaded(module)
            _CLOCKS[name](module)

        spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Exchange the clocks of this process, loaded or not. Can be repeated."""
    if any(isinstance(finder, _Clocks) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Clocks())
    for name, exchange in _CLOCKS.items():
        if name in sys.modules:
            exchange(sys.modules[name])


if __name__ == "sitecustomize":
    install()
    # As in the tests' own process: nobody cuts the power.
    os.fsync = lambda descriptor: None
