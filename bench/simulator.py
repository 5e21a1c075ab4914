"""A simulator as a process whose time can pass faster than ours: ``python -m bench.simulator``.

The platform writes its rows once a second, and a run waits for fresh rows. A claim with the shortest waits
lets the simulator's time pass faster. So the waits are short, and the package's rules of evidence stay.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from pathlib import Path

from vergeos_nb.connect.simulated import announce
from vergeos_nb.simulator import Simulator, ready
from vergeos_nb.simulator.scenarios.process_scenarios import stuck


class HurriedClock:
    """Starts at the machine's time and runs ``rate`` times as fast."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._began = time.time()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._began + (time.time() - self._began) * self._rate

    def sleep(self, seconds: float) -> None:
        """Let so many simulated seconds pass."""
        time.sleep(max(0.0, seconds) / self._rate)


def main() -> None:
    """Serve until SIGTERM. Prints one JSON line with the address and the credentials."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__)
    parser.add_argument("--scenario", default="stuck")
    parser.add_argument("--vms", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--stuck", type=int, default=0, help="how many of the more VMs are stuck, too")
    arguments = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    simulator = Simulator(
        arguments.scenario, vms=arguments.vms, clock=HurriedClock(arguments.rate), record=arguments.record
    )
    for number in range(arguments.stuck):
        name = f"vm-{number + 1:05d}"
        row = next(row for row in simulator.world.tables["vms"].values() if row["name"] == name)
        stuck(simulator.world, row)
    with simulator.serve() as door:
        told = ready(simulator, door)
        announce(told)
        print(json.dumps(told), flush=True)
        while not ended.wait(0.5):
            pass
    simulator.close()


if __name__ == "__main__":
    main()
