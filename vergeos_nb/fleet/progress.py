"""The state of each VM of a plan, from the journals of all fleet runs of this plan.

Before a changing call is sent, it is in two journals: the VM's own and the fleet's.

- If neither holds a call, the VM was not touched and may begin again. A crash can leave an empty folder or an
  empty journal. This counts as "no call" only because the fleet's journal holds none either.
- If one of them holds a call, the VM is never begun again. It has ended, or it is settled by reading back.
- If the VM's own journal is damaged or gone, the VM is never begun again, because its lost lines are
unknown.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from vergeos_nb.errors import RecordError
from vergeos_nb.files import append, disk_errors
from vergeos_nb.fleet.plan import PROCEDURE, find_plan
from vergeos_nb.journal.journal import JournalText, opened_of, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL, RESERVE, ArchiveLayout
from vergeos_nb.procedure.values.outcomes import RunOutcome
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos.exchange import Request

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
    """The state of one VM of a plan.

    Attributes:
        folder: the folder of its newest run, below the archive's folder, or "".
        lost: whether its own journal cannot show what was sent: it is damaged, or gone, or was on a worker
            that died.
        missing: changing calls that only the fleet's journal holds, if they can be added to its own journal.
    """

    where: Where
    folder: str = ""
    outcome: str = ""
    verdict: str = ""
    exit_code: int | None = None
    headline: str = ""
    lost: bool = False
    missing: tuple[Mapping[str, Any], ...] = ()

    @property
    def well(self) -> bool:
        """Whether it ended as asked: done, or nothing to do, and off by evidence."""
        off = self.verdict == VerdictValue.OFF
        return self.where is Where.ENDED and self.outcome in WELL and off

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure. A run that was cut short does not, if the VM is off by evidence."""
        cut_short = self.outcome == RunOutcome.INTERRUPTED and self.verdict == VerdictValue.OFF
        return self.where in (Where.ENDED, Where.OPEN) and not self.well and not cut_short


_LOST: Mapping[str, Any] = {
    "where": Where.OPEN,
    "outcome": RunOutcome.INTERRUPTED.value,
    "verdict": VerdictValue.UNKNOWN.value,
    "exit_code": 7,
    "lost": True,
}


def runs_of(outputs: Path, digest: str) -> list[Path]:
    """The folders of this plan's fleet runs, the oldest first.

    Raises:
        RecordError: the journal of one is damaged or gone, so nobody knows what it began.
    """
    journals = outputs.absolute().glob(f"*/*-{RUNBOOK}-{digest[:12]}-*/{JOURNAL}")
    found = sorted(path.parent for path in journals if _plan_of(path) == digest)
    noted = ArchiveLayout(outputs.absolute()).runs(digest)
    known = noted.read_text(encoding="utf-8", errors="replace").splitlines() if noted.exists() else []
    if gone := set(known) - {folder.name for folder in found}:
        raise RecordError(
            f"finding the fleet runs of the plan {digest[:12]}…",
            f"the journal of {min(gone)} is gone or empty, so nobody knows what it began",
            "restore its record, or look at its VMs and make a new plan",
        )
    return found


def note_run(outputs: Path, digest: str, folder: Path) -> None:
    """Write the name of this fleet run beside the plan, because its record may be removed later.

    Raises:
        RecordError: it cannot be written.
    """
    path = ArchiveLayout(outputs.absolute()).runs(digest)
    with disk_errors(f"noting the fleet run in {path}"):
        append(path, f"{folder.name}\n".encode())


def progress(outputs: Path, digest: str) -> dict[int, VmProgress]:
    """By VM key, how far each VM of the plan is. Those that never began are not in it.

    Raises:
        RecordError: the journal of a fleet run of this plan is damaged.
    """
    found: dict[int, VmProgress] = {}
    torn: list[Path] = []
    for run in runs_of(outputs, digest):
        text = read_journal(run / JOURNAL)
        torn += [run] if text.torn else []
        intents: dict[str, list[Mapping[str, Any]]] = {}
        for line in text.lines:
            if line["event"] == "vm-intent":
                call = {name: line[name] for name in ("method", "path", "body")}
                intents.setdefault(line["folder"], []).append(call)
        for line in text.lines:
            if line["event"] == "vm-began":
                kept = intents.get(line["folder"], [])
                complete = line.get("keeps_intents", False) and not text.torn
                found[line["key"]] = _of(outputs, line["folder"], kept, untouched=complete and not kept)
                continue
            before = found.get(line.get("key", 0))
            if before is None or before.where is Where.ENDED:
                continue
            # The VM's own journal counts first. If it has no end or is gone, the fleet's may have one.
            if line["event"] == "vm-lost":
                found[line["key"]] = replace(before, **_LOST)
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
    if torn:
        for key, folder in _unnamed(outputs, digest, torn[0], {state.folder for state in found.values()}):
            found[key] = _of(outputs, folder, (), untouched=False)
    return found


def _unnamed(outputs: Path, digest: str, since: Path, named: Container[str]) -> Iterator[tuple[int, str]]:
    """VMs and run folders that may be missing in a fleet's journal whose last line was cut off.

    They can only be found in the VMs' own journals, which name their plan.

    Args:
        since: the folder of the oldest fleet run with such a journal.
    """
    plan = find_plan(outputs, digest)
    keys = {one: vm.key for one, vm in zip(plan.digests, plan.vms, strict=True)}
    first = f"{since.parent.name}/{since.name[:6]}"
    for journal in sorted(outputs.absolute().glob(f"*/*-{PROCEDURE}-*/{JOURNAL}")):
        folder = journal.parent.relative_to(outputs.absolute()).as_posix()
        if folder >= first and folder not in named:
            parameters = opened_of(journal).get("parameters") or {}
            if (key := keys.get(parameters.get("approve", ""))) is not None:
                yield key, folder


def _of(outputs: Path, folder: str, kept: Sequence[Mapping[str, Any]], *, untouched: bool) -> VmProgress:
    """The state of a VM by its own journal, compared with the fleet's journal.

    Args:
        kept: the changing calls of its run that the fleet's journal holds.
        untouched: whether the fleet's journal is complete and holds none.
    """
    lost = VmProgress(folder=folder, headline=_said_of_lost(kept), **_LOST)
    if _not_begun(outputs / folder):
        # A crash right after the `vm-began` line leaves this, and so can a damaged disk.
        return VmProgress(Where.WAITING, folder) if untouched else lost
    try:
        account = run_state_of(read_journal(outputs / folder / JOURNAL))
    except (RecordError, KeyError):
        return lost
    if account.lost:
        # `audit recover` has found its folder without a journal.
        return VmProgress(Where.WAITING, folder) if untouched else lost
    if not account.opened:
        return lost
    own = {call.key for call in account.changing_calls}
    if missing := tuple(call for call in kept if Request(**call).key not in own):
        return replace(lost, missing=missing)
    return progress_of(account, folder)


def _said_of_lost(kept: Sequence[Mapping[str, Any]]) -> str:
    calls = ", ".join(f"{call['method']} {call['path']}" for call in kept)
    sent = f"{calls} may have been sent" if calls else "nobody knows what was sent"
    return f"its own journal is lost or damaged; {sent}"


def _not_begun(folder: Path) -> bool:
    """Whether the folder looks as it does before the first line of a run's journal."""
    try:
        if {path.name for path in folder.iterdir()} - {JOURNAL, RESERVE}:
            return False
        text = read_journal(folder / JOURNAL) if (folder / JOURNAL).exists() else JournalText(())
    except (OSError, RecordError):
        return False
    return not text.lines


def progress_of(account: RunState, folder: str) -> VmProgress:
    """The state of a VM, from its run's journal."""
    said: Mapping[str, Any] = {
        "folder": folder,
        **account.end.as_dict(),
        "headline": account.decisive.summary if account.decisive else "",
    }
    if account.in_order or account.bug:
        return VmProgress(Where.ENDED, **said)
    if account.lost:
        return VmProgress(Where.OPEN, **said, lost=True)
    if not account.changing_calls:
        return VmProgress(Where.WAITING, folder)
    if account.interrupted_by and account.last_of("confirm") is not None:
        return VmProgress(Where.ENDED, **said)
    return VmProgress(Where.OPEN, **said)


def _plan_of(journal: Path) -> str:
    opened = next(iter(read_journal(journal).lines), {})
    return str(opened.get("parameters", {}).get("plan", ""))
