"""``vergeos-nb audit forward``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.forwarding.delivery import Delivery
from vergeos_nb.forwarding.target import read_target
from vergeos_nb.words import counted


@click.command(cls=Command)
@archive_option
@json_option
def forward(outputs: Path, output: Output) -> int:
    """Deliver events that were not forwarded yet (VERGEOS_NB_FORWARD). Every run's end does this, too."""
    url = settings.archive_settings().forward
    if url is None:
        hint = "name it with VERGEOS_NB_FORWARD, such as syslog+tls://log.example or https://log.example/in"
        raise UsageError("forwarding what happened", "no target is set up", hint)
    target = read_target(url)
    done = Delivery(outputs, url).all()
    left = f"; not sealed yet: {counted(done.runs, 'run')}" if done.runs else ""
    output.line(f"✔ {counted(done.messages, 'message')} delivered to {target}{left}.")
    output.result({"messages": done.messages, "unsealed_runs": done.runs, "exit_code": 0})
    return 0
