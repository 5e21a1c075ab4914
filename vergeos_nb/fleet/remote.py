"""One VM's run on a Dask worker. Its journal travels line by line, before what it speaks of happens.

The line of an intent is with the scheduler before the changing call leaves, so that whatever becomes of the
worker, the coordinator knows what may have been sent. A run begins by taking a token that there is once: a
scheduler that gives a lost worker's task to another one starts nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vergeos_nb.audit.journal import NAME
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.fleet.apply import Job
from vergeos_nb.fleet.crew import run_steps
from vergeos_nb.policy import Policy

# How long the scheduler may take to keep a line before the run counts as cut off, and sends nothing more.
KEEP_S = 30.0
TOKEN_S = 5.0


def names_of(run: str) -> tuple[str, str, str]:
    """The names of a run's token, its lines and its stop on the scheduler."""
    return f"vergeos-nb-token-{run}", f"vergeos-nb-lines-{run}", f"vergeos-nb-stop-{run}"


class Forward:
    """Sends what a journal has grown by to the scheduler, which has it when a call returns."""

    def __init__(self, path: Path, lines: Any, stop: Any, stop_file: Path) -> None:
        self._path = path
        self._lines = lines
        self._stop = stop
        self._stop_file = stop_file
        self._sent = 0

    def __call__(self, line: Mapping[str, Any]) -> None:
        with self._path.open("rb") as file:
            file.seek(self._sent)
            grown = file.read()
        try:
            self._lines.put(grown.decode(), timeout=KEEP_S)
            if self._stop.is_set():
                self._stop_file.touch()
        except Exception as error:
            # Whatever it was: what nobody else knows of must not happen.
            raise RecordError(
                "sending the journal home", f"{type(error).__name__}: {error}", "the coordinator settles it"
            ) from error
        self._sent += len(grown)


def run_there(
    run: str, parameters: Mapping[str, Any], policy: Policy, at: int, key: int, machine: int
) -> str:
    """Do the run, if it was not begun before. Gives the address of the worker that did it.

    Raises:
        Refused: it was begun before, here or elsewhere.
        RecordError: the journal could not be kept; nothing was sent then that it does not hold.
    """
    from distributed import Event, Queue, get_worker

    token, lines, stop = names_of(run)
    try:
        Queue(token).get(timeout=TOKEN_S)
    except TimeoutError as error:
        raise Refused("running a VM", "its run was begun before", "read back what became of it") from error
    out = Queue(lines)
    where = str(get_worker().address)
    out.put({"worker": where}, timeout=KEEP_S)
    with tempfile.TemporaryDirectory(prefix="vergeos-nb-") as outputs:
        folder = Path(outputs) / "run" / run
        folder.mkdir(parents=True)
        job = Job(at, key, machine, folder, parameters)
        forward = Forward(folder / NAME, out, Event(stop), Path(outputs) / "STOP")
        # A stop file of the coordinator's machine is nothing here: the event above stands for it.
        run_steps(job, None, SystemClock(), policy=replace(policy, stop_file=""), on_line=forward)
    return where
