"""The values that a column accepts in the body of a POST or PUT.

Integers may arrive as numeric strings and booleans as "true"/"false" (D-create). A value outside an enum and
a missing field are 422 in the words recorded on real systems, any other bad value in those of D-guide.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.tables.schema import ColumnSpec


def validation_error(field: str, reason: str) -> ApiError:
    """The platform's 422 for a field (D-guide)."""
    return ApiError(422, f"Validation error on field: '{field}' - '{reason}'")


def not_in_list(field: str, value: Any) -> ApiError:
    """The platform's 422 for a value outside an enum (recorded: pyvergeos, Ansible collection 2.2.0 D3)."""
    return ApiError(422, f"value '{value}' is not in list for field '{field}'")


def is_required(table: str, field: str) -> ApiError:
    """The platform's 422 for a missing field (recorded: Ansible collection 2.2.0, measured-action-probe)."""
    return ApiError(422, f"field '{table}.{field}' is required")


def is_writable(column: ColumnSpec, *, creating: bool) -> bool:
    """May a body set this column? Read-only ones, arguments and rows are ignored."""
    if "ro" in column.flags or "arg" in column.flags or column.is_rows:
        return False
    return creating or "once" not in column.flags


def coerce(column: ColumnSpec, value: Any) -> Any:
    """Return `value` as the column stores it.

    Raises:
        ApiError: 422 if the column cannot hold it.
    """
    if column.type == "bool":
        return _boolean(column, value)
    if column.type in ("int", "fk"):
        return _integer(column, value)
    if column.type == "enum":
        value = str(value) if type(value) is int else value  # tiers arrive as numbers too
        if value not in column.choices or not isinstance(value, str):
            raise not_in_list(column.name, value)
        return value
    if column.type == "json":
        return _json(column, value)
    return _text(column, value)


def _json(column: ColumnSpec, value: Any) -> Any:
    """Take any JSON; what Python reads beyond it (NaN, Infinity) and what nests without end is refused."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise validation_error(column.name, "value is not JSON") from None
    return value


def _boolean(column: ColumnSpec, value: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise validation_error(column.name, "value is not a boolean")


def _integer(column: ColumnSpec, value: Any) -> int | None:
    if column.type == "fk" and value in (None, ""):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        value = int(value)
    if value is None and column.default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**64:
        raise validation_error(column.name, "value is not a number")
    if column.bounds and not column.bounds[0] <= value <= column.bounds[1]:
        low, high = column.bounds
        raise validation_error(column.name, f"value must be between {low} and {high}")
    return value


def _text(column: ColumnSpec, value: Any) -> str | None:
    if value is None:
        return "" if column.type == "text" else None
    if isinstance(value, (dict, list)):
        raise validation_error(column.name, "value is not a text")
    text = value if isinstance(value, str) else str(value)
    if column.bounds and len(text) > column.bounds[1]:
        raise validation_error(column.name, f"value is longer than {column.bounds[1]} characters")
    return text
