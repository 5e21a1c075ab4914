"""What has become of each VM of a plan: read from the journals of all its fleet runs, and nothing else.

A VM whose journal holds no changing call was not touched and may begin again. One that was touched is never
begun again: it has ended, or it is settled by reading back. So is one whose journal is lost or damaged, for
nobody knows what it held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from vergeos_nb.audit.account import Account, account_of
from vergeos_nb.audit.journal import NAME, read_journal
from vergeos_nb.errors import RecordError
from vergeos_nb.files import append
from vergeos_nb.procedure.model import RunOutcome, VerdictValue

RUNBOOK = "fleet_apply"
WELL = (RunOutcome.DONE, RunOutcome.NOTHING_TO_DO)


class Where(StrEnum):
    """Where a VM of a fleet is."""

    WAITING = "waiting"  # not begun, or begun and nothing was sent
    RUNNING = "running"
    ENDED = "ended"
    OPEN = "open"  # its run died after something may have been sent: to be settled by reading


@dataclass(frozen=True, slots=True)
class VmProgress:
    """One VM of a plan, as far as it has come.

    Attributes:
        folder: of its newest run, below the archive's folder, or "".
        lost: whether a worker elsewhere died with it, so that nobody knows whether something was sent.
    """

    where: Where
    folder: str = ""
    outcome: str = ""
    verdict: str = ""
    exit_code: int | None = None
    headline: str = ""
    lost: bool = False

    @property
    def well(self) -> bool:
        """Whether it ended as asked."""
        return self.where is Where.ENDED and self.outcome in WELL

    @property
    def failed(self) -> bool:
        """Whether it counts against the threshold; one that was cut short and is off by evidence does not."""
        cut_short = self.outcome == RunOutcome.INTERRUPTED and self.verdict == VerdictValue.OFF
        return self.where in (Where.ENDED, Where.OPEN) and not self.well and not cut_short


LOST = VmProgress(Where.OPEN, "", "interrupted", "unknown", 7, lost=True)


def runs_of(outputs: Path, digest: str) -> list[Path]:
    """Folders of the fleet runs of this plan, the oldest first.

    Raises:
        RecordError: the journal of one is damaged or gone, and so nobody knows what it began.
    """
    journals = outputs.absolute().glob(f"*/*-{RUNBOOK}-{digest[:12]}-*/{NAME}")
    found = sorted(path.parent for path in journals if _plan_of(path) == digest)
    noted = _noted(outputs, digest)
    known = noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []
    if gone := set(known) - {folder.name for folder in found}:
        raise RecordError(
            f"finding the fleet runs of the plan {digest[:12]}…",
            f"the journal of {min(gone)} is gone or empty, so nobody knows what it began",
            "put its record back, or look at its VMs and make a new plan",
        )
    return found


def note_run(outputs: Path, digest: str, folder: Path) -> None:
    """Keep beside the plan that this is a fleet run of it: its record may be removed some day.

    Raises:
        RecordError: it cannot be kept.
    """
    path = _noted(outputs, digest)
    try:
        append(path, f"{folder.name}\n".encode())
    except OSError as error:
        raise RecordError(f"noting the fleet run in {path}", error.strerror or str(error)) from error


def progress(outputs: Path, digest: str) -> dict[int, VmProgress]:
    """By VM key, how far each VM of the plan is. Those that never began are not in it.

    Raises:
        RecordError: the journal of a fleet run of this plan is damaged.
    """
    found: dict[int, VmProgress] = {}
    for run in runs_of(outputs, digest):
        for line in read_journal(run / NAME).lines:
            if line["event"] == "vm-began":
                found[line["key"]] = _of(outputs, line["folder"])
                continue
            before = found.get(line.get("key", 0))
            if before is None or before.where is Where.ENDED:
                continue
            # Its own journal goes first; where that has no end or is gone, the fleet's may know of one.
            if line["event"] == "vm-lost":
                found[line["key"]] = replace(LOST, folder=before.folder)
            elif line["event"] == "vm-ended":
                found[line["key"]] = VmProgress(
                    Where.ENDED,
                    line["folder"],
                    line["outcome"],
                    line["verdict"],
                    line["exit_code"],
                    line["headline"],
                )
            elif line["event"] == "vm-settled":
                found[line["key"]] = VmProgress(
                    Where.ENDED, line["folder"], line["outcome"], line["verdict"], line["exit_code"]
                )
    return found


def _of(outputs: Path, folder: str) -> VmProgress:
    journal = outputs / folder / NAME
    if journal.parent.exists() and not any(journal.parent.iterdir()):
        # Not even its journal was begun, and that comes before all else.
        return VmProgress(Where.WAITING, folder)
    try:
        return progress_of(account_of(read_journal(journal)), folder)
    except (RecordError, KeyError):
        return replace(LOST, folder=folder)


def progress_of(account: Account, folder: str) -> VmProgress:
    """What a run's journal says of its VM."""
    said: Mapping[str, Any] = {
        "folder": folder,
        "outcome": account.outcome.value,
        "verdict": account.verdict.value,
        "exit_code": account.exit_code,
        "headline": account.decisive.summary if account.decisive else "",
    }
    if account.in_order or account.bug:
        return VmProgress(Where.ENDED, **said)
    if account.lost:
        return replace(LOST, folder=folder)
    if not account.changing_calls:
        return VmProgress(Where.WAITING, folder)
    if account.interrupted_by and any(r.step == "confirm" for r in account.results):
        return VmProgress(Where.ENDED, **said)
    return VmProgress(Where.OPEN, **said)


def _noted(outputs: Path, digest: str) -> Path:
    return outputs.absolute() / "plans" / f"{digest}.runs"


def _plan_of(journal: Path) -> str:
    opened = next(iter(read_journal(journal).lines), {})
    return str(opened.get("parameters", {}).get("plan", ""))
