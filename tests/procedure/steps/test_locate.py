"""Locate by name and key: of several VMs with one name the key says which, and the name checks the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal import LADDER, Rehearsal, ending
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.scenarios.process_scenarios import STALE_SECONDS

Make = Callable[..., Rehearsal]


def keys(run: Rehearsal, name: str = "web-01") -> list[int]:
    return sorted(vm.key for vm in run.sim.world.vms(name))


def locate(account: RunState) -> Any:
    return next(result for result in account.results if result.step == "locate")


def test_twins_are_shown_side_by_side_and_the_refusal_names_their_keys_and_the_parameter(
    rehearse: Make,
) -> None:
    run = rehearse("twins")
    account = run.run()
    first, second = keys(run)
    assert (ending(account), locate(account).error["type"]) == (("refused", "unknown", 4), "VmAmbiguous")
    assert locate(account).summary.endswith(f"2 VMs have this name (VM keys {first}, {second})")
    assert f"vm_key={first}" in locate(account).next_step
    (table,) = locate(account).tables
    rows = [dict(zip([name for name, _ in table.schema.columns], row, strict=True)) for row in table.rows]
    assert table.schema.name == "twins"
    now = int(run.clock.now())
    assert [(r["vm_key"], r["name"], r["node"], r["status"], r["last_write"]) for r in rows] == [
        (first, "web-01", "node1", "unresponsive", now - STALE_SECONDS),
        (second, "web-01", "node2", "running", now),
    ]


def test_a_twin_is_forced_off_by_its_key_and_the_other_one_is_left_alone(rehearse: Make) -> None:
    run = rehearse("twins")
    stuck, other = keys(run)
    account = run.approve(**LADDER, vm_key=stuck)
    assert ending(account) == ("done", "off", 0)
    assert account.fact("vm")["key"] == stuck
    assert f"Other VMs have this name, too (VM keys {other})" in locate(account).next_step
    assert run.changes() == run.rungs(stuck)
    assert run.sim.process_alive(other)


def test_an_approval_for_one_twin_sends_nothing_to_the_other(rehearse: Make) -> None:
    # Holds off: the name is the same, and the digest must not be.
    run = rehearse("twins")
    stuck, other = keys(run)
    digest = run.run(**LADDER, vm_key=stuck).fact("plan_digest")
    account = run.run(**LADDER, vm_key=other, approve=digest)
    assert (account.outcome.value, account.exit_code, run.changes()) == ("refused", 5, [])


def test_the_key_of_the_only_vm_of_a_name_changes_no_digest(rehearse: Make) -> None:
    # Holds off: an approval that was given by name is lost when somebody adds the key.
    run = rehearse("stuck")
    by_name, by_key = run.run(**LADDER), run.run(**LADDER, vm_key=41)
    assert by_name.fact("plan_digest") == by_key.fact("plan_digest")
    assert by_key.fact("plan")["vm"]["key"] == 41
    assert by_key.fact("plan")["vm"]["name"] == "web-01"
    assert "vm_key" not in by_key.fact("plan")["parameters"]


def test_a_key_of_another_vm_is_refused_and_both_ways_on_are_named(rehearse: Make) -> None:
    run = rehearse("stuck")
    (other,) = keys(run, "db-01")
    account = run.run(vm_key=other)
    assert (ending(account), len(run.changes())) == (("refused", "unknown", 3), 0)
    assert locate(account).summary == (
        f"finding the VM 'web-01' with the key {other}: name and key do not agree: "
        f"VM {other} is named 'db-01', and the key of the VM named 'web-01' is 41"
    )
    assert locate(account).next_step == (
        f"give vm_key=41 (or leave vm_key out) if you mean 'web-01', or vm_name=db-01 if you mean VM {other}"
    )


def test_a_key_that_no_vm_has_is_not_found_and_the_keys_of_the_name_are_told(rehearse: Make) -> None:
    run = rehearse("twins")
    account = run.run(vm_key=999_999)
    assert ending(account) == ("refused", "unknown", 4)
    first, second = keys(run)
    assert f"the VMs named 'web-01' have the keys {first}, {second}" in locate(account).summary
    assert locate(account).next_step == f"give vm_key={first} or {second} if you mean 'web-01'"


def test_the_key_of_a_snapshot_is_refused(rehearse: Make) -> None:
    run = rehearse("snapshot_only")
    account = run.run(vm_key=41)
    assert ending(account) == ("refused", "unknown", 3)
    assert "a snapshot is no VM" in locate(account).summary
    assert locate(account).next_step == "give the VM's name and its key as the VergeOS UI shows them"


def test_twins_are_told_by_their_keys_where_the_platform_does_not_list_them(rehearse: Make) -> None:
    run = rehearse("twins")
    run.sim.faults.add(Rule("list", "GET", "/api/v4/tag_members", status=500, text="broken"))
    assert locate(run.run()).tables[0].schema.name == "twins", "tags only help"
    run.sim.faults.add(Rule("list", "GET", "/api/v4/vms", nth=(2,), status=403, text="Access denied"))
    account = run.run()
    assert (locate(account).error["type"], locate(account).tables[0].schema.name) == ("VmAmbiguous", "vms")


def test_a_key_alone_is_not_taken(rehearse: Make) -> None:
    with pytest.raises(UsageError) as caught:
        rehearse("stuck").open(vm_name="", vm_key=41)
    assert "vm_name is empty" in caught.value.came_back


@pytest.mark.parametrize("key", [-1, 2**31, True, "41x"])
def test_what_is_no_key_is_refused_before_any_call(rehearse: Make, key: object) -> None:
    run = rehearse("stuck")
    with pytest.raises(UsageError) as caught:
        run.open(vm_key=key)
    assert "vm_key" in caught.value.came_back
    assert run.requests == []
