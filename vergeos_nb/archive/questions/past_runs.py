"""Sealed runs, from the ledger's index and each record's ``record.json`` as it was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.questions.sealed_files import sealed_record
from vergeos_nb.clock import from_iso
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.procedure.runbooks.catalog import act_in
from vergeos_nb.procedure.values.past_run import Checked, PastRun
from vergeos_nb.record.record_file import record_of
from vergeos_nb.shapes import Unfit


class PastRuns:
    """The runs of one archive. The calling run is not sealed yet, so it is not among them."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs

    def check(self) -> Checked:
        """Verify the archive.

        Raises:
            RecordError: it cannot be read.
        """
        # Verifying loads ten modules. Only a report needs them, and every run loads this one.
        from vergeos_nb.archive.verify.verify import verify

        report = verify(self._outputs)
        told = tuple(f"{finding.kind} {finding.where}: {finding.detail}" for finding in report.findings)
        return Checked(report.records, report.lines, str(report.head), told)

    def runs(self, since: float, until: float, ticket: str) -> list[PastRun]:
        """Sealed runs over a VM that were opened in this time, the oldest first.

        Raises:
            RecordError: the ledger cannot be read.
        """
        if not ArchiveLayout(self._outputs).ledger.exists():
            return []
        entries = Index(self._outputs).find(Query(ticket=ticket or None, since=since, until=until))
        return told_apart([past_run(self._outputs, entry) for entry in entries if entry.fields.get("vm")])


class _Call(Struct):
    path: str
    body: dict[str, Any] | None = None


class _Told(Struct):
    """What is read of a ``record.json``. The rest is skipped, which is most of it."""

    cloud_name: str | None = None
    host: str | None = None
    system_id: str | None = None
    reason: str | None = None
    before: Any = None
    approval: Any = None
    plan_digest: str | None = None
    changing_calls: list[_Call] | None = None


_TOLD = msgspec.json.Decoder(_Told)


def _told(content: bytes | None) -> _Told | None:
    try:
        return _TOLD.decode(content) if content is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # Half of a surrogate pair is JSON, and msgspec reads none.
        return msgspec.convert(record_of(content or b""), _Told)
    except (Unfit, msgspec.MsgspecError):
        return None


def past_run(outputs: Path, entry: LedgerEntry) -> PastRun:
    """The run of a ledger's line. The ledger knows of it also where its files are gone or changed."""
    told = _told(sealed_record(outputs, entry))
    of, fields = told or _Told(), entry.fields
    opened = _epoch(fields.get("opened_at"))
    runbook = str(fields.get("runbook") or "")
    calls = of.changing_calls or []
    return PastRun(
        record=entry.record,
        runbook=runbook,
        opened=opened,
        ended=_epoch(fields.get("ended_at")) or opened,
        vm=str(fields.get("vm") or ""),
        vm_key=_number(fields.get("vm_key")),
        node=_number(_field(of.before, "node")),
        cloud=of.cloud_name or of.host or str(fields.get("profile") or "?"),
        system=of.system_id or "",
        simulated=bool(fields.get("simulated")),
        operator=str(fields.get("operator") or ""),
        approver=str(fields.get("approver") or ""),
        reason=of.reason or "",
        ticket=str(fields.get("ticket") or ""),
        outcome=str(fields.get("outcome") or ""),
        verdict=str(fields.get("verdict") or ""),
        exit_code=_number(fields.get("exit_code")) or 0,
        acted=tuple(act for call in calls if (act := act_in(runbook, call.path, call.body))),
        changes=len(calls),
        plan_digest=of.plan_digest or "",
        approved=_seconds(_field(of.approval, "given_at")),
        lost=told is None,
    )


def told_apart(runs: Sequence[PastRun]) -> list[PastRun]:
    """The runs. If two real systems have the same name, a part of the system's id is added to it."""
    systems: dict[str, set[str]] = {}
    for run in runs:
        if run.system and not run.simulated:
            systems.setdefault(run.cloud, set()).add(run.system)
    return [
        replace(run, cloud=f"{run.cloud} {run.system[:8]}")
        if run.system and not run.simulated and len(systems[run.cloud]) > 1
        else run
        for run in runs
    ]


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _epoch(value: Any) -> float:
    try:
        return from_iso(str(value))
    except (ValueError, OverflowError):
        return 0.0
