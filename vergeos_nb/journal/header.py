"""The first lines of a run's journal, written before anything is asked of any system."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock
from vergeos_nb.errors import VergeNbError
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.journal import OnLine, RunJournal
from vergeos_nb.layout import ASKED, JOURNAL
from vergeos_nb.procedure.engine.engine import outcome_of
from vergeos_nb.procedure.runbooks.catalog import recorded_schema
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.processes import Life, Process, ask, this_process
from vergeos_nb.settings import MASK
from vergeos_nb.version import __version__

_NAMED = ("httpx", "ipykernel", "jupyter_client", "nbclient", "pandas", "papermill", "pydantic")

# The fields that identify a process, beside its host and number, in the order of `Process`.
_IDENTITY = ("machine", "installation", "started")


def open_journal(
    folder: Path,
    clock: Clock,
    scrubber: Scrubber,
    *,
    runbook: str,
    parameters: Mapping[str, Any],
    operator: str,
    session: str = "",
    on_line: OnLine | None = None,
    resume: bool = False,
) -> RunJournal:
    """Open a journal. Its first line says who runs what, with which versions, on which machine.

    If a given name is not a parameter, its value is not written: the value of ``password`` would be a secret.

    Args:
        resume: continue the journal of a run that was cut short. The next lines say who continues, and with
            which parameters.

    Raises:
        RecordError: it cannot be written; the run has an approval, and there is no disk space for its record;
            or the journal to resume cannot be read, or its last line was cut off.
    """
    if parameters.get("approve") and not resume:
        disk_reserve.take(folder)
    journal = RunJournal(folder / JOURNAL, clock, scrubber, on_line=on_line, resume=resume)
    known = known_parameters(runbook, parameters)
    if resume:
        journal.write("resumed", operator=operator, **this_process_as_data())
        journal.write("parameters", changed=known)
        return journal
    journal.write(
        "run-opened",
        runbook=runbook,
        parameters=known,
        operator=operator,
        **this_process_as_data(),
        profile=parameters.get("profile"),
        versions=_versions(),
        **({"session": session} if session else {}),
    )
    # The line is on disk now, and holds all that this file holds.
    (folder / ASKED).unlink(missing_ok=True)
    return journal


def life_of(lines: Sequence[Mapping[str, Any]]) -> Life:
    """Whether the process that opened or last resumed this journal's run still lives.

    Every journal begins with the line that names its process. Without that line there is no process.
    """
    named = [line for line in lines if "pid" in line]
    if not named:
        return Life.GONE
    host, pid, more = (named[-1].get(name) for name in ("on_host", "pid", "process"))
    if not isinstance(host, str) or isinstance(pid, bool) or not isinstance(pid, int):
        return Life.UNKNOWN
    # Fields that older versions did not write are unknown.
    known = more if isinstance(more, dict) else {}
    return ask(Process(host, pid, *(str(known.get(name, "")) for name in _IDENTITY)))


def this_process_as_data() -> dict[str, Any]:
    """This process, as `life_of` finds it again."""
    here = this_process()
    process = {name: getattr(here, name) for name in _IDENTITY}
    return {"on_host": here.host, "pid": here.pid, "process": process}


def known_parameters(runbook: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are written down. The value of a name that is not a parameter is masked."""
    schema = recorded_schema(runbook)
    fields = schema.model_fields if schema else {}
    return {name: value if name in fields else MASK for name, value in parameters.items()}


def refuse_at_the_door(journal: RunJournal, clock: Clock, error: VergeNbError) -> None:
    """Write the end of a run that was refused before its first step, and close the journal."""
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
    """The user that runs this process; ``uid 54321`` if the user database does not know the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


@cache
def _versions() -> Mapping[str, str]:
    versions = {"vergeos-nb": __version__, "python": platform.python_version()}
    for name in _NAMED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
