"""Make the record of a run from its journal: notebook, page, pictures and ``record.json``.

It reads only the runbook and the journal. So another process can make it later, after any crash.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.files import disk_errors, put
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.journal import JournalText, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL, NOTEBOOK, PAGE, PNG, RECORD, SVG
from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.record.page import page
from vergeos_nb.record.record_folder import sha256
from vergeos_nb.record.render import render
from vergeos_nb.record.run_summary import title_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.record.undo import undo_of
from vergeos_nb.version import __version__
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.timeline import Timeline
from vergeos_nb.views.timeline_drawing import timeline_svg

FORMAT = "vergeos-nb/record/1"


def make_record(folder: Path, base: NotebookNode, scrubber: Scrubber) -> RunState:
    """Make the record of the run whose journal is in the folder. Can be repeated.

    Args:
        base: the runbook's notebook, or the notebook that the run has executed.

    Raises:
        RecordError: the journal cannot be read, or a file cannot be written.
    """
    disk_reserve.free(folder)
    journal = read_journal(folder / JOURNAL)
    account = run_state_of(journal)
    picture, drawn = _drawn(journal)
    notebook = render(base, account, scrubber, picture)
    made = {
        NOTEBOOK: nbformat.writes(notebook) + "\n",
        PAGE: page(
            notebook,
            folder.name,
            drawn,
            picture,
            heading=title_of(account),
            digest=sha256(folder / JOURNAL),
        ),
        PNG: b64decode(picture.bundle["image/png"]),
        SVG: drawn,
    }
    with disk_errors(f"writing the record {folder}", f"the journal is complete: keep {folder / JOURNAL}"):
        for name, content in made.items():
            _write(folder / name, content)
        files = {name: sha256(folder / name) for name in (JOURNAL, *made)}
        _write(
            folder / RECORD, json.dumps(_content(folder, account, files), ensure_ascii=False, indent=2) + "\n"
        )
    return account


def _drawn(journal: JournalText) -> tuple[Picture, bytes]:
    """The run's picture as a notebook shows it, and as SVG."""
    try:
        timeline = timeline_of(journal.lines)
        return Picture(timeline), timeline_svg(timeline)
    except Exception as error:
        # Evidence must not be lost because an answer of the platform cannot be drawn.
        empty = Timeline("", "", f"the picture could not be drawn ({type(error).__name__})")
        return Picture(empty), timeline_svg(empty)


def _content(folder: Path, account: RunState, files: Mapping[str, str]) -> dict[str, Any]:
    opened = account.opened
    return {
        "format": FORMAT,
        "id": folder.name,
        "runbook": opened.get("runbook"),
        "opened_at": opened.get("at"),
        "ended_at": account.ended_at,
        "operator": opened.get("operator"),
        "on_host": opened.get("on_host"),
        "profile": opened.get("profile"),
        "host": account.profile.get("host"),
        "user": account.profile.get("who"),
        "tls": account.profile.get("tls"),
        "simulated": account.simulated,
        "system_id": account.fact("system_id"),
        "cloud_name": account.fact("cloud_name"),
        "parameters": opened.get("parameters"),
        "reason": opened.get("parameters", {}).get("reason"),
        "ticket": opened.get("parameters", {}).get("ticket"),
        "vm": account.fact("vm"),
        "status_key": account.fact("status_key"),
        "before": account.fact("before"),
        "after": account.fact("after"),
        "undo": undo_of(account),
        "plan": account.fact("plan"),
        "plan_digest": account.fact("plan_digest"),
        "approval": account.fact("approval"),
        "consent": _consent(account),
        **account.end.as_dict(),
        "steps": [
            {"step": r.step, "outcome": r.outcome.value, "summary": r.summary, "error": r.error}
            for r in account.results
        ],
        "stopped_in": account.running or None,
        "interrupted_by": account.interrupted_by or None,
        "bug": account.bug["error"] if account.bug else None,
        "changing_calls": [
            {
                "step": call.step,
                **call.as_sent(),
                "intended_at": call.intended_at,
                "exchange": call.exchange.as_dict() if call.exchange else None,
            }
            for call in account.changing_calls
        ],
        "api_calls": len(account.exchanges),
        "versions": {**opened.get("versions", {}), "finished_by": __version__},
        "files": dict(files),
    }


def _consent(account: RunState) -> dict[str, Any] | None:
    """What a person ticked and typed on the approval card, with the time."""
    line = account.consent
    return None if line is None else {k: v for k, v in line.items() if k not in ("n", "event")}


def _write(path: Path, content: str | bytes) -> None:
    # JSON from a platform can hold half of a surrogate pair. It is written as its escape.
    put(path, content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
