"""Read a file of VMs: its encoding, its form, and its rows.

The form follows from these rules, and is never guessed from how often a character occurs:

1. It begins with ``[`` or ``{``: JSON, a list or an object with a list ``vms``.
2. Split at commas, semicolons or tabs, its first line has a column ``name``, ``vm_key`` or ``key``: a table
   with that delimiter.
3. Otherwise: one VM per line. If all lines are whole numbers, they are keys; otherwise they are names.

A name is used exactly as it is written. Only the quotes that a form puts around a text are removed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.values.step_tables import TRIAGE
from vergeos_nb.shapes import Unfit, json_of

IDENTIFYING = ("name", "vm_key", "key")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_KEY = re.compile("[1-9][0-9]{0,17}")
# The longer marks first, because the mark of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# If the first line is one of these, it is a column's name and not a VM's.
_HEADINGS = {name for name, _ in TRIAGE.columns} | {
    *("host", "hostname", "id", "machine", "server", "vm", "vm name", "vm_name", "vmname", "vms")
}


class Form(StrEnum):
    """How a file says which VMs it means."""

    JSON = "json"
    TABLE = "table"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class ListedVm:
    """The rows of a file: objects with ``name``, ``vm_key`` or ``key``, names (text) or keys (int)."""

    form: Form
    rows: Sequence[Any]


def read_rows(path: Path, asked: str) -> ListedVm:
    """The rows of a file of VMs.

    Args:
        asked: the attempted action, for the error.

    Raises:
        UsageError: it cannot be read, or has none of the forms.
    """
    try:
        text = _decoded(path.read_bytes())
    except (OSError, ValueError) as error:
        said = f"it is no text in UTF-8 or UTF-16: {error}" if isinstance(error, ValueError) else str(error)
        raise UsageError(asked, said, "give a CSV or JSON file, saved as UTF-8") from error
    try:
        if text.lstrip().startswith(("[", "{")):
            return ListedVm(Form.JSON, _json(text, asked))
        return _table(text, asked) or _lines(text, asked)
    except csv.Error as error:
        hint = 'put a name that holds a quote or a line feed in quotes, with "" for each quote in it'
        raise UsageError(asked, f"it cannot be split into cells: {error}", hint) from error


def _decoded(content: bytes) -> str:
    """Decode a text by its byte order mark; without a mark, UTF-16 is recognised by a zero byte.

    Raises:
        ValueError: it is neither.
    """
    # Every form begins with an ASCII character, so in UTF-16 one of the first two bytes is zero.
    unmarked = {(False, True): "utf-16-le", (True, False): "utf-16-be"}
    zeros = (content[:1] == b"\0", content[1:2] == b"\0")
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    text = content.decode(marked or unmarked.get(zeros, "utf-8"))
    if "\0" in text:
        raise ValueError("it holds bytes of zero")
    return text


def _json(text: str, asked: str) -> list[Any]:
    try:
        data = json_of(text)
    except Unfit as unfit:
        hint = "give what `stuck --json` prints; a list of names may begin with the line `name`"
        raise UsageError(asked, unfit.why, hint) from None
    items = data.get("vms") if isinstance(data, dict) else data
    if not isinstance(items, list):
        raise UsageError(asked, "it holds no list of VMs", "give a list, or an object with a list `vms`")
    return items


def _table(text: str, asked: str) -> ListedVm | None:
    """The rows below a line with column names; None if there is no such line."""
    said, text = _announced(text)
    headers = {
        mark: [cell.strip().casefold() for cell in _tried(text, mark)]
        for mark in ([said] if said else DELIMITERS)
    }
    fitting = {mark: names for mark, names in headers.items() if {*names} & {*IDENTIFYING}}
    if not fitting:
        return None
    # A line with only one column is the same with each delimiter.
    several = [mark for mark, names in fitting.items() if len(names) > 1] or [next(iter(fitting))]
    if len(several) > 1:
        told = " and at ".join(DELIMITERS[mark] for mark in several)
        raise UsageError(asked, f"its first line can be split at {told}", "use one delimiter")
    names = fitting[several[0]]
    for name in IDENTIFYING:
        if names.count(name) > 1:
            raise UsageError(asked, f"it has {names.count(name)} columns {name!r}", "keep one of them")
    rows = [_row(names, line, cells, asked) for line, cells in _split(text, several[0])[1:] if any(cells)]
    return ListedVm(Form.TABLE, rows)


def _announced(text: str) -> tuple[str, str]:
    """The delimiter that a first line such as ``sep=;`` names, as spreadsheets write it, and the rest."""
    found = re.match(r"\s*sep=([,;\t])\r?\n", text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _split(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return [(reader.line_num, cells) for cells in reader if cells]


def _tried(text: str, delimiter: str) -> list[str]:
    """The cells of the first row that is not empty, if this were the delimiter. Quotes need not match."""
    return next(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), [])


def _row(names: Sequence[str], line: int, cells: Sequence[str], asked: str) -> Mapping[str, str]:
    if any(cells[len(names) :]):
        said = f"line {line} has {len(cells)} cells, and there are {len(names)} columns"
        raise UsageError(asked, said, "put a text that holds the delimiter in quotes")
    return {name: cell for name, cell in zip(names, cells, strict=False) if name in IDENTIFYING}


def _lines(text: str, asked: str) -> ListedVm:
    """One VM a line."""
    found = []
    for number, line in enumerate(re.split("\r\n|\n|\r", text), start=1):
        if not line.strip():
            continue
        if any(len(_tried(line, mark)) > 1 for mark in DELIMITERS):
            said = f"line {number} could be several columns, and the first line names none"
            hint = "let the first line name the columns (name or vm_key), or put the name in quotes"
            raise UsageError(asked, said, hint)
        found += [cells[0] for _, cells in _split(line, ",")]
    if found and found[0].strip().casefold() in _HEADINGS:
        raise UsageError(asked, f"its only column is {found[0]}", "give name or vm_key")
    if all(_KEY.fullmatch(one) for one in found):
        return ListedVm(Form.LINES, [int(one) for one in found])
    return ListedVm(Form.LINES, found)
