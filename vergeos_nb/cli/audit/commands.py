"""``vergeos-nb audit``: its commands. Heavy modules are imported by the commands that use them."""

from __future__ import annotations

import sys
from typing import Any

import click

from vergeos_nb.cli.options import Asking, Group, json_option, outputs_option
from vergeos_nb.cli.output import Output


@click.group(cls=Group)
def audit() -> None:
    """The archive of records."""


@audit.command("recover")
@click.option("--ask/--no-ask", default=True, help="Ask the platform, by reading, about unsettled calls.")
@outputs_option
@json_option
def audit_recover(ask: bool, outputs: str | None, as_json: bool) -> None:
    """Finish the records of runs whose process died."""
    from vergeos_nb.cli.audit.recover_command import recover_all

    _end(recover_all(outputs, ask, Output(as_json)))


@audit.command("verify", cls=Asking)
@click.option("--expect-head", metavar="COUNT:HASH", default=None, help="A head of the ledger, noted before.")
@click.option(
    "--allowed-signers",
    metavar="FILE",
    default=None,
    help="Allowed-signers file; every line must be signed. [default: VERGEOS_NB_ALLOWED_SIGNERS]",
)
@click.option("--tsa-certs", metavar="FILE", default=None, help="Root certificates of timestamp authorities.")
@click.option("--only", metavar="RECORD", default=None, help="For an export: other records may be missing.")
@outputs_option
@json_option
def audit_verify(
    expect_head: str | None,
    allowed_signers: str | None,
    tsa_certs: str | None,
    only: str | None,
    outputs: str | None,
    as_json: bool,
) -> None:
    """Is every record, and the ledger, as it was sealed? Ends with 3 if not. Works on a copy, offline."""
    from vergeos_nb.cli.audit.verify_command import verify_archive

    _end(verify_archive(outputs, expect_head, allowed_signers, tsa_certs, only, Output(as_json)))


@audit.command("sign")
@click.option("--key", metavar="FILE", default=None, help="An SSH key. [default: VERGEOS_NB_SIGNING_KEY]")
@outputs_option
@json_option
def audit_sign(key: str | None, outputs: str | None, as_json: bool) -> None:
    """Verify the archive and sign its head. With VERGEOS_NB_SIGNING_KEY every seal signs by itself."""
    from vergeos_nb.cli.audit.sign import sign_archive

    _end(sign_archive(outputs, key, Output(as_json)))


@audit.command("list", cls=Asking)
@click.option("--vm", default=None, help="The VM's name; * and ? stand for anything.")
@click.option("--key", "vm_key", type=int, default=None, help="The VM's key.")
@click.option("--operator", default=None, help="Who ran it.")
@click.option("--approver", default=None, help="Who approved it.")
@click.option("--ticket", default=None, help="The ticket it was for.")
@click.option("--outcome", default=None, help="How it ended: planned, done, refused, interrupted, …")
@click.option("--verdict", default=None, help="off, alive or unknown.")
@click.option("--profile", default=None, help="The system it was for.")
@click.option("--since", metavar="TIME", default=None, help="Opened then or later: a day, or a time in UTC.")
@click.option(
    "--until", metavar="TIME", default=None, help="Opened before: a day (inclusive), or a time in UTC."
)
@click.option("--removed", is_flag=True, help="List removed records: when, by whom and why.")
@click.option("--csv", is_flag=True, help="Print CSV with all fields.")
@outputs_option
@json_option
def audit_list(
    since: str | None,
    until: str | None,
    removed: bool,
    csv: bool,
    outputs: str | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """List the sealed records that fit, the oldest run first."""
    if removed:
        from vergeos_nb.cli.audit.keep import list_removed

        _end(list_removed(outputs, Output(as_json), csv))
    from vergeos_nb.cli.audit.list_records import list_records

    _end(list_records(outputs, wanted, since, until, Output(as_json), csv))


@audit.command("show", cls=Asking)
@click.argument("record")
@outputs_option
@json_option
def audit_show(record: str, outputs: str | None, as_json: bool) -> None:
    """Show the record with this id, or with the one that begins so, and whether it is as it was sealed."""
    from vergeos_nb.cli.audit.list_records import show_record

    _end(show_record(outputs, record, Output(as_json)))


@audit.command("hold")
@click.argument("record")
@click.option("--reason", required=True, help="Why it has to stay, for the ledger.")
@outputs_option
@json_option
def audit_hold(record: str, reason: str, outputs: str | None, as_json: bool) -> None:
    """Put a record on legal hold: it is not removed until it is released."""
    from vergeos_nb.cli.audit.keep import hold

    _end(hold(outputs, record, reason, Output(as_json), end=False))


@audit.command("release")
@click.argument("record")
@click.option("--reason", required=True, help="Why the hold ends, for the ledger.")
@outputs_option
@json_option
def audit_release(record: str, reason: str, outputs: str | None, as_json: bool) -> None:
    """End a record's legal hold."""
    from vergeos_nb.cli.audit.keep import hold

    _end(hold(outputs, record, reason, Output(as_json), end=True))


yes_option = click.option("--yes", is_flag=True, help="Do it; without this it is only listed.")


@audit.command("remove")
@click.argument("records", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why, for the tombstone.")
@yes_option
@outputs_option
@json_option
def audit_remove(
    records: tuple[str, ...], reason: str, yes: bool, outputs: str | None, as_json: bool
) -> None:
    """Remove records and leave a tombstone of each in the ledger. Without --yes, only say what would be."""
    from vergeos_nb.cli.audit.keep import remove

    _end(remove(outputs, records, reason, yes, Output(as_json)))


@audit.command("prune")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Runs that ended before.")
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="COUNT", help="Keep this many of the newest records."
)
@click.option("--reason", default="", help="Why, for the tombstones. [default: the rule]")
@yes_option
@outputs_option
@json_option
def audit_prune(
    older_than: float | None, keep: int | None, reason: str, yes: bool, outputs: str | None, as_json: bool
) -> None:
    """Remove records by age and count, except those on hold. Without --yes, only list them."""
    from vergeos_nb.cli.audit.keep import prune

    _end(prune(outputs, older_than, keep, reason, yes, Output(as_json)))


@audit.command("timestamp")
@click.option("--tsa", "url", metavar="URL", required=True, help="URL of the RFC 3161 authority.")
@outputs_option
@json_option
def audit_timestamp(url: str, outputs: str | None, as_json: bool) -> None:
    """Have a timestamp authority say that the ledger stood where it does now."""
    from vergeos_nb.cli.audit.timestamp import timestamp_archive

    _end(timestamp_archive(outputs, url, Output(as_json)))


@audit.command("mirror")
@outputs_option
@json_option
def audit_mirror(outputs: str | None, as_json: bool) -> None:
    """Copy to the mirror (VERGEOS_NB_MIRROR) the records that it lacks. Every seal does that by itself."""
    from vergeos_nb.cli.audit.mirror_command import mirror_archive

    _end(mirror_archive(outputs, Output(as_json)))


@audit.command("diff", cls=Asking)
@click.argument("record_a")
@click.argument("record_b")
@click.option("--csv", is_flag=True, help="Print CSV.")
@outputs_option
@json_option
def audit_diff(record_a: str, record_b: str, csv: bool, outputs: str | None, as_json: bool) -> None:
    """Show field by field where two records differ. Ends with 3 if one is not as it was sealed."""
    from vergeos_nb.cli.audit.diff import diff_records

    _end(diff_records(outputs, record_a, record_b, Output(as_json), csv))


@audit.command("export")
@click.argument("record")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "pdf", "md", "zip"]),
    default="html",
    show_default=True,
    help="A page, a PDF, text for a ticket, or all with its proof.",
)
@click.option("-o", "--output", "target", metavar="FILE", default=None, help="[default: RECORD.FORMAT]")
@outputs_option
@json_option
def audit_export(record: str, form: str, target: str | None, outputs: str | None, as_json: bool) -> None:
    """Write the record with this id, or with the one that begins so, into one file."""
    from vergeos_nb.cli.audit.export_command import export

    _end(export(outputs, record, form, target, Output(as_json)))


@audit.command("reindex")
@outputs_option
@json_option
def audit_reindex(outputs: str | None, as_json: bool) -> None:
    """Rebuild the index. A missing, old or damaged index is rebuilt by itself."""
    from vergeos_nb.cli.audit.list_records import reindex

    _end(reindex(outputs, Output(as_json)))


def _end(code: int) -> None:
    sys.exit(code)
