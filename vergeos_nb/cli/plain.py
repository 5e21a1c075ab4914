"""Make text from outside safe for terminals and CSV, so that no part of it acts as a command."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from vergeos_nb.masking import masked
from vergeos_nb.views.text import csv_text, visible


def cell(value: Any) -> str:
    """A value as one line of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(masked(str(value)))


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in columns."""
    cells = [list(names), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(names))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def as_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a header line. Text that a spreadsheet would compute gets an apostrophe before it."""
    # Few commands print CSV.
    import csv

    file = io.StringIO()
    # All values are in quotes, so that a semicolon in a text does not start a cell in any spreadsheet.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([_inert(value) for value in row] for row in rows)
    return file.getvalue()


def _inert(value: Any) -> str:
    return csv_text(value) if isinstance(value, str) else cell(value)
