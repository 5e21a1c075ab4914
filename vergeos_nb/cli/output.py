"""What the commands print: sentences for people, and one JSON line for programs."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import click

from vergeos_nb.masking import masked, masked_data

# A pipe whose reader has ended; a terminal that is closed.
NOBODY_READS = (errno.EPIPE, errno.EIO)


class Output:
    """Standard output holds the result, standard error the progress.

    Whoever reads them may go away, as ``head`` or a closed terminal do. A run is not cut short because nobody
    looks: it goes on and makes its record. Whatever is shown is masked here.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def line(self, text: str = "", *, hands_out: bool = False) -> None:
        """A line of the result for people; with ``--json`` it goes to standard error.

        Args:
            hands_out: it gives the reader a token on purpose, and nothing in it is masked.
        """
        _say(text if hands_out else masked(text), sys.stderr if self.as_json else sys.stdout)

    def progress(self, text: str) -> None:
        """A line about what is going on."""
        _say(masked(text), sys.stderr)

    def result(self, data: Mapping[str, Any], *, hands_out: bool = False) -> None:
        """The result for programs: the last line of standard output, only with ``--json``.

        Args:
            hands_out: it gives the reader a token on purpose, and nothing in it is masked.
        """
        if self.as_json:
            _say(json.dumps(data if hands_out else masked_data(data), ensure_ascii=False), sys.stdout)


def _say(text: str, stream: TextIO) -> None:
    try:
        click.echo(text, file=stream)
    except OSError as error:
        # Whatever is written from now on, and what is still to be flushed at the end, goes nowhere.
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        if error.errno not in NOBODY_READS and stream is not sys.stderr:
            _say(f"The answer could not be written: {error.strerror}", sys.stderr)
