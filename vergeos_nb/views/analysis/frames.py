"""Step results as DataFrames. Columns and dtypes depend on the schema alone, also when a table is empty."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.calls import calls_table
from vergeos_nb.views.cells import fits

if TYPE_CHECKING:
    import pandas as pd

# The years 1 to 9999, as a datetime has them.
_FIRST_S, _LAST_S = -62_135_596_800.0, 253_402_300_800.0

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
        return _stamps(values)
    if kind == "int":
        values = [_int64(value) for value in values]
    return pd.Series(list(values), dtype=DTYPES[kind])


# A number that is too large for its column is missing in the table. The call still holds it.
def _stamps(values: Sequence[Any]) -> pd.Series[Any]:
    """Seconds since 1970 as UTC times, cut to the millisecond as `iso` cuts them."""
    import numpy as np
    import pandas as pd

    whole = np.array([_seconds(value) for value in values], dtype="float64")
    missing = ~((whole >= _FIRST_S) & (whole < _LAST_S))
    fraction, seconds = np.modf(np.where(missing, 0.0, whole))
    millis = (seconds * 1000 + np.floor(np.round(fraction * 1e6) / 1000)).astype("int64")
    stamps = millis.astype("datetime64[ms]")
    stamps[missing] = np.datetime64("NaT")
    return pd.Series(stamps).dt.tz_localize("UTC")


def _seconds(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.nan


def _int64(value: Any) -> Any:
    return value if value is None or fits(value) else None


def frames(result: StepResult) -> dict[str, pd.DataFrame]:
    """Every table of a step, and its API calls under ``calls``, each as a DataFrame."""
    tables = {table.schema.name: frame(table) for table in result.tables}
    return {**tables, "calls": frame(calls_table(result.exchanges))}
