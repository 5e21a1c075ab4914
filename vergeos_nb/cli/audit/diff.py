"""``vergeos-nb audit diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.index import Index
from vergeos_nb.archive.verify.verify import verify_record
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.errors import UsageError
from vergeos_nb.masking import cut
from vergeos_nb.procedure.values.differences import difference
from vergeos_nb.record.record_folder import read
from vergeos_nb.shapes import is_folder

# Different in any two records, and nothing to look at.
_OWN = ("id", "files")
_NAMES = ("field", "a", "b")
_WIDEST = 60


def diff_records(outputs: str | None, first: str, second: str, output: Output, csv: bool) -> int:
    """Show field by field where two records differ. Returns the exit code.

    Raises:
        RecordNotFound: no record has one of the ids.
        RecordError: the ledger or a record cannot be read.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if not is_folder(folder):
        raise UsageError("looking into the archive", f"there is no folder {folder}", "name it with --outputs")
    entries = [Index(folder).by_id(record) for record in (first, second)]
    findings = [finding for entry in entries for finding in verify_record(folder, entry)]
    told = [
        {name: value for name, value in read(folder / entry.path).items() if name not in _OWN}
        for entry in entries
    ]
    rows = [[str(value) for value in row] for row in difference(told[0], told[1]).rows]
    if csv:
        output.csv(_NAMES, rows)
    elif not output.as_json:
        for name, entry in zip("ab", entries, strict=True):
            output.line(f"{name}  {entry.record}")
        output.line()
        shown = ([_short(value) for value in row] for row in rows)
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
        "findings": [{"kind": f.kind, "where": f.where, "detail": f.detail} for f in findings],
        "exit_code": code,
    }


def _short(text: str) -> str:
    return cut(text, _WIDEST)
