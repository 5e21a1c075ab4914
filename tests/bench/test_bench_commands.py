"""What a bench begins it also ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.commands import run
from vergeos_nb.processes import lives

ROOT = Path(__file__).parents[2]
STOPPED = """
import signal, sys
from pathlib import Path
from bench.commands import run
signal.signal(signal.SIGTERM, signal.default_int_handler)
run(["sh", "-c", "sleep 600 & echo $! $$ > begun.part; mv begun.part begun; wait"], cwd=Path(sys.argv[1]))
"""


def test_a_command_is_measured_with_all_that_it_began(tmp_path: Path) -> None:
    took = run([sys.executable, "-c", "sum(range(100_000))"], cwd=tmp_path)
    assert min(took.wall_s, took.cpu_s, took.peak_mb) > 0


def test_a_stopped_bench_leaves_nothing_running(tmp_path: Path) -> None:
    """The peer of a fleet went on for minutes after its bench was terminated."""
    begun = tmp_path / "begun"
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, tmp_path], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as bench:
        while not begun.exists():
            assert bench.poll() is None
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(30) != 0
    while any(lives(int(pid)) for pid in begun.read_text().split()):  # the time limit of tests ends this
        time.sleep(0.01)
