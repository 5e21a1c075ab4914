"""The tables as data: column types, defaults and views, read from the folder tables/.

The text is the documentation. This module reads it for the query grammar and for writing: the columns of a
view, the values that a column accepts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

VIEWS = ("all", "most", "summary", "dashboard")
"""Names that stand for a set of columns in `fields=` (D-guide; `dashboard` only where it is defined)."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column. `target` is what fk() and rows() point to; `default` is its value when unset."""

    name: str
    type: str
    flags: frozenset[str] = frozenset()
    default: Any = None
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    target: str | None = None
    back: str | None = None

    @property
    def is_rows(self) -> bool:
        """Does this column hold the rows of another table that point here?"""
        return self.type == "rows"


@dataclass(frozen=True)
class TableSpec:
    """One table: its columns in order and how it may be used."""

    name: str
    columns: dict[str, ColumnSpec] = field(default_factory=dict)
    bare: tuple[str, ...] = ("$key",)
    options: frozenset[str] = frozenset()
    key_column: str | None = None

    def view(self, name: str) -> tuple[str, ...]:
        """Return the columns of the view `all`, `most` or `summary`, in table order.

        `all` has every own column; `most` leaves out arguments and rows; `summary` has the flagged
        ones (D-guide). `all` of some tables lacks `$key` (pyvergeos 1.7.1 base.py, measured).
        """
        lead = () if name == "all" and "no-key-in-all" in self.options else ("$key",)
        if name == "all":
            return lead + tuple(self.columns)
        if name == "summary":
            return lead + tuple(c.name for c in self.columns.values() if "sum" in c.flags)
        return lead + tuple(c.name for c in self.columns.values() if "arg" not in c.flags and not c.is_rows)


FILES = ("machines.txt", "devices.txt", "system.txt", "storage.txt", "clients.txt", "empty.txt")

_TYPE = re.compile(r"^(?P<type>[a-z]+)(?:\((?P<inside>[^)]*)\))?$")
_COLUMN = re.compile(
    r"^(?P<name>\S+)\s+(?P<type>[a-z]+(?:\([^)]*\))?)(?P<flags>[^=]*)(?:=\s*(?P<default>.*))?$"
)


@lru_cache(maxsize=1)
def tables() -> dict[str, TableSpec]:
    """Return every table by name."""
    folder = resources.files("vergeos_nb.simulator").joinpath("tables")
    found: dict[str, TableSpec] = {}
    for file in FILES:
        _read(folder.joinpath(file).read_text(encoding="utf-8"), found)
    return found


def column_words(table: str) -> dict[str, frozenset[str]]:
    """Return the columns of a table that hold one of a few words, each with its words; {} for no table."""
    spec = tables().get(table)
    columns = spec.columns.values() if spec else ()
    return {column.name: frozenset(column.choices) for column in columns if column.choices}


def columns_of(table: str) -> dict[str, str]:
    """Return the columns of a table, each with the table that it links to or ""; {} for no table."""
    spec = tables().get(table)
    columns = spec.columns.values() if spec else ()
    return {column.name: (column.target or "") if column.type == "fk" else "" for column in columns}


def _read(text: str, found: dict[str, TableSpec]) -> None:
    current: TableSpec | None = None
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("table "):
            current = _table(line)
            found[current.name] = current
        elif current is not None:
            column = _column(line.strip())
            current.columns[column.name] = column


def _table(line: str) -> TableSpec:
    _, name, *words = line.split()
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    return TableSpec(
        name=name,
        bare=tuple(settings.get("bare", "$key").split(",")),
        options=frozenset(word for word in words if "=" not in word),
        key_column=settings.get("key"),
    )


def _column(line: str) -> ColumnSpec:
    match = _COLUMN.match(line)
    kind = _TYPE.match(match["type"]) if match else None
    if match is None or kind is None:
        raise ValueError(f"tables: not a column: {line!r}")
    inside = kind["inside"] or ""
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", inside)
    target, _, back = inside.partition(".") if kind["type"] in ("fk", "rows") else ("", "", "")
    default = json.loads(match["default"]) if match["default"] else _natural_default(kind["type"])
    return ColumnSpec(
        name=match["name"],
        type=kind["type"],
        flags=frozenset(match["flags"].split()),
        default=default,
        choices=tuple(inside.split()) if kind["type"] == "enum" else (),
        bounds=(int(numbers[1]), int(numbers[2])) if numbers else _text_bounds(kind["type"], inside),
        target=target or None,
        back=back or None,
    )


def _text_bounds(kind: str, inside: str) -> tuple[int, int] | None:
    return (0, int(inside)) if kind == "text" and inside else None


def _natural_default(kind: str) -> Any:
    # Empty JSON columns come as [] and unset texts as "" (D-power rows); links are null.
    return {"text": "", "json": []}.get(kind)
