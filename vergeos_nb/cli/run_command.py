"""``vergeos-nb run``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option, pairs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.machine import check_limits, share_one_heap
from vergeos_nb.runbook_files import OURS
from vergeos_nb.runner import warm

# What a run needs in this process. Its kernel needs most of that, too.
REPORT = "vergeos_nb.cli.run_report"
PROMPT_S = 0.0005


@click.command(cls=Command)
@click.argument("runbook")
@pairs_option("A parameter of the runbook; can be repeated. Values are read by the parameter's type.")
@click.option(
    "--profile", help="The system: simulator, env or a profile of the vrg CLI. Same as -p profile=…"
)
@click.option("--approve", metavar="DIGEST", help="Apply the plan with this digest.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Interrupt the run after this many seconds.",
)
@outputs_option
@json_option
def run(
    runbook: str,
    pairs: dict[str, str],
    profile: str | None,
    approve: str | None,
    deadline: float | None,
    outputs: Path,
    output: Output,
) -> int:
    """Run a runbook headless. Without --approve it plans and changes nothing.

    \b
    vergeos-nb run force_power_off -p vm_name=web-01
    vergeos-nb run force_power_off -p vm_name=web-01 --approve DIGEST
    """
    for name, value in (("profile", profile), ("approve", approve)):
        if value is not None:
            if name in pairs:
                raise UsageError("reading the parameters", f"{name} is given twice", f"leave -p {name}=… out")
            pairs[name] = value
    return run_headless(runbook, pairs, outputs, deadline, output)


def run_headless(
    runbook: str, pairs: Mapping[str, str], outputs: Path, deadline_s: float | None, output: Output
) -> int:
    """Run a runbook and print the result. Returns the exit code.

    Raises:
        UsageError: a parameter is not valid, or there is no such runbook.
    """
    check_limits("running the runbook")
    warm.loaded_here(REPORT, runbooks={runbook} & set(OURS))
    share_one_heap()
    # Imports make little garbage, but at the usual interval collecting it takes a tenth of the time.
    gc.set_threshold(50_000)
    # A thread that loads modules would delay the one that talks to the kernel by 5 ms for each message.
    sys.setswitchinterval(PROMPT_S)
    # Loads slowly, and `loaded_here` loads it without what a run does not need.
    from vergeos_nb.cli.run_report import run_and_report

    return run_and_report(runbook, pairs, outputs, deadline_s, output)
