"""The shape of ``record.json``. Other fields are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vergeos_nb.shapes import DEEPEST_LINE, fit, json_of

Text = str | None
Plain = dict[str, Any]


class _Call(Struct):
    method: str
    path: str
    body: Plain | None = None
    step: Text = None


class _Record(Struct):
    """The fields that are read again. Each is missing in records of some version."""

    runbook: Text = None
    opened_at: Text = None
    ended_at: Text = None
    operator: Text = None
    host: Text = None
    simulated: bool | None = None
    cloud_name: Text = None
    parameters: Plain | None = None
    vm: Plain | None = None
    before: Plain | None = None
    undo: Plain | None = None
    approval: Plain | None = None
    outcome: Text = None
    verdict: Text = None
    exit_code: int | None = None
    changing_calls: list[_Call] | None = None
    files: dict[str, str] | None = None


def record_of(content: bytes) -> Mapping[str, Any]:
    """The record in these bytes.

    Raises:
        Unfit: they are no record. The sentence names line or field.
    """
    data = object_of(content)
    fit(data, _Record)
    return data


def object_of(content: bytes) -> Mapping[str, Any]:
    """The JSON object in these bytes, with any fields, because wrong fields must not prevent a seal.

    Raises:
        Unfit: they are not a JSON object.
    """
    data: Plain = fit(json_of(content, DEEPEST_LINE), dict)
    return data
