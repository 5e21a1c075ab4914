"""The archive as a DataFrame: one row per sealed record, as its newest ledger line says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.archive.index import Index, Query, moment
from vergeos_nb.archive.ledger.manifest import FIELDS
from vergeos_nb.errors import UsageError
from vergeos_nb.shapes import is_folder
from vergeos_nb.words import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

_TIMES = ("opened_at", "ended_at", "sealed_at")
_DTYPES = {
    **dict.fromkeys((*FIELDS, "record", "path", "manifest"), "string"),
    **dict.fromkeys(("vm_key", "exit_code", "line", "supersedes"), "Int64"),
    "simulated": "boolean",
    **dict.fromkeys(_TIMES, "datetime64[ms, UTC]"),
}


def open_archive(outputs: Path | str | None = None, **wanted: Any) -> pd.DataFrame:
    """The sealed records that fit, the oldest run first, indexed by their ids.

    Columns are the fields that people search by, then ``path`` (below the archive's folder), ``sealed_at``,
    ``line``, ``supersedes`` and ``manifest``. Columns and dtypes are the same for an empty archive. Nothing
    is verified: `vergeos-nb audit verify` does that.

    Args:
        outputs: the archive's folder; by default ``VERGEOS_NB_OUTPUTS`` or ``./outputs``.
        wanted: fields to search by: ``vm`` (with ``*`` and ``?``), ``vm_key``, ``operator``, ``approver``,
            ``ticket``, ``outcome``, ``verdict``, ``profile``; ``since`` and ``until``, as a day or a time.

    Raises:
        UsageError: a field is unknown, a time is not valid, or there is no such folder.
        RecordError: the ledger cannot be read.
    """
    import pandas as pd

    known = [field.name for field in fields(Query)]
    for name in wanted:
        if name not in known:
            raise UsageError(
                "opening the archive", f"{name!r} is not a field to search by", did_you_mean(name, known)
            )
    folder = settings.outputs_dir() if outputs is None else Path(outputs)
    if not is_folder(folder):
        raise UsageError("opening the archive", f"there is no folder {folder}", "name the archive's folder")
    times = {
        name: moment(str(wanted[name]), name, end=name == "until")
        for name in ("since", "until")
        if wanted.get(name) is not None
    }
    entries = Index(folder).find(Query(**{**wanted, **times}))
    rows = [
        {
            **{name: entry.fields.get(name) for name in FIELDS},
            "record": entry.record,
            "path": entry.path,
            "sealed_at": entry.sealed_at,
            "line": entry.place.count,
            "supersedes": entry.place.supersedes,
            "manifest": entry.manifest,
        }
        for entry in entries
    ]
    columns = [*FIELDS, "record", "path", "sealed_at", "line", "supersedes", "manifest"]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    for name in columns:
        frame[name] = _typed(pd, frame[name], name)
    return frame.set_index("record")


def _typed(pd: Any, column: Any, name: str) -> Any:
    dtype = _DTYPES[name]
    if name in _TIMES:
        return pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601").astype(dtype)
    if dtype == "Int64":
        # The value in a record may not be a number.
        return pd.to_numeric(column, errors="coerce").astype(dtype)
    if dtype == "boolean":
        return column.where(column.isin([True, False]), None).astype(dtype)
    return column.map(lambda value: None if value is None else str(value)).astype(dtype)
