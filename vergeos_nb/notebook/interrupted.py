"""Find, describe and finish a run of this notebook that was cut short when its kernel ended."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vergeos_nb.errors import VergeNbError
from vergeos_nb.journal.header import life_of
from vergeos_nb.journal.journal import opened_of, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import DAYS, JOURNAL, RECORD, day_of
from vergeos_nb.processes import Life

# Older runs are not offered: the incident is over, and the evidence for its approvals is stale.
LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CutShort:
    """A run that was cut short.

    Attributes:
        said: the run and its progress, in words.
        sent: what it had sent, in words, or "".
        parameters: its last parameters, without the approval.
        damaged: whether its journal cannot be read, so that the run cannot be continued.
    """

    folder: Path
    said: str
    sent: str
    parameters: Mapping[str, Any]
    damaged: bool = False


def cut_short(outputs: Path, runbook: str, session: str) -> CutShort | None:
    """The newest run of this runbook in this notebook that was cut short, if its process is gone.

    Args:
        session: the notebook's name. Without it nothing is found, because the run could be of another
            notebook.
    """
    if not session:
        return None
    oldest = day_of((datetime.now(UTC) - LASTS).timestamp())
    days = [day for day in outputs.glob(DAYS) if day.name >= oldest]
    journals = sorted((path for day in days for path in day.glob(f"*/{JOURNAL}")), reverse=True)
    for path in journals:
        opened = opened_of(path)
        if (opened.get("runbook"), opened.get("session")) != (runbook, session):
            continue
        try:
            text = read_journal(path)
            account, life = run_state_of(text), life_of(text.lines)
        except (VergeNbError, KeyError):
            if (path.parent / RECORD).exists() or life_of([opened]) is not Life.GONE:
                return None
            # Not skipped: otherwise an older run would be taken for the last one.
            parameters = {**opened.get("parameters", {}), "approve": "", "approve_until": ""}
            return CutShort(path.parent, _said_of_damaged(opened, path), "", parameters, damaged=True)
        if life is Life.UNKNOWN and opened.get("on_host") != platform.node():
            continue
        # A process that cannot be checked may live. Then its journal is locked, and resuming fails.
        if account.in_order or life is Life.LIVES:
            return None
        return CutShort(path.parent, _said(account), _sent(account), _parameters(account))
    return None


def finish(folder: Path) -> str:
    """Finish a run's record, and read back the effect of an unsettled call. Returns the result in words.

    Raises:
        RecordError: the record cannot be made.
    """
    # Loads the client, and few runs are found interrupted.
    from vergeos_nb.runner.recovery import recover

    return recover(folder).asked


def _said_of_damaged(opened: Mapping[str, Any], path: Path) -> str:
    parameters = opened.get("parameters", {})
    return (
        f"A run of this notebook over {parameters.get('vm_name') or 'no VM yet'}, opened {opened.get('at')}, "
        f"left a damaged journal, so nobody knows what it sent: {path}. Read the VM's status row and its "
        "node before anything else. It cannot be continued; a new run can begin."
    )


def _parameters(account: RunState) -> Mapping[str, Any]:
    return {**account.opened.get("parameters", {}), "approve": "", "approve_until": ""}


def _said(account: RunState) -> str:
    vm = (account.fact("vm") or {}).get("name") or "no VM yet"
    last = account.results[-1].title if account.results else "nothing"
    unchanged = "" if account.changing_calls else " It had changed nothing."
    opened = account.opened.get("at")
    return f"A run of this notebook was cut short: {vm}, opened {opened}, last ended: {last}.{unchanged}"


def _sent(account: RunState) -> str:
    sent = [f"{call.method} {call.path}" for call in account.changing_calls]
    return f"It had sent {', '.join(sent)}. What was sent stays sent, and is not sent again." if sent else ""
