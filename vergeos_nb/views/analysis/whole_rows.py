"""The platform's whole rows in a run's calls, as DataFrames.

A known column always has the same dtype, even if nothing was read. A value that does not fit its column is
missing in the frame; the call in ``calls`` holds it. A time of 0 is missing, because it means "never".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.client.decoded_rows import LAST_TIME, RowFields, number, whole
from vergeos_nb.client.rows_behind_vm import taken_apart
from vergeos_nb.errors import VergeNbError
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.views.analysis import columns
from vergeos_nb.views.analysis.columns import READ, WholeRows
from vergeos_nb.views.analysis.frames import series

if TYPE_CHECKING:
    import pandas as pd

Steps = Mapping[int, str]
# Columns of a drive that its counters lack.
OF_A_DRIVE = ("name", "machine", "media", "media_source")
Given = tuple[Exchange, Mapping[str, Any]]


def whole_rows(
    calls: Sequence[Exchange], steps: Steps, vm: Mapping[str, Any] | None
) -> dict[str, pd.DataFrame]:
    """Every frame of whole rows, by name.

    Args:
        steps: the step of each call, by the call's number.
        vm: name, key and machine of the run's VM. Rows of other VMs are left out then.
    """
    of_tables = [one for call in calls for one in taken_apart(call)]
    return {frame.name: _frame(frame, _mine(frame, of_tables, vm), steps) for frame in columns.ALL}


def _mine(frame: WholeRows, calls: Sequence[Exchange], vm: Mapping[str, Any] | None) -> Sequence[Given]:
    rows = _drives(calls) if frame is columns.DRIVES else list(_rows(frame, calls))
    if frame.whose and vm:
        rows = [(call, row) for call, row in rows if whole(row.get(frame.whose)) == vm.get(frame.holds)]
    return _once(rows) if frame is columns.LOGS else rows


def _once(rows: Sequence[Given]) -> Sequence[Given]:
    """Log lines in order, without repetitions: the same lines are read again and again."""
    first: dict[object, Given] = {}
    for call, row in rows:
        first.setdefault(str(row.get("$key", (call.number, id(row)))), (call, row))
    return sorted(first.values(), key=lambda pair: whole(pair[1].get("timestamp")) or 0)


def _rows(frame: WholeRows, calls: Sequence[Exchange]) -> Iterator[Given]:
    known = {name for name, _ in frame.columns}
    for call in calls:
        table, _, key = call.table_path.partition("/")
        if call.method != "GET" or table != frame.table or call.error:
            continue
        # An answer that was too long for the journal is kept in brief, and is not a row.
        given = [call.answer] if key and isinstance(call.answer, Mapping) else call.answer
        for row in given if isinstance(given, list) else ():
            if isinstance(row, Mapping) and known & row.keys():
                yield call, row if row.get("$key") or not key else {"$key": key, **row}


def _drives(calls: Sequence[Exchange]) -> list[Given]:
    """The counters of drives, each with the drive's name and machine."""
    names: dict[Any, Mapping[str, Any]] = {}
    found: list[Given] = []
    drives = WholeRows("", columns.DRIVE_NAMES, columns.DRIVES.columns)
    for call in calls:
        names |= {whole(row.get("$key")): row for _, row in _rows(drives, [call])}
        for _, row in _rows(columns.DRIVES, [call]):
            drive = names.get(whole(row.get("parent_drive")), {})
            found.append((call, {**{name: drive.get(name) for name in OF_A_DRIVE}, **row}))
    return found


def _frame(frame: WholeRows, rows: Sequence[Given], steps: Steps) -> pd.DataFrame:
    import pandas as pd

    known = dict(frame.columns)
    others = {name: None for _, row in rows for name in row if name not in known}
    kinds = {**known, **{name: _kind_of([row.get(name) for _, row in rows]) for name in others}}
    made = {
        "read_at": series("time", [call.sent_at for call, _ in rows]),
        "call": series("int", [call.number for call, _ in rows]),
        "step": series("text", [steps.get(call.number) for call, _ in rows]),
    }
    assert list(made) == [name for name, _ in READ]
    for name, kind in kinds.items():
        read = [_read(row, name, kind, frame.table) for _, row in rows]
        made[name] = series({"micros": "time", "json": "text"}.get(kind, kind), read)
    return pd.DataFrame(made)


def _read(row: Mapping[str, Any], name: str, kind: str, table: str) -> Any:
    value = row.get(name)
    if value is None:
        return None
    try:
        of = RowFields(row, table, "")
    except VergeNbError:
        return None
    match kind:
        case "int":
            return of.seen_integer(name)
        case "float":
            return of.seen_number(name)
        case "bool":
            return of.seen_truth(name)
        case "time":
            return of.seen_time(name) or None
        case "micros":
            micros = of.seen_integer(name) or 0
            return micros / columns.MICROSECONDS if 0 < micros < LAST_TIME * columns.MICROSECONDS else None
        case _:
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind_of(values: Sequence[Any]) -> str:
    """The kind that fits all values of an unknown column."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, bool) for value in there):
        return "bool"
    if any(isinstance(value, bool | str) for value in there):
        return "text"
    if there and all(whole(value) is not None for value in there):
        return "int"
    return "float" if there and all(number(value) is not None for value in there) else "text"
