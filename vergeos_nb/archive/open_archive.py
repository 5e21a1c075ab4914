"""The archive as a DataFrame: one row per sealed record, as its newest ledger line says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from vergeos_nb import settings
from vergeos_nb.archive.index import Index, Query, moment
from vergeos_nb.archive.ledger.manifest import FIELDS, row_of
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.values.table import ColumnKind, Schema
from vergeos_nb.shapes import is_folder
from vergeos_nb.views.analysis.frames import frame
from vergeos_nb.words import did_you_mean

_KINDS: dict[str, ColumnKind] = {
    **dict.fromkeys(("vm_key", "exit_code", "line", "supersedes"), "int"),
    **dict.fromkeys(("opened_at", "ended_at", "sealed_at"), "time"),
    "simulated": "bool",
}
_COLUMNS = (*FIELDS, "record", "path", "sealed_at", "line", "supersedes", "manifest")
ARCHIVE = Schema("archive", "Sealed records", tuple((name, _KINDS.get(name, "text")) for name in _COLUMNS))


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
    rows = [row_of(entry) for entry in entries]
    table = ARCHIVE.table(*(tuple(_fit(row[name], kind) for name, kind in ARCHIVE.columns) for row in rows))
    return frame(table).set_index("record")


def _fit(value: Any, kind: ColumnKind) -> Any:
    """A record's value, or None where its record holds something of another kind."""
    match kind:
        case "time":
            try:
                return from_iso(str(value))
            except (ValueError, OverflowError):
                return None
        case "int":
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case "bool":
            return value if isinstance(value, bool) else None
        case _:
            return None if value is None else str(value)
