"""``vergeos-nb audit hold``, ``release``, ``remove`` and ``prune``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.archive.index import Index
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.retention import Keeper, due
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.header import this_user
from vergeos_nb.words import counted

DAY_S = 86_400.0


yes_option = click.option(
    "--yes", is_flag=True, help="Remove them. Without this option they are only listed."
)


@click.command(cls=Command)
@click.argument("record")
@click.option("--reason", required=True, help="Why it must stay; kept in the ledger.")
@archive_option
@json_option
def hold(record: str, reason: str, outputs: Path, output: Output) -> int:
    """Put a record on legal hold. It cannot be removed until the hold ends."""
    return _hold(outputs, record, reason, output, end=False)


@click.command(cls=Command)
@click.argument("record")
@click.option("--reason", required=True, help="Why the hold ends; kept in the ledger.")
@archive_option
@json_option
def release(record: str, reason: str, outputs: Path, output: Output) -> int:
    """End a record's legal hold."""
    return _hold(outputs, record, reason, output, end=True)


def _hold(outputs: Path, record: str, reason: str, output: Output, *, end: bool) -> int:
    keeper = _keeper(outputs)
    full = Index(keeper.outputs).by_id(record).record
    (keeper.release if end else keeper.hold)(full, reason)
    output.line(f"✔ {full} is {'no longer ' if end else ''}on hold.")
    output.result({"record": full, "held": not end, "exit_code": 0})
    return 0


@click.command(cls=Command)
@click.argument("records", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept in the tombstone.")
@yes_option
@archive_option
@json_option
def remove(records: Sequence[str], reason: str, yes: bool, outputs: Path, output: Output) -> int:
    """Remove records and leave a tombstone of each in the ledger. Without --yes, only list them."""
    keeper = _keeper(outputs)
    index = Index(keeper.outputs)
    entries = [index.by_id(record) for record in records]
    ids = [entry.record for entry in entries]
    if yes:
        keeper.remove(ids, reason)
    else:
        keeper.check(ids)
    return _told(entries, [], reason, yes, output)


@click.command(cls=Command)
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Remove runs that ended more than this many days ago.",
)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="COUNT", help="Keep this many of the newest records."
)
@click.option("--reason", default="", help="Why; kept in the tombstones. [default: the rule]")
@yes_option
@archive_option
@json_option
def prune(
    older_than: float | None, keep: int | None, reason: str, yes: bool, outputs: Path, output: Output
) -> int:
    """Remove records by age and count, except those on hold. Without --yes, only list them."""
    if older_than is None and keep is None:
        hint = "say --older-than DAYS, --keep COUNT, or both"
        raise UsageError("pruning the archive", "no rule was given", hint)
    clock = SystemClock()
    keeper = _keeper(outputs)
    before = None if older_than is None else clock.now() - older_than * DAY_S
    found = due(keeper.standing(), before, keep or 0)
    rules = [f"older than {older_than:g} days"] if older_than is not None else []
    rules += [f"beyond the newest {keep}"] if keep is not None else []
    why = reason or f"retention: {' and '.join(rules)}"
    if yes:
        keeper.remove([entry.record for entry in found.remove], why)
    return _told([*found.remove, *found.held], found.held, why, yes, output)


def _told(
    entries: Sequence[LedgerEntry], held: Sequence[LedgerEntry], reason: str, yes: bool, output: Output
) -> int:
    gone = [entry.record for entry in entries if entry not in held]
    for record in gone:
        output.line(f"{'✔ removed' if yes else '· would remove'}  {record}")
    for entry in held:
        output.line(f"· on hold, stays  {entry.record}")
    if not entries:
        output.line("No record fits the rule.")
    elif gone and not yes:
        output.line(f"Nothing was removed. --yes removes {counted(len(gone), 'record')}. Reason: {reason}")
    answer = {"records": gone, "held": [entry.record for entry in held], "removed": yes, "reason": reason}
    output.result({**answer, "exit_code": 0})
    return 0


def _keeper(outputs: Path) -> Keeper:
    key = settings.archive_settings().signing_key
    return Keeper(outputs, this_user(), SystemClock(), Signer(key) if key else None)
