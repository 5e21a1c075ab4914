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


class _Renamed(click.Option):
    """An option that also takes its former spelling ``--out``, which the help does not show."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0].replace(", --out ", " "), record[1])


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to read.")
@click.option(
    "-o",
    "--output",
    "--out",
    "target",
    cls=_Renamed,
    metavar="FILE",
    required=True,
    help="The file to write.",
)
@json_option
def capture(profile: str, target: str, output: Output) -> int:
    """Write the rows that a power-off reads to a file, without names. Changes nothing on the system.

    `vergeos-nb simulator --from FILE` serves the captured system.
    """
    with open_profile(load_profile(profile)) as ready:
        captured, content = read_system(ready, progress=lambda table: output.progress(f"reading {table}"))
    write(Path(target), content)
    rows = sum(map(len, captured.tables.values()))
    output.line(
        f"{target}: {rows:,} rows of version {captured.version}, {captured.calls} calls, names masked."
    )
    output.result({"file": target, "rows": rows, "calls": captured.calls, "version": captured.version})
    return 0
