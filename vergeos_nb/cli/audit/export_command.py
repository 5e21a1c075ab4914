"""``vergeos-nb audit export``."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.export.exporting import as_zip, outside, whole
from vergeos_nb.archive.index import Index
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import RecordError, UsageError
from vergeos_nb.files import put
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL, PAGE
from vergeos_nb.shapes import is_folder

FORMATS = ("html", "pdf", "md", "zip")


def export(outputs: str | None, record: str, form: str, target: str | None, output: Output) -> int:
    """Write one record into a file of its own. Returns the exit code.

    Raises:
        UsageError: there is no such folder, or no Chromium for a PDF.
        RecordNotFound: no record has this id.
        Refused: the record is not as it was sealed, or the target lies in the archive.
        RecordError: something cannot be read or written.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if not is_folder(folder):
        raise UsageError("exporting", f"there is no folder {folder}", "name the archive's with --outputs")
    entry = Index(folder).by_id(record)
    path = outside(Path(target or f"{entry.record}.{form}"), folder)
    content = _content(folder, entry, form)
    try:
        put(path, content)
    except OSError as error:
        raise RecordError(
            f"writing {path}", error.strerror or str(error), "name another file with -o"
        ) from error
    output.line(f"✔ {path}: {len(content)} bytes, record {entry.record}")
    if form == "zip":
        output.line(f"  It holds its proof: unpack it and read README.md in {entry.record}/")
    output.result({"file": str(path), "format": form, "record": entry.record, "exit_code": 0})
    return 0


def _content(folder: Path, entry: LedgerEntry, form: str) -> bytes:
    if form == "zip":
        return as_zip(folder, entry, settings.archive_settings().allowed_signers)
    run = whole(folder, entry)
    try:
        if form == "html":
            return (run / PAGE).read_bytes()
        if form == "pdf":
            from vergeos_nb.archive.export.pdf import as_pdf

            return as_pdf(run / PAGE)
        from vergeos_nb.archive.export.markdown import as_markdown

        journal = read_journal(run / JOURNAL)
        return as_markdown(run_state_of(journal), journal, entry).encode("utf-8", "backslashreplace")
    except OSError as error:
        why = error.strerror or str(error)
        raise RecordError(f"reading the record {run}", why, "make it readable") from error
