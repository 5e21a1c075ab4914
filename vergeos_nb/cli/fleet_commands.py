"""The commands over many VMs: ``stuck`` and ``fleet``. Heavy imports stay in the commands."""

from __future__ import annotations

import sys

import click

from vergeos_nb.cli.options import Asking, Group, json_option, outputs_option
from vergeos_nb.cli.output import Output


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to read.")
@click.option("--gap", "gap_s", default=None, metavar="SECONDS", help="Seconds between the two readings.")
@click.option("--name", default=None, help="Only VMs of this name; * and ? stand for anything.")
@click.option("--node", default=None, help="Only VMs on this node.")
@click.option("--status", default=None, help="Only VMs whose row says this.")
@click.option(
    "--suggestion", default=None, help="Only with this next rung: override, kill, poweroff, look, …"
)
@click.option("--verdict", default=None, help="off, alive or unknown.")
@click.option("--ha-group", default=None, help="Only VMs of this HA group.")
@click.option("--sort", metavar="COLUMN", default=None, help="Sort by a column; -COLUMN from the largest.")
@click.option("--all", "everything", is_flag=True, help="Also list VMs that need no look.")
@click.option("--csv", is_flag=True, help="Print CSV with all columns: input of `fleet plan`.")
@outputs_option
@json_option
def stuck(
    profile: str,
    gap_s: str | None,
    sort: str | None,
    everything: bool,
    csv: bool,
    outputs: str | None,
    as_json: bool,
    **wanted: str | None,
) -> None:
    """Read the whole fleet in a few calls: which VMs are stuck, and what comes next. Changes nothing."""
    from vergeos_nb.cli.stuck import stuck as find_stuck

    given = {"profile": profile} | ({"sample_gap_s": gap_s} if gap_s is not None else {})
    sys.exit(find_stuck(given, wanted, sort, everything, csv, outputs, Output(as_json)))


@click.group(cls=Group)
def fleet() -> None:
    """Force many VMs off: plan, approve, apply, resume."""


@fleet.command("plan", cls=Asking)
@click.argument("source", required=False, metavar="[FILE]")
@click.option("--name", default=None, help="VMs of this name; * and ? stand for anything.")
@click.option("--node", default=None, help="VMs on this node.")
@click.option("--status", default=None, help="VMs whose row says this.")
@click.option("--state", default=None, help="VMs whose row has this state.")
@click.option("--ha-group", default=None, help="VMs of this HA group.")
@click.option("-p", "pairs", metavar="NAME=VALUE", multiple=True, help="A parameter of force_power_off.")
@click.option("--profile", default=None, help="The system. [default: simulator]")
@click.option("--cap", type=click.IntRange(min=1), default=10, show_default=True, help="More are refused.")
@click.option("--at-once", type=click.IntRange(1, 100), default=4, show_default=True, help="VMs at a time.")
@click.option("--per-node", type=click.IntRange(min=1), default=2, show_default=True, help="On one node.")
@click.option("--per-group", type=click.IntRange(min=1), default=1, show_default=True, help="In an HA group.")
@click.option(
    "--failures", type=click.IntRange(min=1), default=1, show_default=True, help="So many stop the fleet."
)
@outputs_option
@json_option
def fleet_plan(
    source: str | None,
    pairs: tuple[str, ...],
    profile: str | None,
    cap: int,
    at_once: int,
    per_node: int,
    per_group: int,
    failures: int,
    outputs: str | None,
    as_json: bool,
    **selector: str | None,
) -> None:
    """Plan for the VMs of a CSV or JSON FILE, or for those that a selector fits. Changes nothing.

    \b
    vergeos-nb stuck --csv > stuck.csv
    vergeos-nb fleet plan stuck.csv
    """
    from vergeos_nb.cli.fleet_applying import plan
    from vergeos_nb.fleet.schedule import Limits

    limits = Limits(at_once, per_node, per_group, failures)
    sys.exit(plan(source, selector, pairs, profile, limits, cap, outputs, Output(as_json)))


@fleet.command("approve")
@click.argument("digest")
@click.option("--approver", required=True, help="Who approves.")
@click.option("--until", default=None, metavar="TIME", help="The approval ends then. [default: 15 minutes]")
@outputs_option
@json_option
def fleet_approve(digest: str, approver: str, until: str | None, outputs: str | None, as_json: bool) -> None:
    """Approve the plan with this DIGEST."""
    from vergeos_nb.cli.fleet_applying import approve

    sys.exit(approve(digest, approver, until, outputs, Output(as_json)))


operator_option = click.option("--operator", default=None, help="Who runs this. [default: the user]")
scheduler_option = click.option(
    "--scheduler", metavar="tcp://…", default=None, help="A Dask scheduler whose workers do the runs."
)


@fleet.command("apply")
@click.argument("digest")
@operator_option
@scheduler_option
@outputs_option
@json_option
def fleet_apply(
    digest: str, operator: str | None, scheduler: str | None, outputs: str | None, as_json: bool
) -> None:
    """Apply an approved plan: one VM, then two, four, … up to the limit."""
    from vergeos_nb.cli.fleet_applying import apply

    sys.exit(
        apply(
            digest,
            resume=False,
            go_on=False,
            operator=operator,
            scheduler=scheduler,
            outputs=outputs,
            output=Output(as_json),
        )
    )


@fleet.command("resume")
@click.argument("digest")
@click.option("--go-on", is_flag=True, help="Earlier failures no longer count.")
@operator_option
@scheduler_option
@outputs_option
@json_option
def fleet_resume(
    digest: str,
    go_on: bool,
    operator: str | None,
    scheduler: str | None,
    outputs: str | None,
    as_json: bool,
) -> None:
    """Go on with a plan whose run was stopped or killed. Nothing is sent twice."""
    from vergeos_nb.cli.fleet_applying import apply

    sys.exit(
        apply(
            digest,
            resume=True,
            go_on=go_on,
            operator=operator,
            scheduler=scheduler,
            outputs=outputs,
            output=Output(as_json),
        )
    )


@fleet.command("status", cls=Asking)
@click.argument("digest")
@outputs_option
@json_option
def fleet_status(digest: str, outputs: str | None, as_json: bool) -> None:
    """Show the state of each VM of a plan. Reads the archive and asks no system."""
    from vergeos_nb.cli.fleet_applying import status

    sys.exit(status(digest, outputs, Output(as_json)))
