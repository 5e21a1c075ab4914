"""The output of commands: sentences for people, and one JSON line for programs.

Only this module writes to the terminal. It makes control characters visible and works with every encoding. If
the pipe or terminal is closed, the run continues and makes its record.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TextIO

from vergeos_nb.canonical import finite
from vergeos_nb.cli.plain import PIECE, csv_pieces, table_lines
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.masking import masked, masked_data
from vergeos_nb.views.text import visible

# A pipe whose reader has ended; a closed terminal.
NOBODY_READS = (errno.EPIPE, errno.EIO)
# Replacements for our symbols if the terminal's encoding lacks them. Other characters become escapes.
_PLAIN = {
    "✔": "+", "✘": "x", "…": "...", "·": "-", "–": "-", "—": "-", "×": "x", "○": "o", "→": "->", "›": ">",
    "♥": "*", "△": "!", "⊘": "/",
}  # fmt: skip
_ERRORS = "vergeos-nb"


class Output:
    """Writes the result to standard output and the progress to standard error. All text is masked here."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    @property
    def live(self) -> bool:
        """Whether progress goes to a terminal."""
        return sys.stderr is not None and sys.stderr.isatty()

    @property
    def to_a_person(self) -> bool:
        """Whether the result goes to a terminal. A pipe and a file get all of a long table."""
        return sys.stdout is not None and sys.stdout.isatty()

    def line(self, text: str = "", *, hands_out: bool = False) -> None:
        """A line of the result for people; with ``--json`` it goes to standard error.

        Args:
            hands_out: it gives the reader a token on purpose, and nothing in it is masked.
        """
        shown = visible(text) if hands_out else _shown(text)
        _write(shown + "\n", sys.stderr if self.as_json else sys.stdout)

    def block(self, text: str) -> None:
        """Several lines of the result. The caller has made control characters in them visible."""
        _write(_shown(text, keep="\n") + "\n", sys.stderr if self.as_json else sys.stdout)

    def progress(self, text: str) -> None:
        """A line about the progress."""
        _write(_shown(text) + "\n", sys.stderr)

    def problem(self, text: str) -> None:
        """Several lines about what went wrong."""
        _write(_shown(text, keep="\n") + "\n", sys.stderr)

    def draw(self, before: str, lines: Iterable[str], after: str) -> None:
        """Lines with terminal codes around them. Control characters in the lines are made visible."""
        _write(before + "\n".join(_shown(line) for line in lines) + after + "\n", sys.stderr)

    def csv(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """The result as CSV, written while the rows come. Ends early if nobody reads any more."""
        for piece in csv_pieces(names, rows):
            if not _write(masked(piece), sys.stdout):
                return

    def table(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """The result as a table, however long. Ends early if nobody reads any more."""
        lines = table_lines(names, rows)
        while piece := list(islice(lines, PIECE)):
            if not _write(_shown("\n".join(piece), keep="\n") + "\n", sys.stdout):
                return

    def result(self, data: Mapping[str, Any], *, hands_out: bool = False) -> None:
        """The result for programs: the last line of standard output, only with ``--json``.

        Args:
            hands_out: it gives the reader a token on purpose, and nothing in it is masked.
        """
        if self.as_json:
            _write(as_json(data if hands_out else masked_data(data)) + "\n", sys.stdout)

    def result_of_many(self, name: str, items: Iterable[Mapping[str, Any]], rest: Mapping[str, Any]) -> None:
        """The same with a list that may be long, as its first value, written while the items come.

        Args:
            name: of that list.
            rest: the other values.
        """
        if not self.as_json:
            return
        rows = iter(items)
        begun = f'{{"{name}": ['
        try:
            while piece := list(islice(rows, PIECE)):
                if not _write(begun + ", ".join(as_json(masked_data(row)) for row in piece), sys.stdout):
                    return
                begun = ", "
        except BaseException:
            # The last line is then the error alone.
            _write("\n", sys.stdout)
            raise
        end = as_json(masked_data(rest))[1:]
        _write(f"{begun if begun != ', ' else ''}], {end}\n", sys.stdout)


def _shown(text: str, keep: str = "") -> str:
    """The text, masked and then with control characters made visible. Masking needs the original text."""
    return masked(visible(masked(text), keep=keep))


def as_json(data: Mapping[str, Any]) -> str:
    """JSON in ASCII, without terminal escapes and without characters that change the direction of writing."""
    import json  # loads slowly, as `pathlib` does, and help does without

    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError:
        text = json.dumps(finite(data, lambda number: None), allow_nan=False)
    # The only ASCII control character that JSON does not escape.
    return text.replace("\x7f", "\\u007f")


def said(error: VergeNbError) -> str:
    """An error as lines. Text in the error cannot imitate one of these lines."""
    next_step = f"\nWhat to do: {visible(error.next_step)}" if error.next_step else ""
    return f"{visible(error.asked)}: {visible(error.came_back)}{next_step}"


def hold_standard_streams() -> None:
    """Open what of 0, 1 and 2 is closed, onto nothing.

    Another file would get the number otherwise, and everything that is printed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def flush_streams() -> None:
    """Write what the standard streams still hold.

    Raises:
        OSError, ValueError: one of them cannot be written, or is closed.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def prepare_streams() -> None:
    """Make all output work with the encoding of standard output and error, also click's, such as help."""
    _unwritten.clear()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def unwritten() -> RecordError | None:
    """Why the answer could not be written, or None. A closed pipe is not an error."""
    if not _unwritten:
        return None
    return RecordError(
        "writing the answer", _unwritten[0], "free space or write it to another place, then run it again"
    )


def let_go(stream: TextIO, error: OSError) -> None:
    """Discard all further output to a stream that failed, and remember why it failed."""
    from pathlib import Path  # as above

    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
    if error.errno not in NOBODY_READS and stream is not sys.stderr:
        _unwritten.append(error.strerror or str(error))
        _write(f"The answer could not be written: {error.strerror}\n", sys.stderr)


_unwritten: list[str] = []


def _write(text: str, stream: TextIO | None) -> bool:
    """Write if possible. False if the stream takes nothing any more."""
    if stream is None:  # it was closed before this process began
        return False
    try:
        stream.write(_encodable(text, stream))
        stream.flush()
    except ValueError:
        return False  # it was closed later
    except OSError as error:
        let_go(stream, error)
        return False
    return True


def _encodable(text: str, stream: TextIO) -> str:
    """The text with only those characters that the stream's encoding has."""
    encoding = stream.encoding or "utf-8"
    for name, errors in ((encoding, "strict"), (encoding, _ERRORS), ("ascii", _ERRORS)):
        try:
            return text.encode(name, errors).decode(name)
        except (UnicodeError, LookupError):
            continue
    return ascii(text)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("unicode_escape").decode() for c in signs), error.end


codecs.register_error(_ERRORS, _replaced)
