"""The way to the simulator, on which the platform spells its values in another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from vergeos_nb.client.whole_tables import fleet_tables

Change = Callable[[str, Any], Any]


def changed(inner: httpx.MockTransport, change: Change) -> httpx.MockTransport:
    """The same way to the simulator, on which every value of every row is changed by its column."""

    def handle(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        rows = json.loads(answer.content)
        told = [rows] if isinstance(rows, dict) else rows
        ours = _names(request)
        told = [_changed(row, lambda name, value: change(ours.get(name, name), value)) for row in told]
        headers = {name: answer.headers[name] for name in ("server", "date")}
        data = told[0] if isinstance(rows, dict) else told
        return httpx.Response(answer.status_code, headers=headers, content=json.dumps(data).encode())

    return httpx.MockTransport(handle)


def _names(request: httpx.Request) -> dict[str, str]:
    """The names of columns that the request asks short ones for."""
    named = {path: name for name, path, _ in fleet_tables.VM_COLUMNS}
    asked = [one.strip().partition(" as ") for one in request.url.params.get("fields", "").split(",")]
    return {short: named.get(path, short) for path, _, short in asked if len(short) == 1}


def _changed(row: dict[str, Any], change: Change) -> dict[str, Any]:
    """The row, and the rows behind its columns, with every value changed."""
    made = {}
    for name, value in row.items():
        inner = value if isinstance(value, list) else [value]
        if inner and all(isinstance(one, dict) for one in inner):
            changed = [_changed(one, change) for one in inner]
            made[name] = changed if isinstance(value, list) else changed[0]
        else:
            made[name] = change(name, value)
    return made


def as_it_is(name: str, value: Any) -> Any:
    return value


def floats(name: str, value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def texts(name: str, value: Any) -> Any:
    return json.dumps(value) if isinstance(value, int) else value


def only(names: tuple[str, ...], value: Any) -> Change:
    return lambda name, was: value if name in names and was is not None else was
