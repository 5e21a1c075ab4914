"""The registry of tables that take POST and DELETE, and the code that their handlers share.

The entries are in makers_vms.py and makers_system.py; a table without one answers 405.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.tables.coerce import coerce, is_required, is_writable, not_in_list, validation_error
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


def plain(world: World, table: str, body: Body, user: str) -> Made:
    """Make a row of a `plain` table: what the body says, and nothing else."""
    for column in ("name", "tag", "task", "schedule", "cert"):
        spec = tables()[table].columns.get(column)
        if spec is not None and column not in body and (column in ("name", "cert") or "once" in spec.flags):
            raise is_required(table, column)
    check_links(world, table, body)
    return Made(world.insert(table, columns_of(world, table, body))["$key"])


def check_links(world: World, table: str, fields: Body) -> None:
    """Refuse a link to a row that does not exist.

    Raises:
        ApiError: 404 (pyvergeos 1.7.1 oidc_applications.py).
    """
    for name, value in fields.items():
        column = tables()[table].columns.get(name)
        if column is None or column.type != "fk" or value is None:
            continue
        if world.get(str(column.target), coerce(column, value)) is None:
            raise ApiError(404, f"error setting field '{name}': No such file or directory")


NAME_TAKEN = "This name is already in use"


def _alone(table: str) -> Remover:
    return lambda world, row: world.remove(table, row["$key"])


ALONE = ("tasks", "user_api_keys", "node_queries", "vnet_queries", "vm_favorites")
"""Tables whose rows no other row needs. DELETE removes the row and nothing else."""

REMOVERS: dict[str, Remover] = {table: _alone(table) for table in ALONE}


def link(world: World, body: Body, field: str, table: str, *, of: str) -> Row:
    """Return the row of `table` that is named by a field of a body for the table `of`.

    Its key may be a number or a numeric text.

    Raises:
        ApiError: 422 if the field is missing or no key, 404 if the row does not exist.
    """
    if field not in body:
        raise is_required(of, field)
    column = next(iter(spec for spec in tables()["vm_actions"].columns.values() if spec.type == "fk"))
    try:
        key = coerce(column, body[field])
    except ApiError:
        raise validation_error(field, "value is not a number") from None
    row = world.get(table, key)
    if row is None:
        raise ApiError(404, f"error setting field '{field}': No such file or directory")
    return row


def required_text(body: Body, field: str, longest: int = 128, *, of: str) -> str:
    """Return a text that the body for the table `of` must have.

    Raises:
        ApiError: 422 if it is missing, empty, too long or no text.
    """
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise is_required(of, field)
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
        ApiError: 422 (recorded for VMs: TF issue 16, Ansible collection 2.2.0).
    """
    if any(row.get("name") == name for row in world.tables[table].values()):
        raise ApiError(422, NAME_TAKEN)


def expiry_type(body: Body, default: str) -> str:
    """Return a body's `expires_type`: `never` or `date`. It is written, and never returned.

    Raises:
        ApiError: 422 for another word.
    """
    kind = body.get("expires_type", default)
    if kind not in ("never", "date"):
        raise not_in_list("expires_type", kind)
    return str(kind)
