"""A table for display: rows that repeat themselves become one row. The DataFrame has every row."""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.procedure.values.step_tables import COUNTERS
from vergeos_nb.procedure.values.table import Scalar, Table
from vergeos_nb.views.badges import signed
from vergeos_nb.views.cells import Grid

# The name of the table of readings. Its columns come from the witnesses.
SAMPLES = "samples"


def in_short(table: Table) -> Grid:
    """The texts of a table, with signs at its verdicts, and repeated rows as one."""
    if table.schema.name == SAMPLES:
        return _unchanged_as_one(table)
    if table.schema.name == COUNTERS.name:
        return _moving_first(table)
    return signed(table)


def _unchanged_as_one(table: Table) -> Grid:
    """Successive readings with the same words as one row, with the range of their numbers."""
    shown = signed(table)
    columns = list(enumerate(table.schema.columns))
    kept = [at for at, (name, kind) in columns if kind in ("text", "bool") or name == "node"]
    measured = [at for at, (_, kind) in columns if kind in ("int", "float") and at not in kept]
    runs: list[list[int]] = []
    for row, values in enumerate(table.rows):
        if runs and _of(table.rows[runs[-1][0]], kept) == _of(values, kept):
            runs[-1].append(row)
        else:
            runs.append([row])
    rows = []
    for run in runs:
        cells = list(shown.rows[run[-1]])
        if len(run) > 1:
            cells[0] = f"{len(run)} from {shown.rows[run[0]][0]} to {cells[0]}"
            for at in measured:
                cells[at] = _range(table, shown, run, at)
        rows.append(cells)
    return Grid(shown.columns, rows)


def _range(table: Table, shown: Grid, run: Sequence[int], at: int) -> str:
    known = [(value, row) for row in run if isinstance(value := table.rows[row][at], int | float)]
    if not known:
        return ""
    low, high = min(known), max(known)
    least = shown.rows[low[1]][at]
    return least if low[0] == high[0] else f"{least} to {shown.rows[high[1]][at]}"


def _of(values: Sequence[Scalar], kept: Sequence[int]) -> list[Scalar]:
    return [values[at] for at in kept]


def _moving_first(table: Table) -> Grid:
    """The counters that moved. Those that did not move are one row."""
    shown = signed(table)
    still = [row for row, values in zip(shown.rows, table.rows, strict=True) if values[-1] == 0]
    moved = [row for row, values in zip(shown.rows, table.rows, strict=True) if values[-1] != 0]
    if len(still) > 1:
        names = [str(row[0]).rpartition(" ")[0].rstrip(":") for row in still]
        still = [[f"{len(still)} of {', '.join(dict.fromkeys(names))}", "", "", "0"]]
    return Grid(shown.columns, [*moved, *still])
