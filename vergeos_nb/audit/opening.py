"""The first lines of a run's journal, written before anything is asked of any system."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from vergeos_nb import __version__
from vergeos_nb.audit import room
from vergeos_nb.audit.journal import NAME, RunJournal
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock
from vergeos_nb.errors import VergeNbError
from vergeos_nb.parameters import RECORDED
from vergeos_nb.procedure.engine import outcome_of
from vergeos_nb.procedure.model import StepResult
from vergeos_nb.settings import MASK

ASKED = "asked.json"
_NAMED = ("httpx", "ipykernel", "jupyter_client", "nbclient", "pandas", "papermill", "pydantic")


def open_journal(
    folder: Path,
    clock: Clock,
    scrubber: Scrubber,
    *,
    runbook: str,
    parameters: Mapping[str, Any],
    operator: str,
    session: str = "",
) -> RunJournal:
    """A new journal whose first line says who runs what, with which versions, on which machine.

    Of a name that is no parameter only the name is written: what was meant by ``password`` is a secret.

    Raises:
        RecordError: it cannot be written, or the run has an approval and there is no room for its record.
    """
    if parameters.get("approve"):
        room.take(folder)
    journal = RunJournal(folder / NAME, clock, scrubber)
    journal.write(
        "run-opened",
        runbook=runbook,
        parameters=known_parameters(runbook, parameters),
        operator=operator,
        on_host=platform.node(),
        pid=os.getpid(),
        profile=parameters.get("profile"),
        versions=_versions(),
        **({"session": session} if session else {}),
    )
    # On disk, the line says what its runner had written down before.
    (folder / ASKED).unlink(missing_ok=True)
    return journal


def resume_journal(
    folder: Path,
    clock: Clock,
    scrubber: Scrubber,
    *,
    runbook: str,
    parameters: Mapping[str, Any],
    operator: str,
    session: str = "",
) -> RunJournal:
    """The journal of a run that was cut short, to go on with; its next line says who does, and with what.

    Raises:
        RecordError: it cannot be read or written, or its last line was cut off.
    """
    journal = RunJournal(folder / NAME, clock, scrubber, resume=True)
    journal.write("resumed", operator=operator, on_host=platform.node(), pid=os.getpid())
    journal.write("parameters", changed=known_parameters(runbook, parameters))
    return journal


def known_parameters(runbook: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are written down: of a name that is none, only the name."""
    fields = RECORDED[runbook].model_fields if runbook in RECORDED else {}
    return {name: value if name in fields else MASK for name, value in parameters.items()}


def refuse_at_the_door(journal: RunJournal, clock: Clock, error: VergeNbError) -> None:
    """Write down a run that ended before its first step, and close the journal."""
    now = clock.now()
    result = StepResult(
        step="open",
        title="Open the runbook",
        vendor_step="",
        system="no system was asked",
        outcome=outcome_of(error),
        summary=f"{error.asked}: {error.came_back}",
        next_step=error.next_step,
        began_at=now,
        ended_at=now,
        error=error.as_dict(),
    )
    journal.write("step-ended", result=result.as_dict())
    journal.write("run-ended")
    journal.close()


def this_user() -> str:
    """The user that runs this process; ``uid 54321`` where no user database knows the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def _versions() -> dict[str, str]:
    versions = {"vergeos-nb": __version__, "python": platform.python_version()}
    for name in _NAMED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
