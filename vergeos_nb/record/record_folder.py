"""The record folder of a run: made before the first call, finished from the journal when the run has ended.

``outputs/<date>/<time>-<runbook>-<vm>-<id>/`` holds ``journal.jsonl``, ``notebook.ipynb``,
``notebook.html``, ``timeline.png`` and ``.svg``, and ``record.json``, which names the SHA-256 of the others.
Finishing reads nothing but the runbook and the journal, so it can be done by another process, later, after
any death.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.files import make_folder, put
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.journal import JournalText, exchange_as_dict, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL, NOTEBOOK, PAGE, PNG, RECORD, SVG, ArchiveLayout
from vergeos_nb.masking import masked
from vergeos_nb.record.record_file import record_of
from vergeos_nb.record.undo import undo_of
from vergeos_nb.shapes import MOST_OF_OURS, Unfit, content_of
from vergeos_nb.version import __version__

if TYPE_CHECKING:
    from vergeos_nb.nb import NotebookNode
    from vergeos_nb.views.shown import Picture

FORMAT = "vergeos-nb/record/1"


def new_folder(outputs: Path, runbook: str, subject: str, epoch: float, *, within_run: bool = False) -> Path:
    """Make the folder of a new run.

    Args:
        subject: the subject of the run, such as the VM's name. Only a safe form of it gets into the path.
        epoch: the time of the start, seconds since 1970.
        within_run: whether it is one of many folders of a fleet run. The ledger was checked before, then.

    Raises:
        RecordError: it cannot be made, or the archive's ledger is lost and the record could not be sealed.
    """
    if not within_run and (lost := _why_lost(outputs)):
        raise lost_ledger("beginning a run", f"{lost}; nothing was sent")
    # A text that was typed instead of a name can be a password. Its safe form would not be masked.
    tame = slug(masked(subject))
    what = f"{runbook}-{slug(masked(tame))}"
    folder = ArchiveLayout(outputs).record(epoch, what, secrets.token_hex(4))
    try:
        make_folder(folder, exist_ok=False)
    except OSError as error:
        raise RecordError(
            f"making the record folder {folder}",
            error.strerror or str(error),
            "nothing was sent; choose a folder that can be written with --outputs",
        ) from error
    return folder


def slug(text: str) -> str:
    """A tame form of a name for a path: small ASCII letters, digits and hyphens, 40 at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-") or "vm"


def finish(folder: Path, base: NotebookNode, scrubber: Scrubber) -> RunState:
    """Make the record of the run whose journal is in the folder. Can be repeated.

    Args:
        base: the runbook, or the notebook that came of running it.

    Raises:
        RecordError: the journal cannot be read, or a file cannot be written.
    """
    # Slow to import, and a run's kernel, which needs the rest of this module, never makes the record itself.
    from vergeos_nb.nb import nbformat
    from vergeos_nb.record.page import page
    from vergeos_nb.record.render import render

    disk_reserve.free(folder)
    journal = read_journal(folder / JOURNAL)
    account = run_state_of(journal)
    picture, drawn = _drawn(journal)
    notebook = render(base, account, scrubber, picture)
    made = {
        NOTEBOOK: nbformat.writes(notebook) + "\n",
        PAGE: page(notebook, folder.name, drawn, picture),
        PNG: b64decode(picture.bundle["image/png"]),
        SVG: drawn,
    }
    try:
        for name, content in made.items():
            _write(folder / name, content)
        files = {name: sha256(folder / name) for name in (JOURNAL, *made)}
        _write(
            folder / RECORD, json.dumps(_content(folder, account, files), ensure_ascii=False, indent=2) + "\n"
        )
    except OSError as error:
        raise RecordError(
            f"writing the record {folder}",
            error.strerror or str(error),
            f"the journal is complete: keep {folder / JOURNAL}",
        ) from error
    return account


def _drawn(journal: JournalText) -> tuple[Picture, bytes]:
    """The run's picture as a notebook shows it, and as SVG."""
    from vergeos_nb.record.run_timeline import timeline_of
    from vergeos_nb.views.shown import Picture
    from vergeos_nb.views.timeline import Timeline
    from vergeos_nb.views.timeline_drawing import timeline_svg

    try:
        timeline = timeline_of(journal.lines)
        return Picture(timeline), timeline_svg(timeline)
    except Exception as error:
        # Whatever a platform answered: evidence is not lost because it could not be drawn.
        empty = Timeline("", "", f"the picture could not be drawn ({type(error).__name__})")
        return Picture(empty), timeline_svg(empty)


def check(folder: Path) -> list[str]:
    """The faults of a record's files: one line for each file that is missing or was changed.

    Raises:
        RecordError: there is no record in the folder.
    """
    files = read(folder)["files"]
    wrong = []
    for name, digest in files.items():
        try:
            if sha256(folder / name) != digest:
                wrong.append(f"{name} was changed after the record was made")
        except OSError:
            wrong.append(f"{name} is missing")
    return wrong


def _why_lost(outputs: Path) -> str:
    try:
        return why_lost(outputs)
    except RecordError:
        # A ledger that cannot be read is not lost. Sealing says so, when the run has left its evidence.
        return ""


def read(folder: Path) -> Mapping[str, Any]:
    """The content of ``record.json``.

    Raises:
        RecordError: it is missing, or is not a record.
    """
    asked = f"reading the record {folder}"
    try:
        content = record_of(content_of(folder / RECORD, MOST_OF_OURS))
    except Unfit as unfit:
        raise RecordError(
            asked, f"{RECORD} is not a record: {unfit.why}", "is this a record folder?"
        ) from None
    if content.get("files") is None:
        raise RecordError(asked, f"{RECORD} names no files", "it was changed by hand")
    return content


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        "outcome": account.outcome.value,
        "verdict": account.verdict.value,
        "exit_code": account.exit_code,
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
                "method": call.method,
                "path": call.path,
                "body": call.body,
                "intended_at": call.intended_at,
                "exchange": exchange_as_dict(call.exchange) if call.exchange else None,
            }
            for call in account.changing_calls
        ],
        "api_calls": len(account.exchanges),
        "versions": {**opened.get("versions", {}), "finished_by": __version__},
        "files": dict(files),
    }


def _consent(account: RunState) -> dict[str, Any] | None:
    """The ticks and texts of a person before the approval, with their time."""
    line = account.consent
    return None if line is None else {k: v for k, v in line.items() if k not in ("n", "event")}


def _write(path: Path, content: str | bytes) -> None:
    # Half of a surrogate pair, as JSON from a platform can hold, is written as its escape.
    put(path, content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
