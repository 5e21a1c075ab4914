"""``vergeos-nb audit list``, ``show`` and ``reindex``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.archive.folders.record_folders import unsealed
from vergeos_nb.archive.index import Index, Query, moment
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_events import standing
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.ledger.manifest import FIELDS, row_of
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import cell, table
from vergeos_nb.errors import RecordError, RecordNotFound, UsageError
from vergeos_nb.layout import JOURNAL
from vergeos_nb.shapes import is_folder
from vergeos_nb.views.badges import signed_outcome, signed_verdict

_SHOWN = ("opened_at", "vm", "vm_key", "outcome", "verdict", "operator", "approver", "ticket", "profile")


def list_records(
    outputs: str | None,
    wanted: Mapping[str, Any],
    since: str | None,
    until: str | None,
    output: Output,
    csv: bool,
) -> int:
    """List the sealed records that fit. Returns the exit code.

    Raises:
        UsageError: a time is none.
        RecordError: the ledger cannot be read.
    """
    query = Query(**wanted, since=moment(since, "--since"), until=moment(until, "--until", end=True))
    folder = _folder(outputs)
    entries = Index(folder).find(query)
    # A search reports only its matches.
    lost = _warned(folder, output)
    left = unsealed(folder, _sealed_ever(folder)) if query == Query() else []
    if csv:
        rows = ([*_values(entry, FIELDS), entry.record, entry.path] for entry in entries)
        output.csv([*FIELDS, "record", "path"], rows)
    elif not output.as_json:
        rows = ([*_told(entry), entry.record] for entry in entries)
        output.block(table([*_SHOWN, "record"], rows) if entries else "No sealed record fits.")
    if left:
        named = ", ".join(cell(path) for path in left[:5]) + (", …" if len(left) > 5 else "")
        output.progress(f"Not sealed: {named}. `vergeos-nb audit recover` finishes what no process works on.")
    code = 3 if lost else 0
    told = [row_of(entry) for entry in entries]
    output.result({"records": told, "unsealed": left, "warning": lost, "exit_code": code})
    return code


def _warned(folder: Path, output: Output) -> str:
    """Report a lost part of the ledger on standard error, because the list is then incomplete."""
    lost = why_lost(folder)
    if lost:
        output.progress(f"{lost_ledger('reading the ledger', lost)}")
    return lost


def _sealed_ever(folder: Path) -> set[str]:
    """The paths of records that were sealed, also of those whose removal is not done yet."""
    now = standing(Ledger(folder).snapshot().lines)
    return {entry.path for entry in now.sealed.values()} | {mark.path for mark in now.removed.values()}


def show_record(outputs: str | None, record: str, output: Output) -> int:
    """Show one record: its summary, where it is, and whether it is as it was sealed. Returns the exit code.

    Raises:
        RecordNotFound: no record has this id, or it was removed.
        RecordError: the ledger or the journal cannot be read.
    """
    from vergeos_nb.archive.verify.verify import verify_record

    folder = _folder(outputs)
    _warned(folder, output)
    now = standing(Ledger(folder).snapshot().lines)
    if (gone := now.removed.get(record)) is not None:
        raise RecordNotFound(
            f"showing the record {record}",
            f"{gone.by} removed it at {gone.sealed_at}: {gone.reason}",
            "see `vergeos-nb audit list --removed`",
        )
    entry = Index(folder).by_id(record)
    findings = verify_record(folder, entry)
    hold = now.held.get(entry.record)
    told = {**row_of(entry), "held": f"{hold.by} at {hold.sealed_at}: {hold.reason}" if hold else None}
    if not output.as_json:
        if not findings:
            output.block(_summary(folder / entry.path))
            output.line()
        for name, value in told.items():
            output.line(f"  {name:<12}{cell(value)}")
        output.line()
        for finding in findings:
            output.line(f"✘ {finding.kind}  {finding.where}: {finding.detail}")
        if not findings:
            output.line(
                "✔ Its files are as they were sealed. `vergeos-nb audit verify` looks at the ledger, too."
            )
    else:
        found = [{"kind": f.kind, "where": f.where, "detail": f.detail} for f in findings]
        output.result({**told, "findings": found})
    return 3 if findings else 0


def _summary(folder: Path) -> str:
    # Only for this: they load slowly.
    from vergeos_nb.journal.journal import read_journal
    from vergeos_nb.journal.run_state import run_state_of
    from vergeos_nb.record.run_summary import summary_of
    from vergeos_nb.views.summary import summary_text

    try:
        return summary_text(summary_of(run_state_of(read_journal(folder / JOURNAL))))
    except RecordError as error:
        return f"It was sealed like this: {error}"


def reindex(outputs: str | None, output: Output) -> int:
    """Rebuild the index. Returns the exit code.

    Raises:
        RecordError: the ledger cannot be read, or the index cannot be written.
    """
    count = Index(_folder(outputs)).rebuild()
    output.line(f"The index holds {count} records.")
    output.result({"records": count, "exit_code": 0})
    return 0


def _told(entry: LedgerEntry) -> list[Any]:
    """A record's data for people, with one sign for outcome and verdict together."""
    values = dict(zip(_SHOWN, _values(entry, _SHOWN), strict=True))
    values["outcome"] = signed_outcome(values["outcome"], values["verdict"])
    values["verdict"] = signed_verdict(values["verdict"])
    return list(values.values())


def _values(entry: LedgerEntry, names: tuple[str, ...]) -> list[Any]:
    return [entry.fields.get(name) for name in names]


def _folder(outputs: str | None) -> Path:
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if not is_folder(folder):
        raise UsageError("looking into the archive", f"there is no folder {folder}", "name it with --outputs")
    return folder
