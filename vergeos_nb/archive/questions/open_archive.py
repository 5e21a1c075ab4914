"""The archive as DataFrames: runs, steps, calls, evidence. For questions over years."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from vergeos_nb import settings
from vergeos_nb.archive.index import Index, Query, moment
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.ledger.manifest import FIELDS, row_of
from vergeos_nb.archive.questions.journal_rows import (
    ARCHIVED_CALLS,
    STEPS,
    WITNESSED,
    Row,
    calls_of,
    evidence_of,
    steps_of,
)
from vergeos_nb.archive.questions.past_runs import past_run, told_apart
from vergeos_nb.archive.questions.sealed_files import sealed_journal
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.values.past_run import PastRun
from vergeos_nb.procedure.values.table import ColumnKind, Schema
from vergeos_nb.shapes import is_folder
from vergeos_nb.views.analysis.frames import frame
from vergeos_nb.words import counted, did_you_mean

MOST_ROWS = 5_000_000
"""The most rows of one DataFrame. A row of calls takes about 200 bytes."""

_KINDS: dict[str, ColumnKind] = {
    **dict.fromkeys(("vm_key", "exit_code", "line", "supersedes", "node", "changes"), "int"),
    **dict.fromkeys(("opened_at", "ended_at", "sealed_at", "approved_at"), "time"),
    **dict.fromkeys(("simulated", "whole"), "bool"),
    "took_s": "float",
}
_OF_THE_LEDGER = (*FIELDS, "record", "path", "sealed_at", "line", "supersedes", "manifest")
_OF_THE_RECORD = (
    "took_s", "cloud", "system", "node", "reason", "sent", "changes", "plan_digest", "approved_at", "whole",
)  # fmt: skip
RUNS_OF_ARCHIVE = Schema(
    "runs",
    "Sealed runs",
    tuple((name, _KINDS.get(name, "text")) for name in (*_OF_THE_LEDGER, *_OF_THE_RECORD)),
)
_Rows = Callable[[str, str, bytes], Iterator[Row]]


class ArchiveFrames:
    """The sealed records that were asked for, as one DataFrame per kind. Each is made when it is first used.

    Columns and dtypes do not depend on the records, and are the same for records of every version. Times are
    UTC. [docs/analysis.md] describes the columns.

    Attributes:
        unread: ids of records whose files are missing or not as they were sealed. They are in ``runs``, with
            what the ledger knows, and have no rows elsewhere. Known when ``runs`` or another was made.
    """

    def __init__(self, outputs: Path, entries: Sequence[LedgerEntry]) -> None:
        self._outputs = outputs
        self._entries = entries
        self.unread: frozenset[str] = frozenset()

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per record, the oldest run first, indexed by their ids."""
        past = told_apart([past_run(self._outputs, entry) for entry in self._entries])
        self.unread |= {run.record for run in past if run.lost}
        rows = (_run_row(entry, run) for entry, run in zip(self._entries, past, strict=True))
        return frame(RUNS_OF_ARCHIVE.table(*rows)).set_index("record")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per step that ended, in the order of the journal."""
        return self._rows(STEPS, steps_of)

    @cached_property
    def calls(self) -> pd.DataFrame:
        """One row per API call, without bodies and answers."""
        return self._rows(ARCHIVED_CALLS, calls_of)

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """One row for what each source said, each time that a verdict was made."""
        return self._rows(WITNESSED, evidence_of)

    def _rows(self, schema: Schema, rows_of: _Rows) -> pd.DataFrame:
        """The rows of all journals that are as they were sealed. One journal at a time is in memory.

        Raises:
            UsageError: there are more than `MOST_ROWS`.
        """
        rows: list[Row] = []
        for entry in self._entries:
            if (journal := sealed_journal(self._outputs, entry)) is None:
                self.unread |= {entry.record}
                continue
            rows += rows_of(entry.record, str(entry.fields.get("runbook") or ""), journal)
            if len(rows) > MOST_ROWS:
                raise UsageError(
                    f"reading the {schema.name} of {counted(len(self._entries), 'record')}",
                    f"they have more than {MOST_ROWS} rows",
                    "ask for fewer records with since, until, vm or ticket",
                )
        return frame(schema.table(*rows))

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<archive {self._outputs}, {counted(len(self), 'record')}: runs, steps, calls, evidence>"


def open_archive(outputs: Path | str | None = None, **wanted: Any) -> ArchiveFrames:
    """The sealed records that match, as DataFrames: ``runs``, ``steps``, ``calls``, ``evidence``.

    A record's files are used only if they have the hashes of the ledger's line. The ledger itself, its
    signatures and its timestamps are checked by `vergeos-nb audit verify` alone.

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
    return ArchiveFrames(folder, Index(folder).find(Query(**{**wanted, **times})))


def _run_row(entry: LedgerEntry, run: PastRun) -> Row:
    of_the_ledger = row_of(entry)
    cells = [_fit(of_the_ledger[name], _KINDS.get(name, "text")) for name in _OF_THE_LEDGER]
    of_the_record = (
        round(run.took_s, 3), run.cloud, run.system or None, run.node, run.reason or None,
        None if run.lost else run.sent, None if run.lost else run.changes, run.plan_digest or None,
        run.approved, not run.lost,
    )  # fmt: skip
    return (*cells, *of_the_record)


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
