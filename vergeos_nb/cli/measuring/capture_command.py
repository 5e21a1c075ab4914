"""``vergeos-nb capture``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.connect.capturing import capture as read_system
from vergeos_nb.connect.capturing import write
from vergeos_nb.connect.simulated import open_profile
from vergeos_nb.settings import load_profile


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to read.")
@click.option("--out", "-o", metavar="FILE", required=True, help="The file to write.")
@json_option
def capture(profile: str, out: str, output: Output) -> int:
    """Write the rows that a power-off reads to a file, without names. Changes nothing on the system.

    `vergeos-nb simulator --from FILE` serves the captured system.
    """
    with open_profile(load_profile(profile)) as ready:
        captured, content = read_system(ready, progress=lambda table: output.progress(f"reading {table}"))
    write(Path(out), content)
    rows = sum(map(len, captured.tables.values()))
    output.line(f"{out}: {rows:,} rows of version {captured.version}, {captured.calls} calls, names masked.")
    output.result({"file": out, "rows": rows, "calls": captured.calls, "version": captured.version})
    return 0
