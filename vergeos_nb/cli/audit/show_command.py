"""``vergeos-nb audit show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vergeos_nb.archive.index import Index
from vergeos_nb.archive.ledger.manifest import row_of
from vergeos_nb.archive.verify.verify import verify_record
from vergeos_nb.cli.audit.list_commands import warned
from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import cell
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.views.summary import summary_text


@click.command(cls=Asking)
@click.argument("record")
@archive_option
@json_option
def show(record: str, outputs: Path, output: Output) -> int:
    """Show one record, and check its files. RECORD is an id, a part of one, or the record's folder."""
    warned(outputs, output)
    index = Index(outputs)
    entry = index.by_id(record)
    findings = verify_record(outputs, entry)
    hold = index.hold_of(entry.record)
    told = {**row_of(entry), "held": f"{hold.by} at {hold.sealed_at}: {hold.reason}" if hold else None}
    if not output.as_json:
        if not findings:
            output.block(_summary(outputs / entry.path))
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
        found = [asdict(finding) for finding in findings]
        output.result({**told, "findings": found})
    return 3 if findings else 0


def _summary(folder: Path) -> str:
    try:
        return summary_text(summary_of(run_state_of(read_journal(folder / JOURNAL))))
    except RecordError as error:
        return f"It was sealed like this: {error}"
