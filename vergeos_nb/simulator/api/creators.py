"""The registry of rows that a POST makes and a DELETE removes, and the code that its entries share.

The entries are in makers_vms.py and makers_system.py; a table without one answers 405.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.tables.coerce import coerce, is_writable, validation_error
from vergeos_nb.simulator.tables.schema import tables
from vergeos_nb.simulator.world.world import Key, Row, World

Body = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """The result of a POST: the new row's key, and other members of the answer."""

    key: Key = 0
    answer: Body | None = None


Creator = Callable[[World, Body, str], Made]
Remover = Callable[[World, Row], None]

CREATORS: dict[str, Creator] = {}


def _alone(table: str) -> Remover:
    return lambda world, row: world.remove(table, row["$key"])


# Rows that nothing hangs on are only taken away.
REMOVERS: dict[str, Remover] = {
    table: _alone(table) for table in ("tasks", "user_api_keys", "node_queries", "vm_favorites")
}


def link(world: World, body: Body, field: str, table: str) -> Row:
    """Return the row that a body's field points to; its key may be a number or a numeric text.

    Raises:
        ApiError: 422 if the field is missing or no key, 404 if the row does not exist.
    """
    if field not in body:
        raise validation_error(field, "a value is required")
    column = next(iter(spec for spec in tables()["vm_actions"].columns.values() if spec.type == "fk"))
    try:
        key = coerce(column, body[field])
    except ApiError:
        raise validation_error(field, "value is not a number") from None
    row = world.get(table, key)
    if row is None:
        raise ApiError(404, f"error setting field '{field}': No such file or directory")
    return row


def required_text(body: Body, field: str, longest: int = 128) -> str:
    """Return a text the body must have.

    Raises:
        ApiError: 422 if it is missing, empty, too long or no text.
    """
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise validation_error(field, "a value is required")
    if len(value) > longest:
        raise validation_error(field, f"value is longer than {longest} characters")
    return value


def columns_of(world: World, table: str, body: Body) -> Body:
    """Return the columns of a new row that a body may set, with the times of its making.

    Raises:
        ApiError: 422 for a value its column cannot hold.
    """
    spec = tables()[table]
    row = {
        name: coerce(spec.columns[name], value) for name, value in body.items()
        if name in spec.columns and is_writable(spec.columns[name], creating=True)
    }  # fmt: skip
    times: Body = {name: int(world.now) for name in ("created", "modified") if name in spec.columns}
    return {**row, **times}


def refuse_taken_name(world: World, table: str, name: str) -> None:
    """Refuse a name that a row of the table has.

    Raises:
        ApiError: 409, "row exists" (D-guide).
    """
    if any(row.get("name") == name for row in world.tables[table].values()):
        raise ApiError(409, f"A row named '{name}' exists in '/v4/{table}'")
