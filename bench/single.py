"""How long one command takes a person who waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.commands import BIN, command, run
from bench.system import simulated

# As short as each wait can be: what is measured is the package, not the pauses of the procedure.
NO_WAITS = {
    "sample_gap_s": 0,
    "poll_s": 0.05,
    "poweroff_wait_s": 0,
    "kill_wait_s": 0,
    "settle_s": 0,
    "confirm_timeout_s": 10,
}
# Simulated seconds in one of ours: between any two readings the platform writes its rows anew.
RATE = 20.0


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
    empty = command(
        [BIN / "papermill", write_empty(setting.folder), setting.folder / "out.ipynb"], cwd=setting.folder
    )
    with simulated(setting.folder, rate=RATE) as system:
        words = [BIN / "vergeos-nb", "run", "force_power_off", "--json", *given(vm_name="web-01", **NO_WAITS)]
        environ = {**system.environ, "VERGEOS_NB_OUTPUTS": str(setting.folder / "outputs")}
        digest = answer(words, setting.folder, environ)["plan_digest"]

        def force_off() -> Sample:
            system.reset()
            return run([*words, "--approve", digest], cwd=setting.folder, environ=environ)

        yield Pair(force_off, empty)


CLAIMS = (
    Claim(
        "single-run",
        "a force-off run with its approval, its record sealed",
        "papermill on an empty notebook",
        (Goal(Metric.WALL, 0.6), Goal(Metric.CPU, None), Goal(Metric.MEMORY, None)),
        _run,
    ),
    Claim(
        "help",
        "vergeos-nb --help",
        'python -c "import click"',
        (Goal(Metric.WALL, 3.0),),
        _help,
        rounds=9,
    ),
)
