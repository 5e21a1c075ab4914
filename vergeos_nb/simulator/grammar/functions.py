"""The functions a `fields=` entry may call (D-guide's list; formats not shown there are assumed)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from vergeos_nb.simulator.api.resolve import display_name
from vergeos_nb.simulator.grammar.comparing import as_text
from vergeos_nb.simulator.tables.schema import ColumnSpec
from vergeos_nb.simulator.world.world import World

Function = Callable[[World, "ColumnSpec | None", list[Any]], Any]


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def _rows(values: list[Any]) -> list[Any]:
    first = _first(values)
    return first if isinstance(first, list) else [] if first is None else [first]


def _numbers(values: list[Any]) -> list[int | float]:
    return [v for v in _rows(values) if isinstance(v, (int, float)) and not isinstance(v, bool)]


def count(world: World, column: ColumnSpec | None, values: list[Any]) -> int:
    """The number of rows behind a rows field (1 or 0 for anything else)."""
    return len(_rows(values))


def collapse(world: World, column: ColumnSpec | None, values: list[Any]) -> Any:
    """Flatten rows of one field each to a list of that field's values."""
    return [
        next(iter(item.values())) if isinstance(item, dict) and len(item) == 1 else item
        for item in _rows(values)
    ]


def upper(world: World, column: ColumnSpec | None, values: list[Any]) -> str:
    """In capitals."""
    return as_text(_first(values)).upper()


def lower(world: World, column: ColumnSpec | None, values: list[Any]) -> str:
    """In small letters."""
    return as_text(_first(values)).lower()


def moment(world: World, column: ColumnSpec | None, values: list[Any]) -> str | None:
    """`datetime(x)`: epoch seconds as `YYYY-MM-DD HH:MM:SS`, UTC."""
    value = _first(values)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 250_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")


def diskspace(world: World, column: ColumnSpec | None, values: list[Any]) -> str | None:
    """Bytes with a binary unit."""
    value = _first(values)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    size = float(value)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(size) < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def display(world: World, column: ColumnSpec | None, values: list[Any]) -> Any:
    """The UI text: an enum's label, the name of the row behind a foreign key, otherwise the
    value.
    """
    value = _first(values)
    if column is not None and column.type == "fk" and value is not None:
        row = world.get(str(column.target), value)
        return display_name(world, str(column.target), row) if row else None
    if column is not None and column.type == "enum" and isinstance(value, str):
        return value.replace("_", " ").capitalize()
    return value


def hexadecimal(world: World, column: ColumnSpec | None, values: list[Any]) -> str | None:
    """`hex(x)`: a number in hexadecimal, or the bytes of a text."""
    value = _first(values)
    if isinstance(value, int):
        return format(int(value), "x")
    return as_text(value).encode("utf-8", "surrogatepass").hex() if value is not None else None


def sha1(world: World, column: ColumnSpec | None, values: list[Any]) -> str:
    """The SHA-1 of a value's text, in hexadecimal."""
    text = as_text(_first(values)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def total(world: World, column: ColumnSpec | None, values: list[Any]) -> int | float:
    """`sum(x)` over rows."""
    return sum(_numbers(values))


def average(world: World, column: ColumnSpec | None, values: list[Any]) -> float | None:
    """`avg(x)` over rows; null for none."""
    numbers = _numbers(values)
    return sum(numbers) / len(numbers) if numbers else None


def least(world: World, column: ColumnSpec | None, values: list[Any]) -> int | float | None:
    """`min(x)` over rows; null for none."""
    return min(_numbers(values), default=None)


def most(world: World, column: ColumnSpec | None, values: list[Any]) -> int | float | None:
    """`max(x)` over rows; null for none."""
    return max(_numbers(values), default=None)


FUNCTIONS: dict[str, Function] = {
    "collapse": collapse, "count": count, "datetime": moment, "upper": upper, "lower": lower,
    "diskspace": diskspace, "display": display, "hex": hexadecimal, "sha1": sha1, "sum": total,
    "avg": average, "min": least, "max": most,
}  # fmt: skip
