"""Make text from outside safe for terminals and CSV, so that no part of it acts as a command."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from vergeos_nb.masking import masked
from vergeos_nb.views.text import csv_text, visible

PIECE = 500
"""How many rows of a long answer are written at once."""
# In no cell, because `visible` leaves no control character.
_SEAM = "\0"


def cell(value: Any) -> str:
    """A value as one line of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(masked(str(value)))


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in columns."""
    return "\n".join(table_lines(names, rows))


def table_lines(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a table in columns. Only the text of the cells is held."""
    widths = [len(name) for name in names]
    lines = [_SEAM.join(names)]
    for row in rows:
        cells = [cell(value) for value in row]
        widths = [max(width, len(text)) for width, text in zip(widths, cells, strict=True)]
        lines.append(_SEAM.join(cells))
    for line in lines:
        padded = (text.ljust(width) for text, width in zip(line.split(_SEAM), widths, strict=True))
        yield "  ".join(padded).rstrip()


def csv_pieces(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV with a header line, in pieces of whole lines.

    Text that a spreadsheet would compute gets an apostrophe before it.
    """
    # Few commands print CSV.
    import csv

    rest = iter(rows)
    values: list[Sequence[Any]] = [names]
    while values:
        file = io.StringIO()
        # All values are in quotes, so that a semicolon in a text does not start a cell in any spreadsheet.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([_inert(value) for value in row] for row in values)
        yield file.getvalue()
        values = list(islice(rest, PIECE))


def _inert(value: Any) -> str:
    return csv_text(value) if isinstance(value, str) else cell(value)
