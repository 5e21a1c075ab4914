"""Run a command. Its exit code is always a documented one, and each exception becomes a sentence."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress

import click

from vergeos_nb.cli.commands import Boxed
from vergeos_nb.cli.last_door import as_ours, quiet_threads
from vergeos_nb.cli.output import Output, flush_streams, hold_standard_streams, prepare_streams, said
from vergeos_nb.errors import UsageError
from vergeos_nb.files import keep_others_out
from vergeos_nb.views.text import visible

# Options that only show our own text, and nothing that was typed.
_ONLY_ASKS = {"-h", "--help", "--version"}


def call(command: click.Command, arguments: list[str] | None) -> int:
    """Run the command line. Returns the exit code.

    Args:
        arguments: None means the arguments of this process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    answer = Output(as_json="--json" in given)
    leaving = _Leaving()
    try:
        hold_standard_streams()
        # Also for the files of libraries and of programs that the command starts.
        keep_others_out()
        prepare_streams()
        quiet_threads()
        atexit.register(leaving)
        # An error may quote the command line, and a secret in it must be masked.
        if not _ONLY_ASKS & set(given):
            _read_settings()
        code = _call(command, given)
        if arguments is None:
            leaving.code = code
        return code
    except click.ClickException as error:
        _show(error)
        answer.result({"error": error.format_message(), "exit_code": UsageError.exit_code})
        return UsageError.exit_code
    except BaseException as error:
        ours = as_ours(error)
        Output(as_json=False).problem(said(ours))
        answer.result(ours.as_dict())
        return ours.exit_code


class _Leaving:
    """Called when everything else has ended: ends a process that has done its work.

    Python would collect garbage and delete each module first, which takes 0.1 s after a run.

    Attributes:
        code: the exit code, if this process only ran the command.
    """

    code: int | None = None

    def __call__(self) -> None:
        gc.freeze()
        if self.code is not None:
            # Python itself reports that a stream cannot be written.
            with suppress(OSError, ValueError):
                flush_streams()
                os._exit(self.code)


def _call(command: click.Command, given: list[str]) -> int:
    try:
        ended = command.main(args=given, prog_name="vergeos-nb", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Boxed as box:
        raise box.error from None
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    return ended if isinstance(ended, int) else 0


def _read_settings() -> None:
    """Have all output masked, and give Jupyter a folder if the user has none, because it would not start."""
    # Loads slowly, and help does not need it.
    from vergeos_nb import settings

    settings.remember_secrets()
    if not _has_home():
        # Loads slowly, and is not needed if the user has a home directory.
        import tempfile
        from pathlib import Path

        place = tempfile.TemporaryDirectory(prefix="vergeos-nb-home-")
        atexit.register(place.cleanup)
        settings.give_jupyter_a_place(Path(place.name))


def _has_home() -> bool:
    """Whether the user has a writable home directory, which Jupyter needs."""
    from pathlib import Path  # loads slowly, and help does without

    try:
        home = Path("~").expanduser()
    except RuntimeError:
        return False  # a number that no user database knows
    return os.access(home, os.W_OK | os.X_OK)


def _show(error: click.ClickException) -> None:
    """Click's own message, in which control characters of the command line are made visible."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        Output(as_json=False).problem(error.format_message())  # the help, which is our own text
        return
    lines = [f"Error: {visible(error.format_message())}"]
    if isinstance(error, click.UsageError) and error.ctx is not None:
        lines = [error.ctx.get_usage(), "", *lines, f"What to do: see `{error.ctx.command_path} --help`"]
    Output(as_json=False).problem("\n".join(lines))
