"""A drill made of a record: the same system, the same answers, and both runs side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.errors import UsageError
from vergeos_nb.runner.drilled_record import Beside, captured_of, debriefing, simulator_of


class Drill(Rehearsal):
    """A rehearsal on the system of an earlier run."""

    def __init__(self, run, outputs: Path, *, mask: bool = False) -> None:
        super().__init__("stuck", outputs, captured=captured_of(run, mask=mask))
        made = simulator_of(run, mask=mask, stepped=True)
        self.sim.faults.add(*made._extra_rules)
        self.sim.world.truth(41).behaviour = made.world.truth(41).behaviour


def applied(rehearsal: Rehearsal, **params):
    planned = rehearsal.run(**LADDER, **params)
    digest = planned.fact("plan_digest")
    return rehearsal.run(**{**LADDER, **params, "approve": digest}) if digest else planned


@pytest.mark.parametrize(
    "scenario",
    ["stuck", "stuck_stale", "zombie", "deaf", "kill_stuck", "unanswered", "relay_refused", "node_dead"],
)
def test_a_drill_of_a_record_ends_as_the_incident_did(tmp_path: Path, scenario: str):
    then = applied(Rehearsal(scenario, tmp_path / "then"))
    now = applied(Drill(then, tmp_path / "now"))
    assert [line for line in debriefing(then, now) if line.then != line.now] == []
    assert [call.key for call in now.changing_calls] == [call.key for call in then.changing_calls]
    assert (now.verdict, now.exit_code) == (then.verdict, then.exit_code)


def test_a_debriefing_shows_what_went_otherwise(tmp_path: Path):
    then = applied(Rehearsal("stuck", tmp_path / "then"))
    now = Drill(then, tmp_path / "now").run(**LADDER)
    lines = {line.step: line for line in debriefing(then, now)}
    assert lines["sent"] == Beside("sent", "poweroff kill override", "nothing")
    assert lines["end"] == Beside("end", "done, off, exit 0", "planned, off, exit 0")


def test_a_masked_drill_has_another_name_and_the_same_keys(tmp_path: Path):
    then = Rehearsal("stuck", tmp_path / "then").run()
    captured = captured_of(then, mask=True)
    [vm] = captured.tables["vms"]
    assert (vm["$key"], vm["machine"], vm["name"] != "web-01") == (41, 44, True)
    now = Drill(then, tmp_path / "now", mask=True).run(vm_name=vm["name"])
    assert (now.verdict, now.exit_code) == (then.verdict, then.exit_code)


def test_a_record_without_a_vm_makes_no_drill(tmp_path: Path):
    run = Rehearsal("stuck", tmp_path).run(vm_name="nobody")
    with pytest.raises(UsageError, match="found no VM"):
        captured_of(run)
