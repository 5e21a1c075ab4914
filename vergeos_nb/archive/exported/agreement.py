"""Whether the files of one record agree with each other: manifest, record.json and journal."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb.archive.ledger.chain import FlawKind, Found
from vergeos_nb.archive.ledger.manifest import Manifest, fields_of
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL, MANIFEST, RECORD
from vergeos_nb.record.record_file import object_of
from vergeos_nb.shapes import MOST_OF_OURS, Unfit, content_of


def check_agreement(folder: Path, own: Manifest, found: Found) -> tuple[int, str]:
    """Compare what the files say of the run.

    Args:
        folder: the record's, whose files are those of the manifest.
        found: takes the differences.

    Returns:
        How many lines the journal has, and why it cannot confirm the record's end; "" if it does.
    """
    try:
        # As sealing reads it: fields of any shape.
        record = object_of(content_of(folder / RECORD, MOST_OF_OURS))
    except Unfit as unfit:
        found.add(f"{own.path}/{RECORD}", FlawKind.DISAGREES, f"it is no record: {unfit.why}")
        return 0, unfit.why
    if fields_of(record) != own.fields:
        detail = f"it does not say of the run what {MANIFEST} says"
        found.add(f"{own.path}/{RECORD}", FlawKind.DISAGREES, detail)
    try:
        journal = read_journal(folder / JOURNAL)
    except RecordError as error:
        return 0, f"it was sealed damaged: {error.came_back}"
    state = run_state_of(journal)
    if not state.in_order and not state.interrupted_by:
        return len(journal.lines), "it has no end"
    ended = {"outcome": state.outcome, "verdict": state.verdict, "exit_code": state.exit_code}
    for name, value in ended.items():
        if record.get(name) != value:
            detail = f"its {name} is {value}, and {RECORD} says {record.get(name)}"
            found.add(f"{own.path}/{JOURNAL}", FlawKind.DISAGREES, detail)
    return len(journal.lines), ""
