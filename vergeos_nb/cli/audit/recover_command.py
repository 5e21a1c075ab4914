"""``vergeos-nb audit``."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.cli.output import Output, said
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.runner.recovery import Recovered, recover, unfinished
from vergeos_nb.views.text import visible


def cannot_finish(run: Path, error: Exception) -> RecordError:
    """The error for a run whose files are in an unexpected state."""
    return RecordError(
        f"finishing the run {run.name}",
        f"{type(error).__name__}: {str(error)[:200]}",
        "keep the folder as it is and look at the VM by hand; report what is in its journal",
    )


def recover_all(outputs: str | None, ask: bool, output: Output) -> int:
    """Finish the record of every run whose process is gone. Returns the exit code."""
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if lost := why_lost(folder):
        output.progress(str(lost_ledger("reading the ledger", lost)))
    done: list[Recovered] = []
    failed: list[tuple[Path, VergeNbError]] = []
    for run in unfinished(folder, SystemClock()):
        try:
            one = recover(run, ask=ask)
        except Exception as unforeseen:
            # Whatever a damaged file leads to: the other runs are finished all the same.
            error = unforeseen if isinstance(unforeseen, VergeNbError) else cannot_finish(run, unforeseen)
            failed.append((run, error))
            output.block(f"✘ {visible(str(run))}: {said(error)}")
            continue
        done.append(one)
        output.line(f"{summary_of(one.account).badge}: {run}")
        output.line(f"  {one.asked}")
    if not done and not failed:
        output.line(f"Every run below {folder} has its record, or is still going on.")
    output.result(
        {
            "recovered": [
                {
                    "record": str(one.folder),
                    "outcome": one.account.outcome.value,
                    "verdict": one.account.verdict.value,
                    "asked": one.asked,
                }
                for one in done
            ],
            "failed": [{"folder": str(run), **error.as_dict()} for run, error in failed],
            "exit_code": RecordError.exit_code if failed else 0,
        }
    )
    return RecordError.exit_code if failed else 0
