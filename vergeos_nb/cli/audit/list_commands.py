"""``vergeos-nb audit list`` and ``reindex``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.archive.folders.record_folders import Unmatched, unmatched
from vergeos_nb.archive.index import Index, Query, moment
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.ledger.manifest import FIELDS, row_of
from vergeos_nb.cli.audit.list_remarks import older, remarks_on_ledger
from vergeos_nb.cli.commands import Asking, Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.views.badges import signed_outcome, signed_verdict
from vergeos_nb.words import counted

_SHOWN = ("opened_at", "vm", "vm_key", "outcome", "verdict", "operator", "approver", "ticket", "profile")
NEWEST = 50
"""How many records a terminal shows."""
_TOMBSTONE = ("removed_at", "by", "reason", "record", "manifest", "line")


@click.command(cls=Asking)
@click.option("--vm", help="The VM's name; * and ? are wildcards.")
@click.option("--key", "vm_key", type=int, help="The VM's key.")
@click.option("--operator", help="Who ran it.")
@click.option("--approver", help="Who approved it.")
@click.option("--ticket", help="The ticket it was for.")
@click.option("--outcome", help="How it ended: planned, done, refused, interrupted, …")
@click.option("--verdict", help="off, alive or unknown.")
@click.option("--profile", help="The system it was for.")
@click.option("--since", metavar="TIME", help="Opened then or later: a day, or a time in UTC.")
@click.option("--until", metavar="TIME", help="Opened before: a day (inclusive), or a time in UTC.")
@click.option("--removed", is_flag=True, help="List removed records: when, by whom and why.")
@click.option("--csv", is_flag=True, help="Print CSV with all fields.")
@archive_option
@json_option
def list_records(
    since: str | None,
    until: str | None,
    removed: bool,
    csv: bool,
    outputs: Path,
    output: Output,
    **wanted: Any,
) -> int:
    """List sealed records, the oldest run first.

    A terminal shows the newest 50, and says how the older ones ended. A pipe, a file, --csv and --json get
    all of them.
    """
    if removed:
        return _list_removed(outputs, output, csv)
    query = Query(**wanted, since=moment(since, "--since"), until=moment(until, "--until", end=True))
    index = Index(outputs)
    lost = warned(outputs, output)
    # A search does not report other records.
    different = unmatched(outputs, index.paths) if query == Query() else Unmatched()
    unread = index.unread()
    if csv:
        rows = ([*_values(entry, FIELDS), entry.record, entry.path] for entry in index.each(query))
        output.csv([*FIELDS, "record", "path"], rows)
    elif not output.as_json:
        _show(index, query, output)
    for remark in remarks_on_ledger(different, unread):
        output.progress(remark)
    code = 3 if lost else 0
    output.result_of_many(
        "records",
        map(row_of, index.each(query)),
        {
            "unsealed": list(different.unsealed),
            "missing": list(different.missing),
            "damaged_lines": unread,
            "warning": lost,
            "exit_code": code,
        },
    )
    return code


def _show(index: Index, query: Query, output: Output) -> None:
    ends = index.ends(query)
    if not ends:
        output.line("No sealed record fits.")
        return
    shown = index.newest(query, NEWEST) if output.to_a_person else None
    rows = ([*_told(entry), entry.record] for entry in (index.each(query) if shown is None else shown))
    output.table([*_SHOWN, "record"], rows)
    if shown is not None and (left := older(ends, shown)):
        output.block(f"\n{left}")


def warned(folder: Path, output: Output) -> str:
    """Report on standard error that a part of the ledger is lost, because the list is then incomplete."""
    lost = why_lost(folder)
    if lost:
        output.progress(f"{lost_ledger('reading the ledger', lost)}")
    return lost


def _list_removed(outputs: Path, output: Output, csv: bool) -> int:
    """List the tombstones, in the ledger's order."""
    marks = Index(outputs).removals()
    rows = [(m.sealed_at, m.by, m.reason, m.record, m.manifest, m.count) for m in marks]
    if output.as_json:
        removed = [dict(zip(_TOMBSTONE, row, strict=True)) for row in rows]
        output.result({"removed": removed, "exit_code": 0})
    elif csv:
        output.csv(_TOMBSTONE, rows)
    else:
        output.block(table(_TOMBSTONE[:4], (row[:4] for row in rows)) if rows else "Nothing was removed.")
    return 0


@click.command(cls=Command)
@archive_option
@json_option
def reindex(outputs: Path, output: Output) -> int:
    """Rebuild the index. A missing, old or damaged index is rebuilt automatically."""
    count = Index(outputs).rebuild()
    output.line(f"The index holds {counted(count, 'record')}.")
    output.result({"records": count, "exit_code": 0})
    return 0


def _told(entry: LedgerEntry) -> list[Any]:
    """A record's data for people, with one symbol for outcome and verdict together."""
    values = dict(zip(_SHOWN, _values(entry, _SHOWN), strict=True))
    values["outcome"] = signed_outcome(values["outcome"], values["verdict"])
    values["verdict"] = signed_verdict(values["verdict"])
    return list(values.values())


def _values(entry: LedgerEntry, names: tuple[str, ...]) -> list[Any]:
    return [entry.fields.get(name) for name in names]
