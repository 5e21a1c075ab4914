"""``vergeos-nb simulator``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from vergeos_nb.cli.output import Output
from vergeos_nb.connect.simulated import announce, withdraw
from vergeos_nb.errors import SettingsError, UsageError
from vergeos_nb.settings import did_you_mean
from vergeos_nb.simulator import SCENARIOS, list_faults, list_scenarios, serve_forever


def serve(scenario: str, *, port: int, **options: Any) -> int:
    """Serve until SIGINT or SIGTERM. Prints one JSON line when it is ready. Returns the exit code.

    Args:
        options: ``vms``, ``seed``, ``faults``, ``record``, ``host``, ``allow_remote`` of ``serve_forever``.

    Raises:
        UsageError: there is no such scenario, the fault rules cannot be used, or the address is not a
            loopback one and that was not allowed.
        SettingsError: the port cannot be listened on, or a file cannot be read or written.
    """
    if scenario not in SCENARIOS:
        raise UsageError(
            f"serve the scenario {scenario!r}",
            "there is no scenario of this name",
            did_you_mean(scenario, SCENARIOS),
        )

    def ready(info: Mapping[str, Any]) -> None:
        if announce(info) is None:
            Output(as_json=False).progress(
                "The profile simulator will not find this one: there is no private folder to announce it in. "
                "Set VERGEOS_NB_RUNTIME_DIR, here and where you look."
            )
        # Who started it logs in with these.
        Output(as_json=True).result(info, hands_out=True)

    try:
        serve_forever(scenario=scenario, port=port, announce=ready, **options)
    except ValueError as error:
        raise UsageError("serve the simulator", str(error), "see vergeos-nb simulator --help") from error
    except OSError as error:
        raise SettingsError(
            f"serve on port {port}" if not error.filename else f"use the file {error.filename}",
            error.strerror or str(error),
            "leave --port out to take a free one" if not error.filename else "",
        ) from error
    finally:
        withdraw(os.getpid())
    return 0


def explain(output: Output) -> int:
    """List the scenarios and the keys of a fault rule. Returns the exit code."""
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
