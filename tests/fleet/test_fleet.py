"""Whole fleets against the simulator in process, on a stepped clock: ramps, stops, faults, records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import iso
from vergeos_nb.errors import RecordError, Refused, UsageError
from vergeos_nb.fleet.fleet_session import Ended
from vergeos_nb.fleet.progress import Where, progress
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import Named
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.settings.policy import DAYS
from vergeos_nb.simulator.faults.rules import Rule


def ended(run: Ended) -> tuple[str, str, int]:
    return run.account.outcome.value, run.account.verdict.value, run.account.exit_code


def puts(fleet: StuckFleet) -> list[str]:
    return sorted(path for method, path, _ in fleet.changes() if method == "PUT")


def begun(run: Ended) -> list[str]:
    lines = read_journal(run.folder / "journal.jsonl").lines
    return [line["name"] for line in lines if line["event"] == "vm-began"]


def hold_to_truth(fleet: StuckFleet) -> None:
    """No request was sent twice, and no record says off over a living process."""
    sent = [json.dumps(change, sort_keys=True) for change in fleet.changes()]
    assert len(sent) == len(set(sent)), sent
    for path in fleet.outputs.glob("*/*-force_power_off-*/record.json"):
        record = read(path.parent)
        if record["verdict"] == "off":
            assert not fleet.sim.process_alive(record["vm"]["key"])


def test_a_fleet_is_forced_off_each_vm_with_its_own_sealed_record_that_the_fleet_s_links(
    outputs: Path,
) -> None:
    fleet = StuckFleet(outputs, 4)
    plan = fleet.plan()
    fleet.approve(plan)
    run = fleet.apply(plan)
    assert (ended(run), run.trouble, fleet.alive()) == (("done", "off", 0), (), [])
    assert len(puts(fleet)) == 4
    hold_to_truth(fleet)
    record = read(run.folder)
    assert (record["plan_digest"], record["approval"]["approver"]) == (plan.digest, "grace")
    for vm in plan.vms:
        folder = fleet.outputs / run.states[vm.key].folder
        own = read(folder)
        assert (own["vm"]["key"], own["outcome"], own["verdict"]) == (vm.key, "done", "off")
        assert own["plan_digest"] in plan.digests
        assert check(folder) == []
        assert run.states[vm.key].folder in (run.folder / "notebook.html").read_text()
    assert verify(fleet.outputs).findings == ()
    (asked,) = {line["parameters"]["plan"] for line in read_journal(run.folder / "journal.jsonl").lines[:1]}
    assert asked == plan.digest


def test_one_list_call_serves_all_and_each_record_holds_its_own_vm_s_rows_only(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 4)
    plan = fleet.plan()
    fleet.approve(plan)
    fleet.apply(plan)
    for folder in fleet.outputs.glob("*/*-force_power_off-*"):
        lines = read_journal(folder / "journal.jsonl").lines
        key = read(folder)["vm"]["machine"]
        rows = [
            row
            for line in lines
            if line["event"] == "exchange" and isinstance(line["answer"], list)
            for row in line["answer"]
        ]
        assert {row["machine"] for row in rows if "machine" in row and row.get("status") != "running"} == {
            key
        }
        numbers = [line["number"] for line in lines if line["event"] == "exchange"]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_failure_stops_the_fleet_and_what_was_not_begun_waits(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 4)
    plan = fleet.plan(Limits(2, 4, 4, 1))
    fleet.approve(plan)
    fleet.sim.faults.add(Rule("no", "PUT", "/api/v4/machine_status/*", nth=(1,), status=403))
    run = fleet.apply(plan)
    assert (ended(run)[::2], begun(run)) == (("refused", 3), ["vm-00001"])
    assert [state.where for state in run.states.values()] == [Where.ENDED, *[Where.WAITING] * 3]
    # What failed counts on, until somebody has looked at it.
    again = fleet.apply(plan, resume=True)
    assert begun(again) == []
    done = fleet.apply(plan, resume=True, go_on=True)
    assert begun(done) == ["vm-00002", "vm-00003", "vm-00004"]
    hold_to_truth(fleet)


@pytest.mark.parametrize("how", [{"drop": "after"}, {"drop": "before"}, {"status": 500}])
@pytest.mark.parametrize("nth", [1, 2])
def test_whatever_becomes_of_a_changing_call_it_is_never_sent_again_by_apply_or_resume(
    outputs: Path, how: dict[str, Any], nth: int
) -> None:
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan(Limits(1, 4, 4, 2), confirm_timeout_s=4.0)
    fleet.approve(plan)
    fleet.sim.faults.add(Rule("put", "PUT", "/api/v4/machine_status/*", nth=(nth,), **how))
    run = fleet.apply(plan)
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert begun(run) == ["vm-00001", "vm-00002"]
    assert begun(resumed) == []
    assert puts(fleet) == ["machine_status/1006", "machine_status/1007"]
    hold_to_truth(fleet)
    executed = "after" in how.values()
    assert ended(run)[1] == ("off" if executed else "unknown")


def test_without_an_approval_nothing_starts_and_the_refusal_has_a_record(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan()
    run = fleet.apply(plan)
    assert (ended(run)[::2], begun(run), fleet.changes()) == (("refused", 3), [], [])
    assert read(run.folder)["outcome"] == "refused"


def test_where_two_people_are_demanded_the_operator_s_own_approval_starts_nothing(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.toml").write_text("[approval]\ntwo_people = true\n")
    monkeypatch.setenv("VERGEOS_NB_POLICY", str(tmp_path / "policy.toml"))
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan()
    fleet.approve(plan, approver=" ADA ")
    assert (begun(fleet.apply(plan)), fleet.changes()) == ([], [])


def test_an_approval_that_ends_while_the_fleet_runs_lets_nothing_else_start(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 4)
    plan = fleet.plan(Limits(1, 1, 1, 4))
    fleet.approve(plan, lasts_s=12.0)
    run = fleet.apply(plan)
    assert 1 <= len(begun(run)) < 4
    assert ended(run)[2] == 5
    hold_to_truth(fleet)


def test_a_window_that_closes_while_the_fleet_runs_lets_nothing_else_start_or_change(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = StuckFleet(outputs, 4)
    closes = fleet.clock.now() // 60 * 60 + 120
    (tmp_path / "policy.toml").write_text(
        f'[[window]]\ndays = {json.dumps(DAYS)}\nfrom = "00:00"\nto = "{iso(closes)[11:16]}"\n'
        'timezone = "UTC"\n'
    )
    monkeypatch.setenv("VERGEOS_NB_POLICY", str(tmp_path / "policy.toml"))
    plan = fleet.plan(Limits(1, 1, 1, 4))
    fleet.approve(plan)
    fleet.stepped.advance(closes - 12 - fleet.clock.now())
    changed: list[float] = []

    def note(request: httpx.Request) -> None:
        if request.method == "PUT":
            changed.append(fleet.clock.now())

    fleet.before = note
    run = fleet.apply(plan)
    assert 1 <= len(begun(run)) < 4
    assert ended(run)[::2] == ("refused", 3)
    assert 1 <= len(changed) == len(puts(fleet))
    assert max(changed) < closes
    hold_to_truth(fleet)


def test_a_stop_file_lets_what_runs_end_and_nothing_start(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 4)
    plan = fleet.plan(Limits(1, 1, 1, 4))
    fleet.approve(plan)

    def stop(request: httpx.Request) -> None:
        if request.method == "PUT":
            (fleet.outputs / "STOP").touch()

    fleet.before = stop
    run = fleet.apply(plan)
    assert (begun(run), len(puts(fleet))) == (["vm-00001"], 1)
    (fleet.outputs / "STOP").unlink()
    fleet.before = lambda request: None
    resumed = fleet.apply(plan, resume=True, go_on=True)
    assert begun(resumed) == ["vm-00002", "vm-00003", "vm-00004"]
    hold_to_truth(fleet)


def test_a_fleet_run_that_cannot_begin_leaves_no_folder(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan()
    with pytest.raises(Refused, match="never applied"):
        fleet.apply(plan, resume=True)
    # Its lease cannot be written either, because a file stands in place of the folder.
    shutil.rmtree(fleet.outputs / "leases")
    (fleet.outputs / "leases").touch()
    with pytest.raises(RecordError):
        fleet.apply(plan)
    assert list(fleet.outputs.glob("2*/*fleet*")) == []


def test_a_name_that_no_run_takes_leaves_out_its_own_vm_and_no_other(outputs: Path) -> None:
    """One name with a control character in a list made planning fail for the whole list."""
    fleet = StuckFleet(outputs, 2)
    odd, well = fleet.names
    next(row for row in fleet.sim.world.tables["vms"].values() if row["name"] == odd)["name"] = "odd\x07"
    plan = fleet.plan(named=[Named("odd\x07"), Named(well)])
    assert [vm.name for vm in plan.vms] == [well]
    [left_out] = [vm for vm in plan.plan.content["vms"] if not vm["plan"]]
    assert left_out["left_out"] == (
        "vm_name holds control characters (U+0007); a VM's name has none; "
        "rename it on the platform, then plan again"
    )


def test_a_plan_is_applied_once_and_gone_on_with_only_after_that(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan()
    with pytest.raises(Refused, match="never applied"):
        fleet.apply(plan, resume=True)
    fleet.approve(plan)
    fleet.apply(plan)
    with pytest.raises(Refused, match="applied before"):
        fleet.apply(plan)
    assert len(puts(fleet)) == 2


def test_a_vm_that_came_back_to_life_after_the_plan_is_not_overridden(outputs: Path) -> None:
    fleet = StuckFleet(outputs, 2)
    plan = fleet.plan()
    fleet.approve(plan)
    fleet.sim.world.revive_process("vm-00002")
    run = fleet.apply(plan)
    assert puts(fleet) == ["machine_status/1006"]
    assert run.states[plan.vms[1].key].outcome == "refused"
    assert ended(run)[2] != 0
    hold_to_truth(fleet)


def test_the_digest_is_the_same_for_the_same_fleet_and_another_for_other_limits(outputs: Path) -> None:
    digests = [
        StuckFleet(outputs / str(at), 2).plan(limits).digest
        for at, limits in enumerate((None, None, Limits(3, 4, 4, 1)))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_single_run_s_plan_is_no_fleet_plan(outputs: Path) -> None:
    from vergeos_nb.fleet.plan import find_plan

    plan = StuckFleet(outputs, 2).plan()
    with pytest.raises(UsageError, match="plan of a single run"):
        find_plan(outputs, plan.digests[0])


# -- killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["before the call", "after the call"])
def test_a_fleet_run_that_died_around_a_changing_call_is_resumed_without_sending_it_again(
    outputs: Path, cut: str
) -> None:
    fleet = StuckFleet(outputs, 3)
    plan = fleet.plan(Limits(1, 1, 1, 3))
    fleet.approve(plan)
    run = fleet.apply(plan)
    # What a kill leaves: the second VM's journal ends at its intent, and the fleet's with its beginning.
    second = fleet.outputs / run.states[plan.vms[1].key].folder
    for folder, last in ((second, "intent"), (run.folder, "vm-began")):
        lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
        marks = [at for at, line in enumerate(lines) if json.loads(line)["event"] == last]
        keep = lines[: marks[0 if last == "intent" else 1] + (cut == "after the call" or last == "vm-began")]
        (folder / "journal.jsonl").write_bytes(b"".join(keep))
    third = run.states[plan.vms[2].key].folder
    for path in (second / "record.json", run.folder / "record.json"):
        path.unlink()
    before = progress(fleet.outputs, plan.digest)
    assert plan.vms[2].key not in before
    expected = Where.OPEN if cut == "after the call" else Where.WAITING
    assert before[plan.vms[1].key].where is expected
    assert third not in {state.folder for state in before.values()}


def test_two_vms_of_one_name_are_forced_off_by_their_keys(outputs: Path) -> None:
    # Holds off: a fleet's list names the key, and the VM's own run went by the name alone.
    fleet = StuckFleet(outputs, 2)
    keys = [fleet.sim.world.vm(name).key for name in fleet.names]
    fleet.sim.world.set_row("vms", keys[1], name=fleet.names[0])
    plan = fleet.plan(named=[Named(key=key) for key in keys])
    assert [(vm.name, vm.key) for vm in plan.vms] == [(fleet.names[0], key) for key in keys]
    fleet.approve(plan)
    run = fleet.apply(plan)
    assert ended(run) == ("done", "off", 0)
    assert len(puts(fleet)) == 2
    assert [fleet.sim.process_alive(key) for key in keys] == [False, False]
    for key in keys:
        own = read(fleet.outputs / run.states[key].folder)
        assert (own["vm"]["key"], own["parameters"]["vm_key"], own["verdict"]) == (key, key, "off")
