"""Options that commands share, and commands whose help goes through the one writer to the terminal."""

from __future__ import annotations

from typing import Any

import click

from vergeos_nb.cli.output import Output, unwritten
from vergeos_nb.version import __version__

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
outputs_option = click.option(
    "--outputs",
    metavar="DIR",
    default=None,
    help="Where records go. [default: VERGEOS_NB_OUTPUTS, or ./outputs]",
)


class Boxed(Exception):  # noqa: N818 — it says nothing of its own
    """An exception that click would handle itself, in our words and with our exit code."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class Command(click.Command):
    """A command whose help is written as its output is."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


class Asking(Command):
    """A command whose only effect is its answer. If the answer cannot be written, the command has failed."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            super().invoke(ctx)
        except SystemExit as end:
            if end.code:
                raise
        _refuse_unwritten()
        return 0


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, EOFError, KeyboardInterrupt) as error:
            raise Boxed(error) from error


Group.group_class = Group


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        Output(as_json=False).block(ctx.get_help())
        _refuse_unwritten()
        ctx.exit()


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        Output(as_json=False).line(f"vergeos-nb, version {__version__}")
        _refuse_unwritten()
        ctx.exit()


def _refuse_unwritten() -> None:
    if (error := unwritten()) is not None:
        raise error


version_option = click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    help="Show the version and exit.",
    callback=_show_version,
)
