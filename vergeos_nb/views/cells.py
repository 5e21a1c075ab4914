"""Step results as rows of text for people. A view needs no DataFrame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.table import ColumnKind, Table
from vergeos_nb.views.text import visible

# Tables whose last column is a count. They get bars.
COUNTED = frozenset({"fleet", "outcomes", "often"})


class Grid(Struct, frozen=True):
    """A table's texts: the names of its columns, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def plain(self) -> str:
        """As columns, for a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            "  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def grid(table: Table) -> Grid:
    """A table as texts. Missing values are empty."""
    kinds = [kind for _, kind in table.schema.columns]
    return Grid(
        [name.replace("_", " ") for name, _ in table.schema.columns],
        [[cell(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in table.rows],
    )


def bars(table: Table) -> Sequence[float] | None:
    """The length of each row's bar, in percent of the longest; None for a table without counts."""
    if table.schema.name not in COUNTED:
        return None
    counts = [max(0, count) if isinstance(count, int) else 0 for *_, count in table.rows]
    most = max(counts, default=0) or 1
    return [100 * count / most for count in counts]


def cell(value: Any, kind: ColumnKind) -> str:
    """One value as a person reads it: nothing for missing, yes and no, times in ISO 8601."""
    if value is None:
        return ""
    match kind:
        case "bool":
            return "yes" if value else "NO"
        case "time":
            try:
                return iso(value)
            except (ValueError, OverflowError, OSError):
                return ""
        case "int":
            return str(int(value)) if fits(value) else ""
        case "float":
            if isinstance(value, int):
                return str(value)
            return "" if math.isnan(value) else str(float(value))
        case _:
            return visible(str(value))


def fits(value: int) -> bool:
    """Whether a number fits a column of whole numbers (64 bits)."""
    return -(2**63) <= value < 2**63
