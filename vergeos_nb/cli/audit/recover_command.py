"""``vergeos-nb audit recover``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output, said
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.runner import recovery
from vergeos_nb.views.text import visible


@click.command(cls=Command)
@click.option("--ask/--no-ask", default=True, help="Read the VM back if a change has no known result.")
@outputs_option
@json_option
def recover(ask: bool, outputs: Path, output: Output) -> int:
    """Finish the records of runs whose process died."""
    if lost := why_lost(outputs):
        output.progress(str(lost_ledger("reading the ledger", lost)))
    done: list[recovery.Recovered] = []
    failed: list[tuple[Path, VergeNbError]] = []
    for run in recovery.unfinished(outputs, SystemClock()):
        try:
            one = recovery.recover(run, ask=ask)
        except Exception as unforeseen:
            # Whatever error a damaged file causes, the other runs must be finished.
            error = unforeseen if isinstance(unforeseen, VergeNbError) else _cannot_finish(run, unforeseen)
            failed.append((run, error))
            output.block(f"✘ {visible(str(run))}: {said(error)}")
            continue
        done.append(one)
        output.line(f"{summary_of(one.account).badge}: {run}")
        output.line(f"  {one.asked}")
    if not done and not failed:
        output.line(f"Every run below {outputs} has its record, or is still going on.")
    output.result(
        {
            "recovered": [
                {
                    "record": str(one.folder),
                    **one.account.end.as_dict(),
                    "asked": one.asked,
                }
                for one in done
            ],
            "failed": [{"folder": str(run), **error.as_dict()} for run, error in failed],
            "exit_code": RecordError.exit_code if failed else 0,
        }
    )
    return RecordError.exit_code if failed else 0


def _cannot_finish(run: Path, error: Exception) -> RecordError:
    """The error for a run whose files are in an unexpected state."""
    return RecordError(
        f"finishing the run {run.name}",
        f"{type(error).__name__}: {str(error)[:200]}",
        "keep the folder as it is and look at the VM by hand; report what is in its journal",
    )
