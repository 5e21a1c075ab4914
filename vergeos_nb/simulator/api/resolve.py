"""Turn a path of the grammar into a function from a stored row to a value.

Columns, foreign keys (`a#b#c`), rows fields, polymorphic references ("table/key") and the pseudo
column `$display`. Facts: pyvergeos 1.7.1 base.py (a null link gives null; through a polymorphic
reference the key is left out).
"""

from __future__ import annotations

from typing import Any, Final

from vergeos_nb.simulator.tables.schema import ColumnSpec
from vergeos_nb.simulator.world.world import Getter, Row, World


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""A getter's value if the answer must not have the key at all."""


def display_name(world: World, table: str, row: Row) -> Any:
    """Return the text that the UI shows for a row: its name, or its key if it has no name."""
    return row.get("name", row["$key"])


def follow(world: World, spec: ColumnSpec, value: Any) -> tuple[str, Row] | None:
    """Return the table and row that a link's value points to; None for a null or dangling link."""
    if spec.type == "fk":
        row = world.get(str(spec.target), value)
        return (str(spec.target), row) if row is not None else None
    return follow_reference(world, value)


def follow_reference(world: World, value: Any) -> tuple[str, Row] | None:
    """Follow a polymorphic "table/key" text."""
    if not isinstance(value, str) or "/" not in value:
        return None
    table, _, key = value.partition("/")
    store = world.tables.get(table)
    if store is None:
        return None
    row = store.get(int(key)) if key.isascii() and key.isdigit() else store.get(key)
    return (table, row) if row is not None else None


def column_getter(world: World, table: str, name: str) -> Getter | None:
    """Return the getter of a column or pseudo column; None if the table has no such column."""
    if name == "$display":
        return lambda row: display_name(world, table, row)
    return world.getter(table, name)


def link_spec(world: World, table: str, name: str) -> ColumnSpec | None:
    """Return the column if it points somewhere: a foreign key, rows or a polymorphic reference."""
    spec = world.schema[table].columns.get(name)
    return spec if spec is not None and spec.type in ("fk", "rows", "ref") else None
