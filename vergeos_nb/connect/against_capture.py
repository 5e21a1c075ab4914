"""Find where the simulator differs from a captured system: tables, columns, types, words. Asks no system.

A user can send us the capture, whose names are masked, so that we can correct the simulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from vergeos_nb.errors import UsageError
from vergeos_nb.shapes import Unfit, read_json
from vergeos_nb.simulator import CAPTURE_FORMAT
from vergeos_nb.simulator.tables.schema import ColumnSpec, TableSpec, tables

Rows = Sequence[Mapping[str, Any]]

# The kinds of JSON values by the simulator's types; null fits all of them.
_KINDS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"number"}),
    "bool": frozenset({"truth value"}),
    "text": frozenset({"text"}),
    "enum": frozenset({"text"}),
    "ref": frozenset({"text"}),
    "fk": frozenset({"number", "text"}),
    "rows": frozenset({"list"}),
    "json": frozenset({"list", "object"}),
}
_JSON = {bool: "truth value", int: "number", float: "number", str: "text", list: "list", dict: "object"}


class _Capture(msgspec.Struct):
    format: str
    version: str
    tables: dict[str, list[dict[str, Any]]]
    samples: dict[str, list[dict[str, Any]]] = {}


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which the simulator differs from a captured system.

    Attributes:
        column: "" if the table as a whole differs.
        what: how it differs, in words.
    """

    table: str
    column: str
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a captured system with the simulator.

    Attributes:
        compared: the tables of which the capture has whole rows.
    """

    version: str
    compared: Sequence[str]
    differences: Sequence[Difference]


def against_capture(path: Path) -> Comparison:
    """Compare the simulator with a file of ``vergeos-nb capture``.

    Raises:
        UsageError: the file cannot be read, or is not a capture.
    """
    try:
        held = read_json(path, _Capture)
        if held.format != CAPTURE_FORMAT:
            raise Unfit(f"its format is {held.format!r}, and this version reads {CAPTURE_FORMAT!r}")
    except Unfit as unfit:
        hint = unfit.hint or "name a file that vergeos-nb capture wrote"
        raise UsageError(f"comparing with {path}", unfit.why, hint) from unfit
    known = tables()
    found: list[Difference] = []
    for name, rows in sorted(held.samples.items()):
        if rows and name not in known:
            found.append(Difference(name, "", "the simulator has no such table"))
        elif rows:
            found += _columns(known[name], rows)
            found += _words(known[name], (*rows, *held.tables.get(name, ())))
    return Comparison(held.version, sorted(name for name, rows in held.samples.items() if rows), found)


def _columns(spec: TableSpec, rows: Rows) -> Iterator[Difference]:
    """Columns that are missing in one of the two, and values of different types."""
    theirs = {name for row in rows for name in row if name != "$key"}
    for name in sorted(theirs - set(spec.columns)):
        kinds = " or ".join(_kinds(rows, name)) or "null"
        yield Difference(spec.name, name, f"the simulator lacks it; the system has {kinds}")
    # A row of the view `most` has these.
    for name in (name for name in spec.view("most") if name != "$key" and name not in theirs):
        yield Difference(spec.name, name, "the system lacks it; the simulator has it")
    for name in sorted(theirs & set(spec.columns)):
        column = spec.columns[name]
        if other := [kind for kind in _kinds(rows, name) if kind not in _KINDS.get(column.type, {kind})]:
            yield Difference(
                spec.name, name, f"the system has {' or '.join(other)}; the simulator has {column.type}"
            )


def _kinds(rows: Rows, name: str) -> list[str]:
    """The kinds of JSON values that the rows have there, null left out."""
    return sorted({_JSON.get(type(row[name]), "number") for row in rows if row.get(name) is not None})


def _words(spec: TableSpec, rows: Rows) -> Iterator[Difference]:
    """Words that the simulator's lists lack. In a capture an unknown word is masked."""
    for column in spec.columns.values():
        if column.choices and (other := _unknown(column, rows)):
            yield Difference(
                spec.name, column.name, f"words that the simulator does not know: {', '.join(other)}"
            )


def _unknown(column: ColumnSpec, rows: Rows) -> list[str]:
    words = {row[column.name] for row in rows if isinstance(row.get(column.name), str)}
    return sorted(words - {*column.choices, ""})
