"""What a death, a bad disk or a tidy person leaves of a fleet run, and what `resume` makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from tests.fleet.test_fleet import begun, hold_to_truth
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError
from vergeos_nb.fleet.fleet_session import Ended
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import VmProgress, Where
from vergeos_nb.fleet.schedule import Limits


def applied(outputs: Path) -> tuple[StuckFleet, FleetPlan, Ended]:
    """A fleet of two that was forced off, one after the other."""
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan(Limits(1, 1, 1, 2))
    fleet.approve(plan)
    return fleet, plan, fleet.apply(plan)


def cut(journal: Path, event: str, count: int = 1) -> None:
    """As if the writer had died right after its line number ``count`` of this event."""
    lines = journal.read_bytes().splitlines(keepends=True)
    marks = [at for at, line in enumerate(lines) if json.loads(line)["event"] == event]
    journal.write_bytes(b"".join(lines[: marks[count - 1] + 1]))


def damage(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"\x00\x00\x00\n", *lines[1:]]))


def folder_of(fleet: StuckFleet, run: Ended, plan: FleetPlan, at: int) -> Path:
    return fleet.outputs / run.states[plan.vms[at].key].folder


def test_a_vm_whose_journal_is_damaged_is_not_begun_again(outputs: Path) -> None:
    """It counted as one that was never touched, and a resumed fleet sent it everything once more."""
    fleet, plan, run = applied(outputs)
    cut(run.folder / "journal.jsonl", "vm-began", 2)
    damage(folder_of(fleet, run, plan, 1) / "journal.jsonl")
    before = fleet.changes()
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert (begun(resumed), fleet.changes()) == ([], before)
    state = resumed.states[plan.vms[1].key]
    assert (state.where, state.verdict, state.lost) == (Where.OPEN, "unknown", True)
    assert resumed.account.exit_code == 7


@pytest.mark.parametrize(("outcome", "verdict"), [("nothing-to-do", "unknown"), ("done", "unknown")])
def test_a_vm_of_which_nobody_knows_did_not_end_as_asked_whatever_its_outcome(
    outcome: str, verdict: str
) -> None:
    """Its record said stopped, so it counted as done, and the fleet went on to the next ones."""
    state = VmProgress(Where.ENDED, "a", outcome, verdict, 7)
    assert (state.well, state.failed) == (False, True)
    assert VmProgress(Where.ENDED, "a", outcome, "off", 0).well


@pytest.mark.parametrize("known", [True, False])
def test_a_vm_whose_folder_is_gone_is_not_begun_again(outputs: Path, known: bool) -> None:
    """Records are removed by age, and a plan may be gone on with for as long as it is approved."""
    fleet, plan, run = applied(outputs)
    if not known:
        cut(run.folder / "journal.jsonl", "vm-began", 2)
    shutil.rmtree(folder_of(fleet, run, plan, 1))
    before = fleet.changes()
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert (begun(resumed), fleet.changes()) == ([], before)
    state = resumed.states[plan.vms[1].key]
    expected = (Where.ENDED, "done", "off") if known else (Where.OPEN, "interrupted", "unknown")
    assert (state.where, state.outcome, state.verdict) == expected


def test_a_vm_of_which_all_but_the_journal_is_left_is_not_begun_again(outputs: Path) -> None:
    """A folder without a journal counted as one in which nothing had begun, whatever else it held."""
    fleet, plan, run = applied(outputs)
    cut(run.folder / "journal.jsonl", "vm-began", 2)
    (folder_of(fleet, run, plan, 1) / "journal.jsonl").unlink()
    before = fleet.changes()
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert (begun(resumed), fleet.changes()) == ([], before)
    assert resumed.states[plan.vms[1].key].where is Where.OPEN


@pytest.mark.parametrize("left", ["nothing", "an empty journal"])
@pytest.mark.parametrize("resume", [True, False])
def test_where_the_journal_of_an_earlier_fleet_run_is_gone_nothing_begins(
    outputs: Path, left: str, resume: bool
) -> None:
    """Its record was removed by age, and the plan counted as never applied."""
    fleet, plan, run = applied(outputs)
    if left == "nothing":
        shutil.rmtree(run.folder)
    else:
        (run.folder / "journal.jsonl").write_bytes(b"")
    before, folders = fleet.changes(), sorted(fleet.outputs.glob("*/*"))
    with pytest.raises(RecordError, match="nobody knows what it began"):
        fleet.apply(plan, resume=resume, go_on=True)
    assert (fleet.changes(), sorted(fleet.outputs.glob("*/*"))) == (before, folders)


@pytest.mark.parametrize("resume", [True, False])
def test_where_the_fleet_s_own_journal_is_damaged_nothing_begins(outputs: Path, resume: bool) -> None:
    """Nobody knew of that run any more, so its plan could be applied once more from the beginning."""
    fleet, plan, run = applied(outputs)
    damage(run.folder / "journal.jsonl")
    before, folders = fleet.changes(), sorted(fleet.outputs.glob("*/*"))
    with pytest.raises(RecordError, match="line 2 is damaged"):
        fleet.apply(plan, resume=resume, go_on=True)
    assert (fleet.changes(), sorted(fleet.outputs.glob("*/*"))) == (before, folders)


@pytest.mark.parametrize("left", ["no record", "a record that is not sealed"])
def test_resume_makes_and_seals_the_records_that_a_death_kept_from_it(outputs: Path, left: str) -> None:
    fleet, plan, run = applied(outputs)
    second = folder_of(fleet, run, plan, 1)
    # The fleet died when its last VM had ended. What was sealed after that is not in the ledger.
    cut(run.folder / "journal.jsonl", "vm-began", 2)
    lines = (fleet.outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (fleet.outputs / "ledger.jsonl").write_bytes(lines[0])
    place = json.loads(lines[1])
    (fleet.outputs / "ledger.head").write_text(f"1:{place['previous']}\n")
    for folder in (second, run.folder):
        (folder / "manifest.json").unlink()
        if left == "no record":
            (folder / "record.json").unlink()
    before = fleet.changes()
    resumed = fleet.apply(plan, resume=True)
    assert (fleet.changes(), begun(resumed)) == (before, [])
    report = verify(fleet.outputs)
    assert (report.findings, report.records) == ((), 4)
    assert resumed.account.exit_code == 0
    hold_to_truth(fleet)
