"""How long single commands take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting, Trial
from bench.commands import BIN, command, run
from bench.system import System, reached_as_real, simulated

# The shortest possible waits, because the claim is about the package and not about the procedure's waits.
NO_WAITS = {
    "sample_gap_s": 0,
    "poll_s": 0.05,
    "poweroff_wait_s": 0,
    "kill_wait_s": 0,
    "settle_s": 0,
    "confirm_timeout_s": 10,
}
# Simulated seconds in one real second. So the platform writes its rows anew between any two readings.
RATE = 200.0


def given(**parameters: object) -> list[str]:
    """Parameters as words of ``vergeos-nb run``."""
    return [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]


def answer(words: Sequence[str | Path], cwd: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The JSON line of a command that is not measured."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def write_empty(folder: Path) -> Path:
    """A notebook of two cells that do nothing."""
    cells = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {},
            "source": "",
            "outputs": [],
            "execution_count": None,
        }
        for name in ("first", "second")
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "empty.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@contextmanager
def _help(setting: Setting) -> Iterator[Pair]:
    yield Pair(
        command([BIN / "vergeos-nb", "--help"], cwd=setting.folder),
        command([sys.executable, "-c", "import click"], cwd=setting.folder),
    )


@contextmanager
def _run(setting: Setting) -> Iterator[Pair]:
    with simulated(setting.folder, rate=RATE) as system:
        yield Pair(_force_off(setting.folder, system, system.environ), _papermill(setting.folder))


@contextmanager
def _paced_run(setting: Setting) -> Iterator[Pair]:
    with simulated(setting.folder, rate=RATE) as system:
        ours = _force_off(setting.folder, system, reached_as_real(system), "--profile", "env")
        yield Pair(ours, _papermill(setting.folder))


def _papermill(folder: Path) -> Trial:
    return command([BIN / "papermill", write_empty(folder), folder / "out.ipynb"], cwd=folder)


def _force_off(folder: Path, system: System, reached_by: Mapping[str, str], *more: str) -> Trial:
    """A trial that applies an approved plan; it is planned once, and the system begins anew each time."""
    words = [BIN / "vergeos-nb", "run", "force_power_off", "--json", *more]
    words += given(vm_name="web-01", **NO_WAITS)
    environ = {**reached_by, "VERGEOS_NB_OUTPUTS": str(folder / "outputs")}
    digest = answer(words, folder, environ)["plan_digest"]

    def trial() -> Sample:
        system.reset()
        return run([*words, "--approve", digest], cwd=folder, environ=environ)

    return trial


@contextmanager
def _warm(setting: Setting) -> Iterator[Pair]:
    from vergeos_nb.runner import headless as runner
    from vergeos_nb.runner import warm

    with simulated(setting.folder, rate=RATE) as system:
        asked = {"vm_name": "web-01", **NO_WAITS}

        def trial() -> Sample:
            began, cpu = time.perf_counter(), time.process_time()
            report = runner.run(
                "force_power_off", asked, outputs=setting.folder / "outputs", environ=system.environ
            )
            took = Sample(time.perf_counter() - began, time.process_time() - cpu)
            if report.exit_code:
                raise RuntimeError(f"the run ended with {report.exit_code}: {report.folder}")
            return took

        def ordinary() -> Sample:
            possible, warm.POSSIBLE = warm.POSSIBLE, False
            try:
                return trial()
            finally:
                warm.POSSIBLE = possible

        # The first run loads the packages.
        trial()
        yield Pair(trial, ordinary)


CLAIMS = (
    Claim(
        "single-run",
        "a force-off run with its approval, its record sealed",
        "papermill on an empty notebook",
        (Goal(Metric.WALL, 0.45), Goal(Metric.CPU, None), Goal(Metric.MEMORY, 120, absolute=True)),
        _run,
    ),
    Claim(
        "single-run-paced",
        "the same with the distance between requests that a real system is given",
        "papermill on an empty notebook",
        (Goal(Metric.WALL, 0.8),),
        _paced_run,
        rounds=3,
    ),
    Claim(
        "warm-kernel",
        "one more planning run in a process, kernel forked",
        "the same run, kernel started",
        (Goal(Metric.WALL, None),),
        _warm,
    ),
    Claim(
        "help",
        "vergeos-nb --help",
        'python -c "import click"',
        (Goal(Metric.CPU, 1.2), Goal(Metric.WALL, None)),
        _help,
        rounds=9,
    ),
)
