"""Step results as DataFrames. Columns and dtypes depend on the schema alone, also when a table is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.calls import calls_table
from vergeos_nb.views.cells import fits

DTYPES: Mapping[str, str] = {
    "text": "string",
    "int": "Int64",
    "float": "Float64",
    "bool": "boolean",
    "time": "datetime64[ms, UTC]",
}


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
    return value if value is None or fits(value) else None


def frames(result: StepResult) -> dict[str, pd.DataFrame]:
    """Every table of a step, and its API calls under ``calls``, each as a DataFrame."""
    tables = {table.schema.name: frame(table) for table in result.tables}
    return {**tables, "calls": frame(calls_table(result.exchanges))}
