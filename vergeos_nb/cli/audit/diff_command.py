"""``vergeos-nb audit diff``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vergeos_nb.archive.index import Index
from vergeos_nb.archive.verify.verify import verify_record
from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.masking import cut
from vergeos_nb.procedure.values.differences import difference
from vergeos_nb.record.record_folder import read

# These differ in any two records and say nothing.
_OWN = ("id", "files")
_NAMES = ("field", "a", "b")
_WIDEST = 60


@click.command(cls=Asking)
@click.argument("record_a")
@click.argument("record_b")
@click.option("--csv", is_flag=True, help="Print CSV.")
@archive_option
@json_option
def diff(record_a: str, record_b: str, csv: bool, outputs: Path, output: Output) -> int:
    """Show field by field where two records differ. Ends with 3 if one is not as it was sealed."""
    entries = [Index(outputs).by_id(record) for record in (record_a, record_b)]
    findings = [finding for entry in entries for finding in verify_record(outputs, entry)]
    told = [
        {name: value for name, value in read(outputs / entry.path).items() if name not in _OWN}
        for entry in entries
    ]
    rows = [[str(value) for value in row] for row in difference(told[0], told[1]).rows]
    if csv:
        output.csv(_NAMES, rows)
    elif not output.as_json:
        for name, entry in zip("ab", entries, strict=True):
            output.line(f"{name}  {entry.record}")
        output.line()
        shown = ([cut(value, _WIDEST) for value in row] for row in rows)
        output.block(table(_NAMES, shown) if rows else "They do not differ.")
    for finding in findings:
        (output.progress if csv else output.line)(f"✘ {finding.kind}  {finding.where}: {finding.detail}")
    code = 3 if findings else 0
    output.result(_answer(entries, rows, findings, code))
    return code


def _answer(entries: Any, rows: list[list[str]], findings: Any, code: int) -> dict[str, Any]:
    return {
        "a": entries[0].record,
        "b": entries[1].record,
        "differences": [dict(zip(_NAMES, row, strict=True)) for row in rows],
        "findings": [asdict(finding) for finding in findings],
        "exit_code": code,
    }
