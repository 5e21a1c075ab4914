"""Reading and writing table rows: what GET, POST, PUT and DELETE on /api/v4/<table> do.

Receipts and codes: D-guide, D-create, pyvergeos 1.7.1 base.py. A POST answers 201 with a receipt whose
`$key` is a string; a PUT answers 200, is partial and leaves unknown fields alone; a DELETE 200.
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.simulator.api import creators, row_actions
from vergeos_nb.simulator.api.actions import refuse_taken_vm_name
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.grammar.queries import select, select_one
from vergeos_nb.simulator.tables import makers_clients, makers_queries, makers_system, makers_vms
from vergeos_nb.simulator.tables.coerce import coerce, is_writable
from vergeos_nb.simulator.tables.schema import TableSpec, tables
from vergeos_nb.simulator.world.computed import VIRTUAL
from vergeos_nb.simulator.world.life import apply_override
from vergeos_nb.simulator.world.world import Key, Row, World

Body = dict[str, Any]

__all__ = [
    "makers_clients",
    "makers_queries",
    "makers_system",
    "makers_vms",
]  # imported for what they register


def table_spec(name: str) -> TableSpec:
    """Return a table.

    Raises:
        ApiError: 404 if the simulator does not have it.
    """
    spec = tables().get(name)
    if spec is None:
        raise ApiError(404, f"Resource '/v4/{name}' not found")
    return spec


def find(world: World, table: str, text: str, *, when: str = "") -> Row:
    """Return the stored row whose key was given in a path.

    Raises:
        ApiError: 404 if there is none.
    """
    if table in VIRTUAL:
        for made in world.rows(table):
            if str(made["$key"]) == text:
                return made
    key: Key = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text
    row = world.get(table, key)
    if row is None:
        row = world.get(table, text)
    if row is None:
        raise ApiError(404, f"Resource '/v4/{table}/{text}' not found{when}")
    return row


def read_table(world: World, table: str, params: dict[str, str]) -> list[Body] | Body:
    """GET /table. Refuses a command table with 405."""
    if "command" in table_spec(table).options:
        raise ApiError(405, f"Method 'GET' is not allowed for '/v4/{table}'")
    return select(world, table, params)


def read_row(world: World, table: str, key: str, params: dict[str, str]) -> Body:
    """GET /table/key, or /table/$table for its schema."""
    spec = table_spec(table)
    if key == "$table":
        return schema_of(spec)
    return select_one(world, table, find(world, table, key), params)


def create(world: World, table: str, body: Body, user: str) -> Body | None:
    """POST /table: make a row, or carry out a command. Returns the answer's body (None: empty)."""
    spec = table_spec(table)
    creator = creators.CREATORS.get(table)
    if creator is None and "plain" in spec.options:
        return receipt(table, creators.plain(world, table, body, user).key, None)
    if creator is None:
        raise ApiError(405, f"Method 'POST' is not allowed for '/v4/{table}'")
    if "command" in spec.options:
        return creator(world, body, user).answer
    made = creator(world, body, user)
    return receipt(table, made.key, made.answer)


def receipt(table: str, key: Key, response: Body | None) -> Body:
    """The answer to a POST (D-guide): the key is a string here, an integer only in `$row`."""
    made: Body = {"location": f"/v4/{table}/{key}", "dbpath": f"{table}/{key}", "$row": key, "$key": str(key)}
    return {**made, "response": response} if response else made


def accepted(spec: TableSpec, body: Body) -> Body:
    """Return the fields of a body that a PUT takes, as the table stores them.

    Unknown fields are ignored (Ansible collection 2.2.0 D1), and those that only a POST takes (pyvergeos
    1.7.1 drives.py, measured).

    Raises:
        ApiError: 422 for a value its column cannot hold.
    """
    taken: Body = {}
    for name, value in body.items():
        column = spec.columns.get(name)
        if column is not None and is_writable(column, creating=False):
            taken[name] = coerce(column, value)
    return taken


def act(world: World, table: str, key: str, action: str, body: Body, user: str) -> Body | None:
    """POST /table/key/action, or PUT /table/key?action=...: returns the answer's body (None: empty).

    Raises:
        ApiError: 404 for a missing row or an action the table does not have.
    """
    table_spec(table)
    row = find(world, table, key)
    function = row_actions.ROW_ACTIONS.get((table, action))
    if function is None:
        raise ApiError(404, f"Resource '/v4/{table}/{key}/{action}' not found")
    return function(world, row, body, user)


def change(world: World, table: str, key: str, body: Body, user: str, action: str = "") -> None:
    """PUT /table/key: a partial update, or with `?action=` an action of the table's rows."""
    spec = table_spec(table)
    if action and table in row_actions.BY_PUT:
        act(world, table, key, action, body, user)
        return
    if action:
        find(world, table, key)
        return  # a silent no-op, measured for machine_drives (pyvergeos 1.7.1 drives.py)
    if "read-only" in spec.options or "command" in spec.options:
        raise ApiError(405, f"Method 'PUT' is not allowed for '/v4/{table}'")
    row = find(world, table, key)
    _refuse_read_only(world, table, body)
    fields = accepted(spec, body)
    if table == "vms" and "name" in fields:
        refuse_taken_vm_name(world, fields["name"], row["$key"])
    creators.check_links(world, table, fields)
    if table == "machine_status":
        override(world, row, fields, user)
    else:
        if "modified" in spec.columns:
            fields["modified"] = int(world.now)
        world.update(table, row["$key"], **fields)


def _refuse_read_only(world: World, table: str, body: Body) -> None:
    """Refuse a body that names a read-only column (pyvergeos issue 86, recorded); of two by switch."""
    columns = tables()[table].columns
    by_switch = table == "machine_status" and world.switches.read_only_status_columns == "powerstate_and_node"
    for name in body:
        column = columns.get(name)
        is_read_only = column is not None and "ro" in column.flags
        if is_read_only or (by_switch and name in ("powerstate", "node")):
            raise ApiError(422, f"field '{name}' is readonly")


def override(world: World, row: Row, fields: Body, user: str) -> None:
    """Rewrite a status row by hand: the last step of the vendor's procedure. No process is touched."""
    if fields.get("running") is False and world.switches.override_clears_power_and_node:
        fields = {"powerstate": False, "node": None, **fields}
    bump = world.switches.override_bumps_last_update
    machine = row.get("machine")
    if world.switches.override_is_logged and machine is not None:
        world.log(machine, "Machine status was changed", level="audit", user=user)
    vitals = world.vitals.get(machine) if machine is not None else None
    if vitals is None or machine is None:
        world.update(
            "machine_status", row["$key"], **fields
        )  # a row without a machine has no agent that rewrites it
    elif vitals.behaviour.override_lag > 0:
        world.next_action(machine)
        world.later(vitals.behaviour.override_lag, "apply_override", machine, fields=fields, bump=bump)
    else:
        world.next_action(machine)
        apply_override(world, machine, {"fields": fields, "bump": bump})


def delete(world: World, table: str, key: str) -> Body:
    """DELETE /table/key. The body of the answer is unspecified; an empty object is assumed."""
    spec = table_spec(table)
    remover = creators.REMOVERS.get(table)
    if remover is None and "plain" in spec.options:
        world.remove(table, find(world, table, key, when=" during delete")["$key"])
        return {}
    if remover is None:
        raise ApiError(405, f"Method 'DELETE' is not allowed for '/v4/{table}'")
    remover(world, find(world, table, key, when=" during delete"))
    return {}


def list_tables() -> list[Body]:
    """GET /api/v4: the tables there are (govergeos DECISIONS ADR-013; the shape is assumed)."""
    return [{"name": spec.name, "schema": schema_of(spec)} for spec in tables().values()]


def schema_of(spec: TableSpec) -> Body:
    """GET /table/$table: only fragments of the real shape are public; this one is assumed."""
    fields: Body = {}
    for column in spec.columns.values():
        entry: Body = {"type": "row" if column.type in ("fk", "ref") else column.type}
        if column.target:
            entry["table"] = column.target
        if column.choices:
            entry["list"] = list(column.choices)
        if "ro" in column.flags:
            entry["readonly"] = True
        if "arg" in column.flags:
            entry["argument"] = True
        if column.default is not None:
            entry["default"] = column.default
        fields[column.name] = entry
    return {"name": spec.name, "keyfield": spec.key_column or "$key", "fields": fields}
