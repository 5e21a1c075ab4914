"""The platform's own words in an answer that holds an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def said_in(data: Any) -> str | None:
    """The platform's words if the answer holds an error, whatever its HTTP status; None if it does not.

    A row or a receipt has no column ``err``, so ``err`` means an error. An empty ``err`` means an error only
    if it is the only member. ``error`` counts only without ``$key``, because a table may have such a column.
    """
    if isinstance(data, list):
        return next((said for row in data if (said := said_in_row(row)) is not None), None)
    return said_in_row(data)


def said_in_row(row: Any) -> str | None:
    """As `said_in`, for one object."""
    if not isinstance(row, Mapping):
        return None
    for name in ("err", "error") if "$key" not in row else ("err",):
        if name in row and (row[name] or len(row) == 1):
            return error_text(row)
    return None


def error_text(data: Any) -> str:
    """The platform's own words in an error answer, or "".

    The key is ``err`` (D-guide, govergeos, tsvergeos); ``error`` and ``message`` are read by pyvergeos
    1.7.1 and PSVergeOS, as is an object with ``message`` under either.
    """
    if not isinstance(data, Mapping):
        return ""
    for name in ("err", "error", "message"):
        value = data.get(name)
        if isinstance(value, Mapping):
            value = value.get("message", value.get("err"))
        if isinstance(value, str) and value.strip():
            return value
    # Anything else under the platform's own name is shown as it came.
    said = data.get("err") or data.get("error")
    return "" if said is None or isinstance(said, bool | str) else json.dumps(said, ensure_ascii=False)
