"""``vergeos-nb audit export``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.archive.export.exporting import as_zip, outside, whole
from vergeos_nb.archive.export.mail import as_text
from vergeos_nb.archive.export.markdown import as_markdown
from vergeos_nb.archive.export.pdf import as_pdf
from vergeos_nb.archive.index import Index
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.files import disk_errors, put
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL, PAGE

FORMATS = ("html", "pdf", "md", "txt", "zip")


@click.command(cls=Command)
@click.argument("record")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="html",
    show_default=True,
    help="html: a page; md: for a ticket; txt: for an e-mail; zip: all files, to verify elsewhere.",
)
@click.option("--appendix", is_flag=True, help="Also print the folded parts of the page (pdf only).")
@click.option("-o", "--output", "target", metavar="FILE", help="The file to write. [default: RECORD.FORMAT]")
@archive_option
@json_option
def export(record: str, form: str, appendix: bool, target: str | None, outputs: Path, output: Output) -> int:
    """Write one record into one file. RECORD is an id, or the beginning of one."""
    entry = Index(outputs).by_id(record)
    path = outside(Path(target or f"{entry.record}.{form}"), outputs)
    content = _content(outputs, entry, form, appendix)
    with disk_errors(f"writing {path}", "name another file with -o"):
        put(path, content)
    output.line(f"✔ {path}: {len(content)} bytes, record {entry.record}")
    if form == "zip":
        output.line(f"  It holds its proof: unpack it and read README.md in {entry.record}/")
    output.result({"file": str(path), "format": form, "record": entry.record, "exit_code": 0})
    return 0


def _content(folder: Path, entry: LedgerEntry, form: str, appendix: bool) -> bytes:
    if form == "zip":
        archive = settings.archive_settings()
        signer = Signer(archive.signing_key) if archive.signing_key else None
        return as_zip(folder, entry, archive.allowed_signers, signer)
    run = whole(folder, entry)
    with disk_errors(f"reading the record {run}", "make it readable"):
        if form == "html":
            return (run / PAGE).read_bytes()
        if form == "pdf":
            return as_pdf(run / PAGE, appendix=appendix)
        journal = read_journal(run / JOURNAL)
        write = as_markdown if form == "md" else as_text
        return write(run_state_of(journal), journal, entry).encode("utf-8", "backslashreplace")
