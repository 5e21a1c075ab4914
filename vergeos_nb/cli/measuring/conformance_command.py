"""``vergeos-nb conformance``: the runbook `learn_platform`, headless; or the simulator beside a capture."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.run_command import run_headless
from vergeos_nb.connect.against_capture import against_capture
from vergeos_nb.errors import UsageError
from vergeos_nb.words import counted

RUNBOOK = "learn_platform"


@click.command(cls=Command)
@click.option("--profile", help="The system to measure. [default: simulator]")
@click.option("--vm", metavar="NAME", help="A test VM that may be lost: it is stopped and killed.")
@click.option("--vm-key", type=int, metavar="KEY", help="Its key, if several VMs have the name.")
@click.option("--approve", metavar="DIGEST", help="Apply the plan with this digest to the test VM.")
@click.option("--against", metavar="FILE", help="Ask no system: compare the simulator with this capture.")
@outputs_option
@json_option
def conformance(
    profile: str | None,
    vm: str | None,
    vm_key: int | None,
    approve: str | None,
    against: str | None,
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
    if against is None:
        return run_headless(RUNBOOK, pairs, outputs, None, output)
    if pairs:
        hint = "leave the other options out: with --against no system is asked"
        raise UsageError("reading the options", "--against stands alone", hint)
    return _against(Path(against), output)


def _against(path: Path, output: Output) -> int:
    found = against_capture(path)
    for one in found.differences:
        output.line(f"{one.table}{'.' if one.column else ''}{one.column}: {one.what}")
    number = len(found.differences)
    count = counted(number, "difference") if number else "no differences"
    output.line(
        f"{count} in {counted(len(found.compared), 'table')}, between the simulator and a system of "
        f"{found.version}."
    )
    if found.differences:
        output.line(f"Send us {path}: names in it are masked, and it makes the simulator right.")
    output.result(
        {
            "version": found.version,
            "compared": list(found.compared),
            "differences": [asdict(one) for one in found.differences],
            "exit_code": 0,
        }
    )
    return 0
