"""One VM's run on a Dask worker. Each journal line is sent before the event that it describes.

Before a changing call is sent, the worker waits until the coordinator has its intent on disk, in the VM's
journal and in the fleet's. So the coordinator always knows which calls may have been sent, even if the worker
dies. If the coordinator dies, its workers send nothing that it has not stored. A run begins by taking a token
that exists only once. So a scheduler that gives a lost worker's task to another worker begins nothing again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.fleet.apply import VmJob
from vergeos_nb.fleet.crew import run_steps
from vergeos_nb.layout import JOURNAL, ArchiveLayout
from vergeos_nb.settings.policy import Policy

# If the coordinator does not store a line within this time, the run counts as cut off and sends nothing more.
KEEP_S = 30.0
TOKEN_S = 5.0
INTENT = "intent"


def names_of(run: str) -> tuple[str, str, str, str]:
    """The names of a run's objects on the scheduler: token, lines, how many bytes are kept, and stop."""
    token, lines, kept, stop = (f"vergeos-nb-{what}-{run}" for what in ("token", "lines", "kept", "stop"))
    return token, lines, kept, stop


class Forward:
    """Sends new lines of a journal to the coordinator. After an intent, the coordinator has it on disk.

    Args:
        lines: the queue for the text of the lines.
        kept: a queue that returns how many bytes of it the coordinator has on disk.
    """

    def __init__(self, path: Path, lines: Any, kept: Any, stop: Any, stop_file: Path) -> None:
        self._path = path
        self._lines = lines
        self._kept = kept
        self._stop = stop
        self._stop_file = stop_file
        self._sent = 0
        self._safe = 0

    def __call__(self, line: Mapping[str, Any]) -> None:
        with self._path.open("rb") as file:
            file.seek(self._sent)
            grown = file.read()
        try:
            self._lines.put(grown.decode(), timeout=KEEP_S)
            self._sent += len(grown)
            while line["event"] == INTENT and self._safe < self._sent:
                self._safe = self._kept.get(timeout=KEEP_S)
            if self._stop.is_set():
                self._stop_file.touch()
        except Exception as error:
            # After any error: an event that the coordinator does not know must not happen.
            raise RecordError(
                "sending the journal home", f"{type(error).__name__}: {error}", "the coordinator settles it"
            ) from error


def run_there(
    run: str, parameters: Mapping[str, Any], policy: Policy, at: int, key: int, machine: int
) -> str:
    """Do the run, if it was not begun before. Returns the address of the worker that did it.

    Raises:
        Refused: it was begun before, here or on another worker.
        RecordError: the journal could not be stored. Everything that was sent is in it.
    """
    from distributed import Event, Queue, get_worker

    token, lines, kept, stop = names_of(run)
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
        job = VmJob(at, key, machine, folder, parameters)
        stop_file = ArchiveLayout(Path(outputs)).stop_file
        forward = Forward(folder / JOURNAL, out, Queue(kept), Event(stop), stop_file)
        # The coordinator's stop file does not exist here. The event above replaces it.
        run_steps(job, None, SystemClock(), policy=replace(policy, stop_file=""), on_line=forward)
    return where
