"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from vergeos_nb import settings
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.shapes import is_folder


def _output(ctx: click.Context, param: click.Parameter, as_json: bool) -> Output:
    return Output(as_json)


def _outputs(ctx: click.Context, param: click.Parameter, named: str | None) -> Path:
    return Path(named) if named else settings.outputs_dir()


def _archive(ctx: click.Context, param: click.Parameter, named: str | None) -> Path:
    return existing(_outputs(ctx, param, named))


def existing(folder: Path) -> Path:
    """The archive's folder.

    Raises:
        UsageError: there is none.
    """
    if not is_folder(folder):
        raise UsageError("looking into the archive", f"there is no folder {folder}", "name it with --outputs")
    return folder


def _pairs(ctx: click.Context, param: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` texts as a mapping. A value may hold further equals signs."""
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(
                "reading the parameters", f"{pair!r} is not NAME=VALUE", "write it as -p vm_name=web-01"
            )
        if name in given:
            raise UsageError("reading the parameters", f"{name} is given twice", "give it once")
        given[name] = value
    return given


# An `Output`.
json_option = click.option(
    "--json", "output", is_flag=True, callback=_output, help="Print one JSON object as the last line."
)
# The folder of the archive. It need not exist.
outputs_option = click.option(
    "--outputs",
    metavar="DIR",
    callback=_outputs,
    help="Where records go. [default: VERGEOS_NB_OUTPUTS, or ./outputs]",
)
# The same for commands that read the archive. The folder must exist.
archive_option = click.option(
    "--outputs",
    metavar="DIR",
    callback=_archive,
    help="The archive. [default: VERGEOS_NB_OUTPUTS, or ./outputs]",
)


# A port to listen on.
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="The port; 0 takes a free one.",
)


def pairs_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``-p NAME=VALUE``, as a mapping of texts."""
    return click.option("-p", "pairs", metavar="NAME=VALUE", multiple=True, callback=_pairs, help=help)
