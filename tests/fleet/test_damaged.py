"""A fleet that died while a PUT was out, and whose disk then lost what the VM's own journal held of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.at_night import at_night
from tests.fleet import mortal
from tests.fleet.mortal import Mortal
from tests.fleet.stuck_fleet import StuckFleet
from tests.fleet.test_fleet import begun, hold_to_truth
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import Where, progress
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.record.record_folder import read

Damage = Callable[[Path], None]
CUTS = [partial(mortal.cut, share=at / 8) for at in range(8)]
GARBAGE = [partial(mortal.overwrite, share=at / 3) for at in range(3)]
WHOLE_LINES = [mortal.cut_before_its_intent, mortal.without_its_intent]
# One cut in the middle, one that leaves the intent and one place of garbage by day; the others at night.
BY_DAY = (mortal.empty, mortal.remove, mortal.remove_folder, *WHOLE_LINES, CUTS[4], CUTS[7], GARBAGE[1])
ALSO_NOT_CARRIED_OUT = (mortal.remove, mortal.without_its_intent, CUTS[7])
CELLS = [
    (damage, carried_out)
    if damage in BY_DAY and (carried_out or damage in ALSO_NOT_CARRIED_OUT)
    else at_night(damage, carried_out)
    for damage in (mortal.empty, mortal.remove, mortal.remove_folder, *WHOLE_LINES, *CUTS, *GARBAGE)
    for carried_out in (True, False)
]


def died_in_its_put(outputs: Path, *, carried_out: bool) -> tuple[StuckFleet, FleetPlan, Path]:
    """A fleet of two that died in the first one's PUT, and that VM's journal."""
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan(Limits(1, 1, 1, 4))
    fleet.approve(plan, lasts_s=1e6)
    way = Mortal(fleet, lambda request: request.method == "PUT", carried_out=carried_out)
    fleet.apply(plan)
    way.revive()
    fleet.inner = way.way
    (journal,) = mortal.unsealed_with_an_intent(fleet.outputs)
    return fleet, plan, journal


@pytest.mark.parametrize(("damage", "carried_out"), CELLS)
def test_a_vm_whose_intent_the_fleet_holds_is_not_begun_again_whatever_became_of_its_journal(
    outputs: Path, damage: Damage, carried_out: bool
) -> None:
    """Its journal was empty, its folder was empty, or the tail was gone: the PUT went out once more.

    By day: each kind of damage with the PUT carried out, some with it not. At night: all with both, at every
    eighth of the journal.
    """
    fleet, plan, journal = died_in_its_put(outputs, carried_out=carried_out)
    damage(journal)
    before, first = fleet.changes(), plan.vms[0]
    assert progress(fleet.outputs, plan.digest)[first.key].where is Where.OPEN
    for _ in range(2):
        resumed = fleet.apply(plan, resume=True, go_on=True)
        assert first.name not in begun(resumed)
        assert resumed.states[first.key].verdict == "unknown"
        assert resumed.account.exit_code == 7
    hold_to_truth(fleet)
    assert [change for change in fleet.changes() if change[1] == "machine_status/1006"] == before


@pytest.mark.parametrize("damage", [*WHOLE_LINES, CUTS[4]])
def test_the_record_of_a_vm_whose_journal_lost_its_tail_says_what_may_have_been_sent(
    outputs: Path, damage: Damage
) -> None:
    """Its record said that nothing was sent, and the platform was not asked what became of it."""
    fleet, plan, journal = died_in_its_put(outputs, carried_out=True)
    damage(journal)
    fleet.apply(plan, resume=True, go_on=True)
    record = read(journal.parent)
    assert [call["path"] for call in record["changing_calls"]] == ["/api/v4/machine_status/1006"]
    assert (record["outcome"], record["verdict"]) == ("interrupted", "unknown")


@pytest.mark.parametrize("damage", [mortal.empty, mortal.remove, mortal.remove_folder])
def test_where_a_vm_s_journal_is_lost_the_fleet_says_what_may_have_been_sent_and_what_to_do(
    outputs: Path, damage: Damage
) -> None:
    fleet, plan, journal = died_in_its_put(outputs, carried_out=True)
    damage(journal)
    resumed = fleet.apply(plan, resume=True, go_on=True)
    state, last = resumed.states[plan.vms[0].key], resumed.account.results[-1]
    assert (state.where, state.lost) == (Where.OPEN, True)
    assert state.headline.endswith("PUT /api/v4/machine_status/1006 may have been sent")
    assert f"look at {plan.vms[0].name} by hand" in last.next_step
    assert not (journal.parent / "record.json").exists()


@pytest.mark.parametrize("left", ["nothing", "an empty journal", "the room for its record"])
def test_a_vm_whose_run_died_before_its_first_line_is_begun_by_resume(outputs: Path, left: str) -> None:
    """An empty folder counts as not begun because the fleet's journal, which is whole, holds no intent."""
    fleet, plan, journal = died_in_its_put(outputs, carried_out=False)
    (run,) = fleet.outputs.glob("*/*-fleet_apply-*/journal.jsonl")
    lines = run.read_bytes().splitlines(keepends=True)
    assert b'"vm-intent"' in lines[-1]
    run.write_bytes(b"".join(lines[:-1]))
    mortal.remove(journal)
    if left == "an empty journal":
        journal.touch()
    elif left == "the room for its record":
        (journal.parent / "room.reserved").write_bytes(bytes(8))
    resumed = fleet.apply(plan, resume=True)
    assert begun(resumed) == [vm.name for vm in plan.vms]
    assert resumed.account.exit_code == 0


@pytest.mark.parametrize("damage", [mortal.empty, mortal.remove, partial(mortal.cut, share=0.001)])
@pytest.mark.parametrize("fleet_s", ["is cut in a line", "is of an older version"])
def test_where_the_fleet_s_journal_vouches_for_nothing_an_empty_folder_is_not_begun_again(
    outputs: Path, fleet_s: str, damage: Damage
) -> None:
    fleet, plan, journal = died_in_its_put(outputs, carried_out=True)
    (run,) = fleet.outputs.glob("*/*-fleet_apply-*/journal.jsonl")
    lines = run.read_bytes().splitlines(keepends=True)
    assert b'"vm-intent"' in lines[-1]
    if fleet_s == "is cut in a line":
        run.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    else:
        run.write_bytes(b"".join(lines[:-1]).replace(b', "keeps_intents": true', b""))
    damage(journal)
    before = fleet.changes()
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert begun(resumed) == [plan.vms[1].name]
    assert fleet.changes()[: len(before)] == before
    assert len(fleet.changes()) == len(before) + 1


def test_an_intent_is_in_the_fleet_s_journal_before_its_call_leaves(outputs: Path) -> None:
    fleet, _, journal = died_in_its_put(outputs, carried_out=False)
    (run,) = fleet.outputs.glob("*/*-fleet_apply-*/journal.jsonl")
    (own,) = [line for line in read_journal(journal).lines if line["event"] == "intent"]
    (kept,) = [line for line in read_journal(run).lines if line["event"] == "vm-intent"]
    assert {name: kept[name] for name in ("method", "path", "body")} == {
        name: own[name] for name in ("method", "path", "body")
    }
    assert kept["folder"] == journal.parent.relative_to(fleet.outputs).as_posix()


def test_where_the_fleet_s_journal_takes_no_intent_nothing_is_sent(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vergeos_nb.errors import RecordError
    from vergeos_nb.journal.journal import RunJournal

    write = RunJournal.write

    def full(self: RunJournal, event: str, /, **data: object) -> None:
        if event == "vm-intent":
            raise RecordError("writing the journal", "the disk is full", "free space")
        write(self, event, **data)

    monkeypatch.setattr(RunJournal, "write", full)
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan(Limits(1, 1, 1, 2))
    fleet.approve(plan)
    run = fleet.apply(plan)
    assert fleet.changes() == []
    assert run.account.exit_code != 0


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_where_the_fleet_s_journal_is_cut_in_a_line_a_vm_that_it_lost_is_found_by_its_own(
    outputs: Path, kept: float
) -> None:
    """Its journal ended in the line that said that the VM begins, and the PUT went out once more."""
    fleet, plan, journal = died_in_its_put(outputs, carried_out=True)
    (run,) = fleet.outputs.glob("*/*-fleet_apply-*/journal.jsonl")
    lines = run.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if b'"vm-began"' in line)
    run.write_bytes(b"".join(lines[:at]) + lines[at][: int(len(lines[at]) * kept)])
    before = fleet.changes()
    for _ in range(2):
        assert plan.vms[0].name not in begun(fleet.apply(plan, resume=True, go_on=True))
    assert fleet.changes()[: len(before)] == before
    assert len(fleet.changes()) == len(before) + 1
    assert [call["path"] for call in read(journal.parent)["changing_calls"]] == [
        "/api/v4/machine_status/1006"
    ]
