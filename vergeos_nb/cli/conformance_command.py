"""``vergeos-nb conformance``: the runbook `learn_platform`, headless."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.run_command import run_headless

RUNBOOK = "learn_platform"


@click.command(cls=Command)
@click.option("--profile", default="simulator", show_default=True, help="The system to measure.")
@click.option("--vm", metavar="NAME", help="A test VM that may be lost: it is stopped and killed.")
@click.option("--vm-key", type=int, metavar="KEY", help="Its key, if several VMs have the name.")
@click.option("--approve", metavar="DIGEST", help="Apply the plan with this digest to the test VM.")
@outputs_option
@json_option
def conformance(
    profile: str,
    vm: str | None,
    vm_key: int | None,
    approve: str | None,
    outputs: Path,
    output: Output,
) -> int:
    """Find out how a platform behaves, and keep what was measured. Without --approve it only reads.

    \b
    vergeos-nb conformance --profile env
    vergeos-nb conformance --profile env --vm TEST_VM
    vergeos-nb conformance --profile env --vm TEST_VM --approve DIGEST
    """
    given = {"profile": profile, "vm_name": vm, "vm_key": vm_key, "approve": approve}
    pairs = {name: str(value) for name, value in given.items() if value is not None}
    return run_headless(RUNBOOK, pairs, outputs, None, output)
