"""``vergeos-nb audit verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.archive.ledger.ledger import read_head
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.signing.timestamps import Authorities
from vergeos_nb.archive.verify import verify as checks
from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import existing, json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.layout import HEAD
from vergeos_nb.words import counted


@click.command(cls=Asking)
@click.argument("path", required=False)
@click.option("--expect-head", metavar="COUNT:HASH", help="A head of the ledger that you noted earlier.")
@click.option(
    "--allowed-signers",
    metavar="FILE",
    help="Allowed-signers file. Its signers must cover every line. [default: VERGEOS_NB_ALLOWED_SIGNERS]",
)
@click.option("--tsa-certs", metavar="FILE", help="Root certificates of timestamp authorities.")
@click.option("--only", metavar="RECORD", help="Check an export of this record; others may be missing.")
@outputs_option
@json_option
def verify(
    path: str | None,
    expect_head: str | None,
    allowed_signers: str | None,
    tsa_certs: str | None,
    only: str | None,
    outputs: Path,
    output: Output,
) -> int:
    """Check that every record and the ledger are as they were sealed. Ends with 3 if not. Works offline.

    With PATH, check one exported record, and say what it can and cannot vouch for: the zip of `audit export`,
    the folder that it unpacks to, or a copy of a record's folder.
    """
    head = read_head(expect_head) if expect_head is not None else None
    if expect_head is not None and head is None:
        raise UsageError(
            "verifying", f"{expect_head!r} is not a head", f"give COUNT:HASH, as {HEAD} holds it"
        )
    trusted = Path(allowed_signers) if allowed_signers else settings.archive_settings().allowed_signers
    allowed = read_allowed_signers(trusted) if trusted else None
    authorities = Authorities(Path(tsa_certs)) if tsa_certs else None
    if path is not None:
        if only is not None:
            raise UsageError("verifying", "PATH and --only are both given", "give PATH alone")
        # It reads a journal, and so loads slowly. An archive is verified without that.
        from vergeos_nb.cli.audit.verify_one import verify_one

        return verify_one(Path(path), head, allowed, authorities, output)
    folder = existing(outputs)
    report = (
        checks.verify_only(folder, only, head, allowed, authorities)
        if only
        else checks.verify(folder, head, allowed, authorities)
    )
    _show(report, outputs, output)
    output.result(_answer(report))
    return report.exit_code


def _show(report: checks.Report, folder: Path, output: Output) -> None:
    for finding in report.findings:
        output.line(f"✘ {finding.kind}  {finding.where}: {finding.detail}")
    for note in report.notes:
        output.line(f"· {note}")
    what = f"{counted(report.records, 'sealed record')}, {counted(report.lines, 'ledger line')} in {folder}"
    if report.findings:
        output.line(
            f"✘ {what}: {len(report.findings)} wrong. Keep a copy as it is before you change anything."
        )
        return
    output.line(f"✔ {what}: everything is as it was sealed.")
    output.line(f"  head {report.head}  (note it elsewhere, and give it with --expect-head later)")
    if voucher := report.voucher:
        by = voucher.who if voucher.trusted else f"{voucher.who}, and no allowed signers were named"
        output.line(f"  signed up to number {voucher.count} by {by}")


def _answer(report: checks.Report) -> dict[str, object]:
    return {
        "records": report.records,
        "lines": report.lines,
        "head": str(report.head),
        "findings": [asdict(finding) for finding in report.findings],
        "notes": list(report.notes),
        "signed": asdict(report.voucher) if report.voucher else None,
        "exit_code": report.exit_code,
    }
