"""Columns of a triage as one DataFrame, made column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.procedure.model import TRIAGE
from vergeos_nb.records import Columns
from vergeos_nb.views.frames import DTYPES

if TYPE_CHECKING:
    import pandas as pd

# Few words, each held once for the whole column.
WORDS = ("suggestion", "reason", "verdict", "status", "state", "node", "node_state", "counters", "ha_group")


def fleet_frame(found: Columns) -> pd.DataFrame:
    """The DataFrame with the columns of `TRIAGE`; words of few values are categories."""
    import pandas as pd

    return pd.DataFrame({name: _series(name, kind, found[name]) for name, kind in TRIAGE.columns}, copy=False)


def vms_frame(vms: Columns) -> pd.DataFrame:
    """One reading of the fleet as it came: what ``fleet_vms`` gives as a DataFrame."""
    import pandas as pd

    words = ("ha_group", "status", "state")
    return pd.DataFrame(
        {
            name: _series("status" if name in words else name, _kind(name), values)
            for name, values in vms.items()
        },
        copy=False,
    )


def _kind(name: str) -> str:
    return {"name": "text", "running": "bool"}.get(name, "int")


def _series(name: str, kind: str, values: Sequence[Any]) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    if name in WORDS:
        return pd.Series(pd.Categorical(values))
    if kind == "time":
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="float64"), unit="s", utc=True))
    if kind == "int":
        # Not by pandas, which would look at each value to find out what it is.
        if None not in values:
            return pd.Series(np.array(values, dtype="int64"))
        absent = np.array([value is None for value in values])
        known = np.array([value or 0 for value in values], dtype="int64")
        return pd.Series(pd.arrays.IntegerArray(known, absent))
    return pd.Series(values, dtype="object" if kind == "text" else DTYPES[kind])
