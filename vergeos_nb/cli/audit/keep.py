"""``vergeos-nb audit hold``, ``release``, ``remove`` and ``prune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.index import Index
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_events import standing
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.retention import Keeper, due
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.header import this_user
from vergeos_nb.shapes import is_folder

DAY_S = 86_400.0
_TOMBSTONE = ("removed_at", "by", "reason", "record", "manifest", "line")


def hold(outputs: str | None, record: str, reason: str, output: Output, *, end: bool) -> int:
    """Put a record on hold, or end that. Returns the exit code.

    Raises:
        RecordNotFound, Refused, RecordError: as `Keeper` does.
    """
    keeper = _keeper(outputs)
    full = Index(keeper.outputs).by_id(record).record
    (keeper.release if end else keeper.hold)(full, reason)
    output.line(f"✔ {full} is {'no longer ' if end else ''}on hold.")
    output.result({"record": full, "held": not end, "exit_code": 0})
    return 0


def remove(outputs: str | None, records: Sequence[str], reason: str, yes: bool, output: Output) -> int:
    """Remove records, or say what would be. Returns the exit code.

    Raises:
        RecordNotFound, Refused, RecordError: as `Keeper` does.
    """
    keeper = _keeper(outputs)
    index = Index(keeper.outputs)
    entries = [index.by_id(record) for record in records]
    now = keeper.standing()
    held = [entry for entry in entries if entry.record in now.held]
    if yes:
        keeper.remove([entry.record for entry in entries], reason)
        held = []
    return _told(entries, held, reason, yes, output)


def prune(
    outputs: str | None, older_than: float | None, keep: int | None, reason: str, yes: bool, output: Output
) -> int:
    """Remove the records of a retention rule, or list them. Returns the exit code.

    Raises:
        UsageError: no rule was given.
        Refused, RecordError: as `Keeper` does.
    """
    if older_than is None and keep is None:
        hint = "say --older-than DAYS, --keep COUNT, or both"
        raise UsageError("pruning the archive", "no rule was given", hint)
    clock = SystemClock()
    keeper = _keeper(outputs)
    before = None if older_than is None else clock.now() - older_than * DAY_S
    found = due(keeper.standing(), before, keep or 0)
    rule = " and ".join(
        text
        for text, given in (
            (f"older than {older_than:g} days" if older_than is not None else "", older_than is not None),
            (f"beyond the newest {keep}", keep is not None),
        )
        if given
    )
    why = reason or f"retention: {rule}"
    if yes:
        keeper.remove([entry.record for entry in found.remove], why)
    return _told([*found.remove, *found.held], found.held, why, yes, output)


def list_removed(outputs: str | None, output: Output, csv: bool) -> int:
    """List the tombstones, in the ledger's order. Returns the exit code.

    Raises:
        RecordError: the ledger cannot be read.
    """
    marks = standing(Ledger(_folder(outputs)).snapshot().lines).removed.values()
    rows = [(m.sealed_at, m.by, m.reason, m.record, m.manifest, m.place.count) for m in marks]
    if output.as_json:
        removed = [dict(zip(_TOMBSTONE, row, strict=True)) for row in rows]
        output.result({"removed": removed, "exit_code": 0})
    elif csv:
        output.csv(_TOMBSTONE, rows)
    else:
        output.block(table(_TOMBSTONE[:4], (row[:4] for row in rows)) if rows else "Nothing was removed.")
    return 0


def _told(
    entries: Sequence[LedgerEntry], held: Sequence[LedgerEntry], reason: str, yes: bool, output: Output
) -> int:
    gone = [entry.record for entry in entries if entry not in held]
    for record in gone:
        output.line(f"{'✔ removed' if yes else '· would remove'}  {record}")
    for entry in held:
        output.line(f"· on hold, stays  {entry.record}")
    if not entries:
        output.line("Nothing is to be removed.")
    elif gone and not yes:
        output.line(f"Nothing was removed. With --yes these {len(gone)} are, for: {reason}")
    answer = {"records": gone, "held": [entry.record for entry in held], "removed": yes, "reason": reason}
    output.result({**answer, "exit_code": 0})
    return 0


def _keeper(outputs: str | None) -> Keeper:
    key = settings.archive_settings().signing_key
    return Keeper(_folder(outputs), this_user(), SystemClock(), Signer(key) if key else None)


def _folder(outputs: str | None) -> Path:
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if not is_folder(folder):
        raise UsageError("looking into the archive", f"there is no folder {folder}", "name it with --outputs")
    return folder
