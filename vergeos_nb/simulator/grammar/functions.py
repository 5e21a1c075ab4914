"""The functions that an entry of `fields=` may call (D-guide's list; formats not shown there are assumed).

Each takes the value of its first argument: a row's column, or a list of the rows behind one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from vergeos_nb.simulator.api.resolve import display_name
from vergeos_nb.simulator.grammar.comparing import as_text
from vergeos_nb.simulator.tables.schema import ColumnSpec
from vergeos_nb.simulator.world.world import World


def display(world: World, column: ColumnSpec | None, value: Any) -> Any:
    """`display(x)`, the text in the UI: an enum's label, the name of the row behind a link, or the value."""
    if column is not None and column.type == "fk" and value is not None:
        row = world.get(str(column.target), value)
        return display_name(world, str(column.target), row) if row else None
    if column is not None and column.type == "enum" and isinstance(value, str):
        return value.replace("_", " ").capitalize()
    return value


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _numbers(value: Any) -> list[int | float]:
    return [each for each in _rows(value) if _is_number(each)]


def _bytes(value: Any) -> bytes:
    return as_text(value).encode("utf-8", "surrogatepass")


def _collapse(value: Any) -> list[Any]:
    """Rows of one field each as a list of that field's values."""
    return [
        next(iter(row.values())) if isinstance(row, dict) and len(row) == 1 else row for row in _rows(value)
    ]


def _moment(value: Any) -> str | None:
    """Epoch seconds as `YYYY-MM-DD HH:MM:SS`, UTC."""
    if not _is_number(value) or not 0 <= value < 250_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _diskspace(value: Any) -> str | None:
    """Bytes with a binary unit."""
    if not _is_number(value):
        return None
    size = float(value)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(size) < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _hexadecimal(value: Any) -> str | None:
    """A number in hexadecimal, or the bytes of a text."""
    if isinstance(value, int):
        return format(int(value), "x")
    return _bytes(value).hex() if value is not None else None


def _average(value: Any) -> float | None:
    numbers = _numbers(value)
    return sum(numbers) / len(numbers) if numbers else None


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "collapse": _collapse,
    "datetime": _moment,
    "diskspace": _diskspace,
    "hex": _hexadecimal,
    "upper": lambda value: as_text(value).upper(),
    "lower": lambda value: as_text(value).lower(),
    "sha1": lambda value: hashlib.sha1(_bytes(value), usedforsecurity=False).hexdigest(),
    "count": lambda value: len(_rows(value)),
    "sum": lambda value: sum(_numbers(value)),
    "avg": _average,
    "min": lambda value: min(_numbers(value), default=None),
    "max": lambda value: max(_numbers(value), default=None),
}
"""All functions except `display`, which also needs the column of its value."""
