"""The vendor's command line in this process. Its commands are built once, as that takes half a second."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any

from typer.main import get_command
from verge_cli.cli import app


@cache
def _command() -> Any:
    return get_command(app)


def vrg(words: str) -> tuple[int, str]:
    """Run ``vrg`` with these words. Its exit code, and what it printed."""
    printed, code = io.StringIO(), None
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            _command().main(args=words.split(), prog_name="vrg")
        except SystemExit as end:
            code = end.code
    return (code if isinstance(code, int) else int(code is not None)), printed.getvalue()
