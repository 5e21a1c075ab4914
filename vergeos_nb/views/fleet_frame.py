"""Columns of a triage as one DataFrame, made column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.procedure.values.step_tables import TRIAGE
from vergeos_nb.vergeos.rows import Columns
from vergeos_nb.views.frames import DTYPES

if TYPE_CHECKING:
    import pandas as pd

# Few words, each held once for the whole column.
WORDS = ("suggestion", "reason", "verdict", "status", "state", "node", "node_state", "counters", "ha_group")


def fleet_frame(found: Columns) -> pd.DataFrame:
    """The DataFrame with the columns of `TRIAGE`; words of few values are categories."""
    import pandas as pd

    return pd.DataFrame({name: _column(name, kind, found[name]) for name, kind in TRIAGE.columns}, copy=False)


def vms_frame(vms: Columns) -> pd.DataFrame:
    """One reading of the fleet as it came: what ``fleet_vms`` gives as a DataFrame."""
    import pandas as pd

    words = ("ha_group", "status", "state")
    return pd.DataFrame(
        {
            name: _column("status" if name in words else name, _kind(name), values)
            for name, values in vms.items()
        },
        copy=False,
    )


def _kind(name: str) -> str:
    kinds = {"name": "text", "running": "bool", "total_cpu": "float", "ram_used": "float", "unread": "text"}
    return kinds.get(name, "int")


def _column(name: str, kind: str, values: Sequence[Any]) -> Any:
    """A column's values as an array. Not by pandas, which would inspect each value for its type."""
    import numpy as np
    import pandas as pd

    if name in WORDS:
        return _words(values)
    if kind == "time":
        return pd.to_datetime(pd.Series(values, dtype="float64"), unit="s", utc=True)
    if kind in ("int", "float"):
        dtype = "int64" if kind == "int" else "float64"
        if None not in values:
            return np.array(values, dtype=dtype)
        absent = np.array([value is None for value in values])
        known = np.array([value or 0 for value in values], dtype=dtype)
        masked = pd.arrays.IntegerArray if kind == "int" else pd.arrays.FloatingArray
        return masked(known, absent)
    if kind == "text":
        # As a series: of an array of objects a DataFrame makes strings of its own.
        return pd.Series(values, dtype="object")
    return pd.array(values, dtype=DTYPES[kind])  # type: ignore[call-overload]


def _words(values: Sequence[str | None]) -> Any:
    """The few words of a column, each held once, in alphabetical order; None is none of them."""
    import numpy as np
    import pandas as pd

    words = sorted(word for word in {*values} if word is not None)
    codes: dict[str | None, int] = {word: code for code, word in enumerate(words)}
    codes[None] = -1
    taken = np.fromiter(map(codes.__getitem__, values), dtype="int32", count=len(values))
    return pd.Categorical.from_codes(taken, pd.Index(words))
