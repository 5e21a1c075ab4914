"""A table is rows under a fixed schema, of plain JSON values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

ColumnKind = Literal["text", "int", "float", "bool", "time"]
Scalar = str | int | float | bool | None


class Schema(Struct, frozen=True):
    """The columns of a table. They do not depend on its rows."""

    name: str
    caption: str
    columns: tuple[tuple[str, ColumnKind], ...]

    def table(self, *rows: tuple[Scalar, ...]) -> Table:
        """A table of these rows.

        Raises:
            ValueError: a row has another number of values than the schema has columns.
        """
        for row in rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: {len(row)} values for {len(self.columns)} columns")
        return Table(self, rows)

    def first(self, width: int) -> Schema:
        """The schema with only its first columns, as an older version had it."""
        return self if width >= len(self.columns) else replace(self, columns=self.columns[:width])


class Table(Struct, frozen=True):
    """Rows under a fixed schema. ``time`` values are seconds since 1970."""

    schema: Schema
    rows: tuple[tuple[Scalar, ...], ...] = ()
