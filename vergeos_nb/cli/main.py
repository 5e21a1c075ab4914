"""``vergeos-nb``: the command line. Heavy modules are imported by the commands that use them."""

from __future__ import annotations

import gc
import sys
from typing import Any

import click

from vergeos_nb.cli.entry import call
from vergeos_nb.cli.fleet_commands import fleet, stuck
from vergeos_nb.cli.options import Asking, Group, json_option, outputs_option, version_option
from vergeos_nb.cli.output import Output

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(cls=Group, context_settings=CONTEXT)
@version_option
def cli() -> None:
    """Runbooks for VergeOS: force a stuck VM off, prove it, keep the record.

    \b
    Exit codes: 0 done as asked (planned, off, nothing to do) · 2 usage · 3 refused by a guard ·
    4 not found or ambiguous · 5 drift or expired approval · 6 still alive · 7 unknown ·
    8 API or network · 9 authentication or permission · 10 no record · 70 a bug
    """


@cli.command()
@outputs_option
@json_option
def demo(outputs: str | None, as_json: bool) -> None:
    """The whole job on the simulator: plan, approve, force off, prove, check the record."""
    from vergeos_nb.cli.demo import demo as run_demo

    _end(run_demo(outputs, Output(as_json)))


@cli.command()
@click.argument("runbook")
@click.option(
    "-p",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of the runbook; can be repeated. Values are read by the parameter's type.",
)
@click.option(
    "--profile", default=None, help="Short for -p profile=…: simulator, env or a name of the vrg CLI."
)
@click.option("--approve", metavar="DIGEST", default=None, help="Apply the plan with this digest.")
@click.option(
    "--deadline", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Stop the run after this time."
)
@outputs_option
@json_option
def run(
    runbook: str,
    parameters: tuple[str, ...],
    profile: str | None,
    approve: str | None,
    deadline: float | None,
    outputs: str | None,
    as_json: bool,
) -> None:
    """Run a runbook headless. Without --approve it plans and changes nothing.

    \b
    vergeos-nb run force_power_off -p vm_name=web-01
    vergeos-nb run force_power_off -p vm_name=web-01 --approve DIGEST
    """
    from vergeos_nb.machine import check_limits
    from vergeos_nb.runner import warm

    check_limits("running the runbook")
    # Do this first: the kernel's process starts while this one loads its own modules.
    warm.shared()
    # Little of what importing makes is garbage, and looking for it so often takes a tenth of the time.
    gc.set_threshold(50_000)
    from vergeos_nb.cli.run import run as run_runbook

    shortcuts = {"profile": profile, "approve": approve}
    _end(run_runbook(runbook, parameters, shortcuts, deadline, outputs, Output(as_json)))


@cli.command(cls=Asking)
@click.option("--scenario", default="stuck", show_default=True, help="The scenario; see --list.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.", show_default=True
)
@click.option(
    "--vms", type=click.IntRange(min=0), default=0, show_default=True, help="More VMs in the fleet."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The seed of the simulated random values."
)
@click.option("--faults", metavar="FILE", default=None, help="Fault rules from a JSON or TOML file.")
@click.option(
    "--record", metavar="FILE", default=None, help="Write every request to this file, as JSON lines."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--allow-remote", is_flag=True, help="Listen on an address that others can reach.")
@click.option("--list", "listing", is_flag=True, help="Explain the scenarios and stop.")
@json_option
def simulator(
    scenario: str,
    port: int,
    vms: int,
    seed: int,
    faults: str | None,
    record: str | None,
    host: str,
    allow_remote: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Serve a simulated VergeOS over TLS on loopback until SIGINT or SIGTERM.

    Prints one JSON line when it is ready. The profile `simulator` finds it.
    """
    from vergeos_nb.cli.simulate import explain, serve

    if listing:
        _end(explain(Output(as_json)))
    _end(
        serve(
            scenario,
            port=port,
            vms=vms,
            seed=seed,
            faults=faults,
            record=record,
            host=host,
            allow_remote=allow_remote,
        )
    )


@cli.command()
@click.option(
    "--profile", default="simulator", show_default=True, help="The system that the runbooks start with."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.", show_default=True
)
@click.option("--browser/--no-browser", default=True, help="Open it in a browser.")
@click.option(
    "--dir", "base", metavar="DIR", default=None, help="Folder for working copies. [default: ./lab]"
)
@outputs_option
@json_option
def lab(profile: str, port: int, browser: bool, base: str | None, outputs: str | None, as_json: bool) -> None:
    """JupyterLab over a working copy of the runbooks, on loopback, until it is stopped."""
    from vergeos_nb.cli.lab import lab as run_lab

    _end(run_lab(profile, base, outputs, port, browser, Output(as_json)))


@cli.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to look at.")
@json_option
def doctor(profile: str, as_json: bool) -> None:
    """Can I reach it, who am I, may I read, is the clock right? Changes nothing."""
    from vergeos_nb.cli.doctor_command import doctor as run_doctor

    _end(run_doctor(profile, Output(as_json)))


@cli.group()
def audit() -> None:
    """The archive of records."""


@audit.command("recover")
@click.option("--ask/--no-ask", default=True, help="Ask the platform, by reading, about unsettled calls.")
@outputs_option
@json_option
def audit_recover(ask: bool, outputs: str | None, as_json: bool) -> None:
    """Finish the records of runs whose process died."""
    from vergeos_nb.cli.audit.recover import recover_all

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
    from vergeos_nb.cli.audit.verify import verify_archive

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
    from vergeos_nb.cli.audit.mirror import mirror_archive

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
    from vergeos_nb.cli.audit.export import export

    _end(export(outputs, record, form, target, Output(as_json)))


@audit.command("reindex")
@outputs_option
@json_option
def audit_reindex(outputs: str | None, as_json: bool) -> None:
    """Rebuild the index. A missing, old or damaged index is rebuilt by itself."""
    from vergeos_nb.cli.audit.list_records import reindex

    _end(reindex(outputs, Output(as_json)))


cli.add_command(stuck)
cli.add_command(fleet)


def _end(code: int) -> None:
    sys.exit(code)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: whatever happens, a person sees a sentence, and the exit code is one of the table."""
    sys.exit(call(cli, arguments))
