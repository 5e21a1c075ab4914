"""The commands over many VMs: ``stuck`` and ``fleet``. Heavy imports stay in the commands."""

from __future__ import annotations

import sys

import click

from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output


@click.command()
@click.option("--profile", default="simulator", show_default=True, help="The system to read.")
@click.option("--gap", "gap_s", default=None, metavar="SECONDS", help="Between the two readings.")
@click.option("--name", default=None, help="Only VMs of this name; * and ? stand for anything.")
@click.option("--node", default=None, help="Only VMs on this node.")
@click.option("--status", default=None, help="Only VMs whose row says this.")
@click.option(
    "--suggestion", default=None, help="Only with this next rung: override, kill, poweroff, look, …"
)
@click.option("--verdict", default=None, help="off, alive or unknown.")
@click.option("--ha-group", default=None, help="Only VMs of this HA group.")
@click.option("--sort", metavar="COLUMN", default=None, help="Sort by a column; -COLUMN from the largest.")
@click.option("--all", "everything", is_flag=True, help="Also the VMs that want no look.")
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


@click.group()
def fleet() -> None:
    """Force many VMs off: plan, approve, apply, resume."""
