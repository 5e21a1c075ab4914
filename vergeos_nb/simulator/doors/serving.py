"""The simulator as a program: start, print the address, run until a signal."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from vergeos_nb.simulator.capture.captured import read_captured
from vergeos_nb.simulator.simulator import Simulator

if TYPE_CHECKING:
    from vergeos_nb.simulator.doors.socket_door import Door


def ready(simulator: Simulator, door: Door) -> dict[str, Any]:
    """All values that a client needs to reach an open simulator and to log in."""
    return {
        "host": door.host,
        "url": door.url,
        "ca_file": str(door.ca_file),
        "username": simulator.username,
        "password": simulator.password,
        "api_key": simulator.api_key,
        "pid": os.getpid(),
        "scenario": simulator.scenario.name,
        "vm_name": simulator.vm_name,
    }


def serve_forever(
    *, scenario: str = "stuck", vms: int = 0, seed: int = 0, port: int = 0, host: str = "127.0.0.1",
    announce: Callable[[dict[str, Any]], None], faults: str | Path | None = None,
    record: str | Path | None = None, allow_remote: bool = False, captured: str | Path | None = None,
) -> None:  # fmt: skip
    """Serve a scenario, or a captured system, over TLS until SIGINT or SIGTERM, then close and return.

    `announce` is called once, when the door is open, with the result of `ready`. Call it in the main thread,
    because other threads get no signals.

    Raises:
        ValueError: For an unknown scenario, a bad file or a remote address without consent.
        OSError: If the port cannot be bound.
    """
    system = read_captured(captured) if captured is not None else None
    simulator = Simulator(scenario, vms=vms, seed=seed, faults=faults, record=record, captured=system)
    serve_until_stopped(simulator, port=port, host=host, announce=announce, allow_remote=allow_remote)


def serve_until_stopped(
    simulator: Simulator, *, port: int = 0, host: str = "127.0.0.1",
    announce: Callable[[dict[str, Any]], None], allow_remote: bool = False,
) -> None:  # fmt: skip
    """Serve a simulator as `serve_forever` does.

    Raises:
        ValueError: For a remote address without consent.
        OSError: If the port cannot be bound.
    """
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with simulator.serve(port, host, allow_remote=allow_remote) as door:
            announce(ready(simulator, door))
            while not stop.wait(0.5):
                pass  # short waits, so that a signal is heard on every platform
    finally:
        simulator.close()
        for number, handler in before.items():
            signal.signal(number, handler)
