"""Text from outside for terminals, CSV and JSON: nothing in it is obeyed by what shows it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vergeos_nb.masking import masked, masked_data
from vergeos_nb.views.text import visible

# What spreadsheets read as the beginning of a formula, in half and in full width.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


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
    """CSV with a line of names. Text that a spreadsheet would compute gets an apostrophe before it."""
    file = io.StringIO()
    # All in quotes: where a spreadsheet splits at semicolons, one in a text opens no cell.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([_inert(value) for value in row] for row in rows)
    return file.getvalue()


def as_json(data: Mapping[str, Any]) -> str:
    """JSON in ASCII: terminal escapes and marks that turn the direction of writing are spelled out."""
    # ASCII's one control character that JSON leaves as it is.
    return json.dumps(masked_data(data)).replace("\x7f", "\\u007f")


def _inert(value: Any) -> str:
    shown = cell(value)
    return f"'{shown}" if isinstance(value, str) and shown.lstrip().startswith(_FORMULA) else shown
