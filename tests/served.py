"""A simulator behind its TLS door, announced so that kernels and commands in other processes find it."""

from __future__ import annotations

import fnmatch
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vergeos_nb.connect.simulated import announce, withdraw
from vergeos_nb.simulator import Simulator, ready

# Waits as short as they can be and still let the simulator's stats row be written between two readings.
QUICK: dict[str, Any] = {
    "sample_gap_s": 1.1,
    "poll_s": 0.3,
    "poweroff_wait_s": 1.5,
    "kill_wait_s": 1.5,
    "settle_s": 1.2,
    "confirm_timeout_s": 8,
}
NAME: dict[str, Any] = {"vm_name": "web-01", **QUICK}
# Nobody holds answers back for longer. The door serves one request at a time.
HELD_BACK_S = 120.0
LADDER = [
    ("POST", "/api/v4/vm_actions"),
    ("POST", "/api/v4/vm_actions"),
    ("PUT", "/api/v4/machine_status/46"),
]


@contextmanager
def served(
    scenario: str = "stuck", simulator: Simulator | None = None, **arguments: Any
) -> Iterator[Simulator]:
    """A simulator that the profile ``simulator`` finds, in every process of this test.

    Args:
        simulator: one that another test has left; otherwise it is a new one.
    """
    simulator = simulator or Simulator(scenario, **arguments)
    with simulator.serve() as door:
        simulator.door = door  # type: ignore[attr-defined]
        announce(ready(simulator, door))
        try:
            yield simulator
        finally:
            withdraw(os.getpid())


def changing(simulator: Simulator) -> list[tuple[str, str]]:
    """Method and path of every changing request that reached the simulator."""
    return [(entry.method, entry.path) for entry in simulator.changing_requests()]


def when_carried_out(
    simulator: Simulator, method: str, path: str, action: Callable[[], object], *, nth: int = 1
) -> None:
    """Let something happen in the moment when such a request was carried out, and before it is answered.

    Who sent it cannot be any further then, however busy the machine is.

    Args:
        path: a shell pattern, below ``/api/v4/``.
        nth: of these requests, counted from now on.
    """
    handle, seen = simulator.handle, itertools.count(1)

    def handled(request: Any) -> Any:
        answer = handle(request)
        fits = request.method == method and fnmatch.fnmatchcase(request.path, f"/api/v4/{path}")
        if fits and next(seen) == nth:
            action()
        return answer

    simulator.handle = handled  # type: ignore[method-assign]


@contextmanager
def held_back(simulator: Simulator) -> Iterator[None]:
    """Nothing that arrives meanwhile is answered before the context ends.

    A step that waits cannot end meanwhile, however short its wait and however busy the machine is.
    """
    handle, opened = simulator.handle, threading.Event()

    def handled(request: Any) -> Any:
        opened.wait(HELD_BACK_S)
        return handle(request)

    simulator.handle = handled  # type: ignore[method-assign]
    try:
        yield
    finally:
        opened.set()
        simulator.handle = handle  # type: ignore[method-assign]


def files_with(folder: Path, *needles: str) -> list[Path]:
    """Files below a folder that hold one of these texts."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if any(needle.encode() in content for needle in needles):
                found.append(path)
    return found
