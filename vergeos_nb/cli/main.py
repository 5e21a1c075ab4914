"""``vergeos-nb``: the command line. Heavy modules are imported by the commands that use them."""

from __future__ import annotations

import gc
import sys

import click

from vergeos_nb.cli.audit.commands import audit
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
    from vergeos_nb.cli.run_command import run as run_runbook

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
    from vergeos_nb.cli.lab_command import lab as run_lab

    _end(run_lab(profile, base, outputs, port, browser, Output(as_json)))


@cli.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to look at.")
@json_option
def doctor(profile: str, as_json: bool) -> None:
    """Can I reach it, who am I, may I read, is the clock right? Changes nothing."""
    from vergeos_nb.cli.doctor_command import doctor as run_doctor

    _end(run_doctor(profile, Output(as_json)))


cli.add_command(audit)
cli.add_command(stuck)
cli.add_command(fleet)


def _end(code: int) -> None:
    sys.exit(code)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: whatever happens, a person sees a sentence, and the exit code is one of the table."""
    sys.exit(call(cli, arguments))
