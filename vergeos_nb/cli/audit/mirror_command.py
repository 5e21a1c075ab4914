"""``vergeos-nb audit mirror``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.archive import mirror as mirrors
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.words import counted


@click.command(cls=Command)
@archive_option
@json_option
def mirror(outputs: Path, output: Output) -> int:
    """Copy the records that the mirror lacks (VERGEOS_NB_MIRROR). Every seal does this, too."""
    target = settings.archive_settings().mirror
    if target is None:
        hint = "name it with VERGEOS_NB_MIRROR, such as s3://bucket/prefix"
        raise UsageError("mirroring the archive", "no mirror is set up", hint)
    done = mirrors.mirror(outputs, target)
    for record in done.spoiled:
        output.line(f"✘ not copied, because not as it was sealed  {record}")
    if done.busy:
        output.line("Another process is copying already.")
    else:
        copied = f"{counted(len(done.copied), 'record')} copied"
        where = f"{mirrors.shown(target)} has all"
        if done.spoiled:
            output.line(
                f"✘ {copied}, {len(done.spoiled)} left out; {where} others up to number {done.lines}."
            )
        else:
            output.line(f"✔ {copied}; {where} up to number {done.lines}.")
    code = 3 if done.spoiled else 0
    output.result(
        {
            "lines": done.lines,
            "copied": list(done.copied),
            "spoiled": list(done.spoiled),
            "busy": done.busy,
            "exit_code": code,
        }
    )
    return code
