"""Runs that have a folder but no journal yet.

A runner writes its request into ``asked.json``, and then starts the kernel that opens the journal. The first
line of the journal replaces this file. So a folder with ``asked.json`` and no journal is a run that never
began. A folder with neither proves nothing, because somebody may have emptied it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, iso
from vergeos_nb.files import create, disk_errors, put
from vergeos_nb.journal.header import known_parameters, this_process_as_data
from vergeos_nb.journal.journal import append_after_death
from vergeos_nb.layout import ASKED, JOURNAL, began_at, what_of
from vergeos_nb.procedure.runbooks.catalog import FLEET_APPLY, RUNBOOKS
from vergeos_nb.shapes import Unfit, read_json

FORMAT = "vergeos-nb/asked/1"
NEVER_BEGAN = "the death of its process or kernel before its journal was begun"
LOST = "nobody knows what: its folder was found without a journal"


class Asked(Struct):
    """The request for a run, and the process that made it."""

    format: Literal["vergeos-nb/asked/1"]
    at: datetime
    runbook: str
    parameters: dict[str, Any]
    operator: str
    on_host: str
    pid: Annotated[int, Meta(gt=0)]
    process: dict[str, str] = {}


def write_asked(
    folder: Path, clock: Clock, scrubber: Scrubber, runbook: str, parameters: Mapping[str, Any], operator: str
) -> None:
    """Write down the request for a run, before anything else happens.

    Raises:
        RecordError: it cannot be written; nothing was sent.
    """
    asked = {
        "format": FORMAT,
        "at": iso(clock.now()),
        "runbook": runbook,
        "parameters": known_parameters(runbook, parameters),
        "operator": operator,
        **this_process_as_data(),
    }
    with disk_errors(
        f"writing down what is asked for in {folder}",
        "nothing was sent; free space or choose another folder with --outputs",
    ):
        put(folder / ASKED, json.dumps(scrubber.data(asked)).encode())


def read_asked(folder: Path) -> Asked | None:
    """The request for a run; None if there is no such file."""
    try:
        return read_json(folder / ASKED, Asked)
    except Unfit:
        return None


def begin_after_death(folder: Path, clock: Clock) -> None:
    """Begin the journal of a run that has none, so that its record can be made.

    Raises:
        RecordError: it cannot be written, or another process has just begun it.
    """
    asked, path = read_asked(folder), folder / JOURNAL
    with disk_errors(f"writing the journal {path}"):
        create(path)
    opened: Mapping[str, Any] = _by_its_name(folder)
    if asked is not None:
        told = ("runbook", "parameters", "operator", "on_host", "pid", "process")
        opened = {**{name: getattr(asked, name) for name in told}, "profile": asked.parameters.get("profile")}
    at = asked.at.timestamp() if asked else began_at(folder)
    append_after_death(path, clock, "run-opened", at=at, **opened)
    by = NEVER_BEGAN if asked else LOST
    append_after_death(path, clock, "interrupted", step="", by=by, lost=asked is None)
    forget_asked(folder)


def forget_asked(folder: Path) -> None:
    """Remove the file, because the journal replaces it."""
    (folder / ASKED).unlink(missing_ok=True)


def _by_its_name(folder: Path) -> Mapping[str, Any]:
    said = what_of(folder) or ""
    names = sorted([*RUNBOOKS, FLEET_APPLY], key=len)
    runbook = next((name for name in names if said.startswith(f"{name}-")), None)
    return {"runbook": runbook, "parameters": {}, "operator": None, "on_host": None, "profile": None}
