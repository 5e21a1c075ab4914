"""The end of a live run, and what can follow: watch the VM, undo the override, repeat the drill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.export.markdown import as_markdown
from vergeos_nb.archive.seal import newest_entries
from vergeos_nb.connect.drills import drill_of
from vergeos_nb.connect.simulated import reset_announced
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.layout import JOURNAL, PAGE, archive_of
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.undo import undo_of
from vergeos_nb.runner.working_copies import copy_beside
from vergeos_nb.session.run import Run
from vergeos_nb.settings import ServedFile
from vergeos_nb.views.ending import ending_html
from vergeos_nb.views.summary import first_analysis_html, summary_view, with_debriefing
from vergeos_nb.widgets.ways_on.ended import Ended, Prepared, WayOn

WATCH, UNDO = "watch_after_power_off", "restore_status"
# The parameters that the next runbook takes over from the run.
_SAME = ("vm_name", "profile", "operator", "ticket")


def end_of(run: Run, account: RunState) -> Ended:
    """What a person sees when a run was just closed."""
    summary, drill = summary_of(account), drill_of(run.profile_name)
    kept: Mapping[str, str] = summary_view(summary)
    if drill is not None:
        kept = with_debriefing(kept, drill.seen)
    lesson = drill.seen if drill is not None else ""
    shown = ending_html(summary, run.folder, page_of(run.folder), _ticket(run.folder, account), lesson)
    return Ended(kept, run.masked(shown + first_analysis_html(summary)), _ways(run, account))


def page_of(folder: Path) -> ServedFile | None:
    """The page of a record for a link; None if there is no page yet, or the server does not serve it."""
    root = settings.jupyter_root()
    return root.served(folder / PAGE) if root is not None and (folder / PAGE).is_file() else None


def _ticket(folder: Path, account: RunState) -> str:
    """The record as Markdown, or "" while it is not sealed."""
    try:
        entry = newest_entries(archive_of(folder).outputs, {folder.name}).get(folder.name)
        return "" if entry is None else as_markdown(account, read_journal(folder / JOURNAL), entry)
    except VergeNbError:
        return ""


def _ways(run: Run, account: RunState) -> Sequence[WayOn]:
    ways = []
    vm = account.fact("vm") or {}
    if vm and run.name != WATCH:
        ways.append(WayOn("Watch it", "watch", in_new_copy(WATCH, {**_same(account), "vm_key": vm["key"]})))
    if undo_of(account) is not None:
        given = {**_same(account), "vm_key": vm["key"], "record": run.folder.name}
        ways.append(WayOn("Undo the override", "undo", in_new_copy(UNDO, given)))
    if drill_of(run.profile_name) is not None:
        ways.append(WayOn("Reset the drill", "reset", lambda: _drill_again(run)))
    else:
        ways.append(WayOn("Begin a new run", "again", lambda: prepared(this_notebook())))
    return ways


def _same(account: RunState) -> Mapping[str, Any]:
    parameters = account.opened.get("parameters", {})
    return {name: parameters[name] for name in _SAME if name in parameters}


def in_new_copy(runbook: str, given: Mapping[str, Any], *, word: str = "") -> Callable[[], Prepared]:
    """Makes a copy of a runbook beside this notebook, with these parameters, under a name of its own.

    Args:
        word: begins the name instead of the runbook's.
    """

    def prepare() -> Prepared:
        return prepared(copy_beside(this_notebook(), runbook, given, word=word))

    return prepare


def _drill_again(run: Run) -> Prepared:
    """Reset the simulator. Running this notebook's cells again then begins a new run."""
    reset_announced(run.host)
    return prepared(this_notebook())


def prepared(file: Path) -> Prepared:
    """A notebook, and its address on the server."""
    root = settings.jupyter_root()
    return Prepared(file, root.served(file) if root is not None else None)


def this_notebook() -> Path:
    """The notebook of this kernel.

    Raises:
        RecordError: Jupyter does not tell its path.
    """
    name = settings.session_name()
    if not name or not Path(name).is_absolute():
        raise RecordError(
            "finding this notebook", "Jupyter did not say where it is", "open the runbook by hand instead"
        )
    return Path(name)
