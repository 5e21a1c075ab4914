"""How much memory a run needs if the platform sends hostile answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.commands import run
from bench.system import ROOT, simulated
from vergeos_nb.connect.simulated import announce
from vergeos_nb.simulator import Rule, Simulator, ready

VMS = "/api/v4/vms"
ONE = ("force_power_off", "-p", "vm_name=web-01", "-p", "sample_gap_s=1.1")
ALL = ("find_stuck_vms",)


def answers(size: int) -> tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...]:
    """The commands to run, and the answers that they get.

    Args:
        size: bytes of the longest answer, at least 100,000.
    """
    return (
        (ONE, {"path": VMS, "rows": max(1500, size // 2000), "ignore": ("filter",)}),
        (ONE, {"path": VMS, "body": "[" + "[]," * (size // 3), "gzip": True}),
        (ONE, {"path": VMS, "body": "[[]" + ",[]" * (size // 600) + "]"}),
        (ONE, {"path": "/api/v4/machine_status/*", "body": '{"a":"' + "x" * size}),
        (ALL, {"path": VMS, "body": "[" + '{"$key":1},' * (size // 300)}),
        (ALL, {"path": VMS, "body": '["\U0001f600' + "x" * (size // 26)}),
    )


def serve(rule: Mapping[str, Any]) -> None:
    """Serve a simulator that answers so, until standard input ends. Prints a line when it is ready."""
    simulator = Simulator("stuck")
    simulator.faults.add(Rule("hostile", "GET", **rule))
    with simulator.serve() as door:
        announce(ready(simulator, door))
        print("ready", flush=True)
        sys.stdin.read()
    simulator.close()


@contextmanager
def _platform(setting: Setting, words: Sequence[str]) -> Iterator[dict[str, str]]:
    """A simulator in its own process, because its answers need memory, too. Yields a run's environment."""
    environ = {"VERGEOS_NB_RUNTIME_DIR": str(setting.folder / "runtime")}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.hostile", *words],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        process.stdout.readline()
        try:
            yield environ
        finally:
            process.stdin.close()
            process.wait(10)


@contextmanager
def _running(setting: Setting) -> Iterator[Pair]:
    size = 500_000 if setting.short else 200_000_000

    def once(what: Sequence[str], code: int, environ: Mapping[str, str]) -> Sample:
        words = [
            sys.executable,
            "-m",
            "vergeos_nb",
            "run",
            *what,
            "--outputs",
            str(setting.folder / "outputs"),
        ]
        return run(words, cwd=setting.folder, environ=environ, code=code)

    def hostile() -> Sample:
        peaks = []
        for number, (what, _) in enumerate(answers(1)):
            with _platform(setting, [str(number), str(size)]) as environ:
                peaks.append(once(what, 8, environ).peak_mb)
        return Sample(peak_mb=max(peaks))

    def usual() -> Sample:
        with simulated(setting.folder) as system:
            return once(ONE, 0, system.environ)

    yield Pair(hostile, usual)


CLAIMS = (
    Claim(
        "hostile-memory",
        "the largest process of a run, over six answers of up to 200 MB or 100,000 rows",
        "the same over a platform that answers as it should",
        (Goal(Metric.MEMORY, 120, absolute=True),),
        _running,
        rounds=1,
    ),
)


if __name__ == "__main__":
    serve(answers(int(sys.argv[2]))[int(sys.argv[1])][1])
