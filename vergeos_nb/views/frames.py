"""Step results as DataFrames. Columns and dtypes depend on the schema alone, also when a table is empty."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vergeos_nb.clock import iso
from vergeos_nb.procedure.model import Schema, StepResult, Table
from vergeos_nb.records import Exchange

DTYPES: Mapping[str, str] = {
    "text": "string",
    "int": "Int64",
    "float": "Float64",
    "bool": "boolean",
    "time": "datetime64[ms, UTC]",
}

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


def frame(table: Table) -> pd.DataFrame:
    """One table as a DataFrame. ``time`` columns are UTC, to the millisecond."""
    columns: dict[str, pd.Series] = {}
    for index, (name, kind) in enumerate(table.schema.columns):
        values = [row[index] for row in table.rows]
        if kind == "time":
            values = [_stamp(value) for value in values]
        elif kind == "int":
            values = [_int64(value) for value in values]
        columns[name] = pd.Series(values, dtype=DTYPES[kind])
    return pd.DataFrame(columns)


# A platform's number may fit no column. It is missing then: the table is kept, and the call holds the number.
def _stamp(value: Any) -> Any:
    try:
        return pd.NaT if value is None else pd.Timestamp(iso(value))
    except (ValueError, OverflowError, OSError):
        return pd.NaT


def _int64(value: Any) -> Any:
    return value if value is None or -(2**63) <= value < 2**63 else None


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


def frames(result: StepResult) -> dict[str, pd.DataFrame]:
    """Every table of a step, and its API calls under ``calls``, each as a DataFrame."""
    tables = {table.schema.name: frame(table) for table in result.tables}
    return {**tables, "calls": frame(calls_table(result.exchanges))}
