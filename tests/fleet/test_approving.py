"""Approving a fleet plan, as somebody types it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.cli.main import cli
from vergeos_nb.clock import iso
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.simulator.faults.switches import Switches


def test_an_approval_that_ends_before_the_fleet_can_be_through_says_so(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = StuckFleet(outputs, 4)
    rungs = {"start_at": "poweroff", "attest": "", "settle_s": 90.0, "confirm_timeout_s": 99.0}
    plan = fleet.plan(Limits(2, 4, 4, 1), **rungs)
    # One, then two, then the last: each 2 s between two samples, 3 s for each rung, 90 s to settle.
    assert plan.lasts_s == 3 * (2.0 + 3.0 + 3.0 + 90.0)
    warned = "Its waits alone may take 5 min, and nothing starts after the approval has ended"
    words = ["fleet", "approve", plan.digest, "--approver", "grace", "--outputs", str(outputs)]
    assert not cli.main([*words, "--until", iso(time.time() + 200)], standalone_mode=False)
    assert warned in capsys.readouterr().out
    assert not cli.main(words, standalone_mode=False)
    assert warned not in capsys.readouterr().out


def test_over_assumed_life_a_fleet_starts_no_vm_until_a_second_person_has_approved_it(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = StuckFleet(outputs, 2)
    fleet.sim.world.switches = Switches(heartbeat_of_the_dead="goes_on")
    (tmp_path / "policy.toml").write_text("[approval]\ntwo_people_over_assumed_life = true")
    monkeypatch.setenv("VERGEOS_NB_POLICY", str(tmp_path / "policy.toml"))
    plan = fleet.plan(assertion="node1: no process of it, seen by Jo at 03:20")
    assert plan.over_assumed_life == fleet.names
    fleet.approve(plan, approver="ada")
    alone = fleet.apply(plan)
    assert (alone.account.outcome.value, alone.account.exit_code, fleet.changes()) == ("refused", 3, [])
    assert "demanded over life that is only assumed" in alone.account.last_of("plan").summary
    fleet.approve(plan, approver="grace")
    assert (fleet.apply(plan, resume=True).account.verdict.value, fleet.alive()) == ("off", [])


def test_a_fleet_plan_without_assumed_life_asks_for_no_second_person(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = StuckFleet(outputs, 2)
    (tmp_path / "policy.toml").write_text("[approval]\ntwo_people_over_assumed_life = true")
    monkeypatch.setenv("VERGEOS_NB_POLICY", str(tmp_path / "policy.toml"))
    plan = fleet.plan()
    assert (plan.over_assumed_life, "over_assumed_life" in str(plan.plan.content)) == ((), False)
    fleet.approve(plan, approver="ada")
    assert fleet.apply(plan).account.verdict.value == "off"
