"""Groups and commands that are imported when they are called, and return an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from vergeos_nb.cli.output import Output, unwritten
from vergeos_nb.version import __version__


class Boxed(Exception):  # noqa: N818 — it says nothing of its own
    """Carries an exception past click, which would handle it itself, with its own words and exit code."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


class Command(click.Command):
    """A command whose function returns the exit code."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _with_our_help(super().get_help_option(ctx))

    def invoke(self, ctx: click.Context) -> Any:
        if code := super().invoke(ctx):
            ctx.exit(code)


class Asking(Command):
    """A command that only answers. If the answer cannot be written, the command has failed."""

    def invoke(self, ctx: click.Context) -> Any:
        super().invoke(ctx)
        _refuse_unwritten()


class Group(click.Group):
    """A group of commands. A command's module is imported when the command is first needed.

    Args:
        late: for the name of each command, its place as ``module:command`` below ``vergeos_nb.cli`` and the
            first sentence of its help.
    """

    def __init__(self, *args: Any, late: Mapping[str, tuple[str, str]] = {}, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.late = late

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self.late})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.commands and name in self.late:
            module, _, command = self.late[name][0].partition(":")
            self.add_command(getattr(import_module(f"vergeos_nb.cli.{module}"), command), name)
        return self.commands.get(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        told = {name: command.help or "" for name, command in self.commands.items()}
        told |= {name: sentence for name, (_, sentence) in self.late.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(told.items()))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _with_our_help(super().get_help_option(ctx))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, EOFError, KeyboardInterrupt) as error:
            raise Boxed(error) from error


def _with_our_help(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.callback = _show_help
    return option


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


version_option = click.Option(
    ["--version"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    help="Show the version and exit.",
    callback=_show_version,
)
