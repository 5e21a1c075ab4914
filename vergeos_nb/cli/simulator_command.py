"""``vergeos-nb simulator``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option, port_option
from vergeos_nb.cli.output import Output
from vergeos_nb.connect.simulated import announce, withdraw
from vergeos_nb.errors import SettingsError, UsageError
from vergeos_nb.simulator import SCENARIOS, list_faults, list_scenarios, serve_forever
from vergeos_nb.words import did_you_mean


@click.command(cls=Asking)
@click.option("--scenario", default="stuck", show_default=True, help="The scenario; see --list.")
@port_option
@click.option(
    "--vms", type=click.IntRange(min=0), default=0, show_default=True, help="Add this many VMs to the system."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="The seed of the simulated random values."
)
@click.option("--faults", metavar="FILE", help="Fault rules from a JSON or TOML file.")
@click.option("--record", metavar="FILE", help="Write every request to this file, as JSON lines.")
@click.option("--from", "captured", metavar="FILE", help="Serve a captured system in place of a scenario.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--allow-remote", is_flag=True, help="Listen on an address that others can reach.")
@click.option("--list", "listing", is_flag=True, help="Explain the scenarios and stop.")
@json_option
def simulator(scenario: str, port: int, listing: bool, output: Output, **options: Any) -> int:
    """Serve a simulated VergeOS over TLS on loopback until SIGINT or SIGTERM.

    Prints one JSON line when it is ready. The profile `simulator` finds it.
    """
    return _explain(output) if listing else _serve(scenario, port, options)


def _serve(scenario: str, port: int, options: Mapping[str, Any]) -> int:
    if scenario not in SCENARIOS:
        raise UsageError(
            f"serving the scenario {scenario!r}",
            "there is no scenario of this name",
            did_you_mean(scenario, SCENARIOS),
        )

    def ready(info: Mapping[str, Any]) -> None:
        if announce(info) is None:
            Output(as_json=False).progress(
                "The profile simulator will not find this one: there is no private folder to announce it in. "
                "Set VERGEOS_NB_RUNTIME_DIR, here and where you look."
            )
        # The user name and password for whoever started the simulator.
        Output(as_json=True).result(info, hands_out=True)

    try:
        serve_forever(scenario=scenario, port=port, announce=ready, **options)
    except ValueError as error:
        raise UsageError("serving the simulator", str(error), "see vergeos-nb simulator --help") from error
    except OSError as error:
        raise SettingsError(
            f"serving on port {port}" if not error.filename else f"using the file {error.filename}",
            error.strerror or str(error),
            "leave --port out to take a free one" if not error.filename else "",
        ) from error
    finally:
        withdraw(os.getpid())
    return 0


def _explain(output: Output) -> int:
    scenarios, faults = list_scenarios(), list_faults()
    width = max(map(len, (*scenarios, *faults)))
    output.line("Scenarios (--scenario NAME, or the profile simulator:NAME):")
    for name, text in scenarios.items():
        output.line(f"  {name.ljust(width)}  {text}")
    output.line()
    output.line("Keys of a fault rule (--faults FILE):")
    for name, text in faults.items():
        output.line(f"  {name.ljust(width)}  {text}")
    output.result({"scenarios": scenarios, "faults": faults})
    return 0
