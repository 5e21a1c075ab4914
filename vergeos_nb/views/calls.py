"""API calls as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vergeos_nb.procedure.values.table import Schema, Table
from vergeos_nb.vergeos.exchange import Exchange

CALLS = Schema(
    "calls",
    "API calls",
    (
        ("number", "int"),
        ("sent_at", "time"),
        ("method", "text"),
        ("path", "text"),
        ("query", "text"),
        ("body", "text"),
        ("status", "int"),
        ("elapsed_ms", "float"),
        ("attempt", "int"),
        ("answer", "text"),
        ("error", "text"),
    ),
)


def calls_table(exchanges: Sequence[Exchange]) -> Table:
    """API calls as rows; JSON as compact text."""
    return CALLS.table(
        *(
            (
                e.number,
                e.sent_at,
                e.method,
                e.path,
                " ".join(f"{name}={value}" for name, value in e.query.items()),
                "" if e.body is None else json.dumps(e.body, ensure_ascii=False),
                e.status,
                round(e.elapsed_s * 1000, 1),
                e.attempt,
                "" if e.answer is None else json.dumps(e.answer, ensure_ascii=False),
                e.error,
            )
            for e in exchanges
        )
    )
