"""``vergeos-nb audit verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.ledger.ledger import read_head
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.signing.timestamps import Authorities
from vergeos_nb.archive.verify.verify import Report, verify, verify_only
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.layout import HEAD
from vergeos_nb.shapes import is_folder


def verify_archive(
    outputs: str | None,
    expect: str | None,
    signers: str | None,
    roots: str | None,
    only: str | None,
    output: Output,
) -> int:
    """Verify an archive, or an export with one record, and list the faults. Returns the exit code.

    Raises:
        UsageError: the expected head is not a head, there is no such folder, or the allowed signers cannot be
            read.
        RecordNotFound: the ledger does not hold the one record that was named.
        RecordError: the archive cannot be read.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    head = read_head(expect) if expect is not None else None
    if expect is not None and head is None:
        raise UsageError("verifying", f"{expect!r} is not a head", f"give COUNT:HASH, as {HEAD} holds it")
    if not is_folder(folder):
        raise UsageError("verifying", f"there is no folder {folder}", "name the archive's with --outputs")
    trusted = Path(signers) if signers else settings.archive_settings().allowed_signers
    allowed = read_allowed_signers(trusted) if trusted else None
    trust = (head, allowed, Authorities(Path(roots)) if roots else None)
    report = verify_only(folder, only, *trust) if only else verify(folder, *trust)
    show(report, folder, output)
    output.result(answer(report))
    return report.exit_code


def show(report: Report, folder: Path, output: Output) -> None:
    """The report for people."""
    for finding in report.findings:
        output.line(f"✘ {finding.kind}  {finding.where}: {finding.detail}")
    for note in report.notes:
        output.line(f"· {note}")
    what = f"{report.records} sealed records, {report.lines} ledger lines in {folder}"
    if report.findings:
        output.line(
            f"✘ {what}: {len(report.findings)} wrong. Keep a copy as it is before you change anything."
        )
        return
    output.line(f"✔ {what}: everything is as it was sealed.")
    output.line(f"  head {report.head}  (note it elsewhere, and give it with --expect-head later)")
    if voucher := report.voucher:
        by = voucher.who if voucher.trusted else f"{voucher.who}, and nobody said whom to trust"
        output.line(f"  signed up to number {voucher.count} by {by}")


def answer(report: Report) -> dict[str, object]:
    """The report for programs."""
    return {
        "records": report.records,
        "lines": report.lines,
        "head": str(report.head),
        "findings": [asdict(finding) for finding in report.findings],
        "notes": list(report.notes),
        "signed": asdict(report.voucher) if report.voucher else None,
        "exit_code": report.exit_code,
    }
