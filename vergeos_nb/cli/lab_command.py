"""``vergeos-nb lab``: JupyterLab over a working copy of the runbooks, until it is stopped."""

from __future__ import annotations

import time
from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option, port_option
from vergeos_nb.cli.output import Output
from vergeos_nb.runner.jupyter_lab import ended_in_order, open_lab

LOOK_S = 0.5


@click.command(cls=Command)
@click.option(
    "--profile", default="simulator", show_default=True, help="The system that the runbooks start with."
)
@port_option
@click.option("--browser/--no-browser", default=True, help="Open JupyterLab in a browser.")
@click.option(
    "--dir", "base", metavar="DIR", default="lab", help="Folder for working copies. [default: ./lab]"
)
@outputs_option
@json_option
def lab(profile: str, base: str, outputs: Path, port: int, browser: bool, output: Output) -> int:
    """Open JupyterLab over a working copy of the runbooks, until it is stopped. It listens on loopback."""
    if profile.partition(":")[0] != settings.SIMULATOR_NAME and not settings.wants_password(profile):
        settings.load_profile(profile)  # an invalid name is reported here, not in a card
    with (
        ended_in_order() as came,
        open_lab(
            Path(base),
            outputs,
            profile=profile,
            port=port,
            browser=browser,
            say=output.progress,
        ) as opened,
    ):
        try:
            output.line(f"JupyterLab is ready: {opened.url}", hands_out=True)
            output.line(f"Working copy: {opened.folder}")
            output.line(f"Records go to: {outputs.absolute()}")
            output.line("Stop it with Ctrl-C; runs that are open then end as interrupted.")
            told = {"url": opened.url, "folder": str(opened.folder), "pid": opened.process.pid}
            output.result(told, hands_out=True)
            while (code := opened.process.poll()) is None and not came:
                time.sleep(LOOK_S)
            return code or 0
        except KeyboardInterrupt:
            return 0
