"""Step results as DataFrames. Columns and dtypes depend on the schema alone, also when a table is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.calls import calls_table
from vergeos_nb.views.cells import fits

if TYPE_CHECKING:
    import pandas as pd

DTYPES: Mapping[str, str] = {
    "text": "string",
    "int": "Int64",
    "float": "Float64",
    "bool": "boolean",
    "time": "datetime64[ms, UTC]",
}


def frame(table: Table) -> pd.DataFrame:
    """One table as a DataFrame. ``time`` columns are UTC, to the millisecond."""
    # Slow to import, and most runs look at no DataFrame.
    import pandas as pd

    return pd.DataFrame(
        {
            name: series(kind, [row[index] for row in table.rows])
            for index, (name, kind) in enumerate(table.schema.columns)
        }
    )


def series(kind: str, values: Sequence[Any]) -> pd.Series[Any]:
    """One column of this kind. A number that fits no column is missing."""
    import pandas as pd

    if kind == "time":
        values = [_stamp(value) for value in values]
    elif kind == "int":
        values = [_int64(value) for value in values]
    return pd.Series(list(values), dtype=DTYPES[kind])


# A platform's number may fit no column. It is missing then: the table is kept, and the call holds the number.
def _stamp(value: Any) -> Any:
    import pandas as pd

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
