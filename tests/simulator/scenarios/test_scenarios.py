"""The scenarios of the main job, each seen through the API and compared with the truth."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace

import httpx
import pytest

from tests.simulator.scenario_table import PAGE, with_table
from tests.simulator.simhelp import OVERRIDE, RUNNING, STOPPED, STUCK
from vergeos_nb.connect.drills import drill_of
from vergeos_nb.simulator import SCENARIOS, Simulator, SteppedClock, list_scenarios
from vergeos_nb.simulator.scenarios.scenario import Scenarios
from vergeos_nb.simulator.world.world import Row, World

# Each simulator is a system of its own, unless it is told which one it is.
ID = "0123456789abcdef0123456789abcdef01234567"


def test_every_scenario_explains_itself():
    assert list(list_scenarios()) == list(SCENARIOS)
    assert all(len(text) > 20 for text in list_scenarios().values())
    assert all(scenario.story and scenario.seen for scenario in SCENARIOS.values())


def test_the_table_in_the_documents_is_made_from_the_declarations():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "write it anew: python -m tests.simulator.scenario_table"


def test_the_worked_example_in_contributing_is_the_whole_scenario(monkeypatch):
    page = (PAGE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^   ```python\n(   @DECLARED.*?)^   ```", page, re.M | re.S)
    names = {"DECLARED": Scenarios(), "World": World, "Row": Row}
    exec(textwrap.dedent(block), names)
    [(name, example)] = names["DECLARED"].items()
    original = SCENARIOS[name]
    assert replace(example, prepare=original.prepare) == original
    before = Simulator(name, clock=SteppedClock(), system_id=ID).world
    monkeypatch.setitem(SCENARIOS, name, example)
    after = Simulator(name, clock=SteppedClock(), system_id=ID).world
    assert (after.tables, after.vitals) == (before.tables, before.vitals)


def test_a_new_declaration_is_all_that_a_scenario_needs(monkeypatch):
    declared = Scenarios()

    @declared.declare(story="05:30. web-01 is quiet.", seen="It was stopped by its owner.")
    def asleep(world, vm):
        """Stopped by its owner."""
        world.set_status(vm["machine"], status="stopped", running=False)

    monkeypatch.setitem(SCENARIOS, "asleep", declared["asleep"])
    assert list_scenarios()["asleep"] == "Stopped by its owner."
    assert "| `asleep` | Stopped by its owner. |\n" in with_table(PAGE.read_text(encoding="utf-8"))
    assert drill_of("simulator:asleep") == declared["asleep"]
    assert Simulator("asleep", clock=SteppedClock()).world.status_of("web-01")["status"] == "stopped"


def test_a_scenario_without_its_drill_cannot_be_declared():
    with pytest.raises(TypeError, match="story"):
        Scenarios().declare(seen="Nothing.")


def test_an_unknown_scenario_is_refused_by_name():
    with pytest.raises(ValueError, match="'stuk'.*stuck"):
        Simulator("stuk")


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_scenario_starts_alike_every_time(scenario):
    first = Simulator(scenario, clock=SteppedClock(), system_id=ID).world
    second = Simulator(scenario, clock=SteppedClock(), system_id=ID).world
    assert first.tables == second.tables
    assert first.vitals == second.vitals


def test_the_four_keys_of_a_vm_differ_and_all_belong_to_other_vms_too():
    world = Simulator("healthy", clock=SteppedClock()).world
    keys = {row["$key"] for row in world.tables["vms"].values() if not row.get("is_snapshot")}
    for key in keys:
        vm = world.vm(key)
        assert len({vm.key, vm.machine, vm.status, vm.stats}) == 4
        assert {vm.machine, vm.status, vm.stats} <= keys


def test_stuck_has_a_dead_process_fresh_zero_counters_and_a_row_that_says_running(make):
    api = make("stuck")
    assert api.status() == STUCK
    assert api.sim.process_alive("web-01") is False
    fields = "total_cpu,ram_used,core_usagelist,modified"
    before = api.get("machine_stats", filter="machine eq 44", fields=fields)
    api.wait(1)
    after = api.get("machine_stats", filter="machine eq 44", fields=fields)
    zero = {"total_cpu": 0, "ram_used": 0, "core_usagelist": [0, 0, 0, 0]}
    assert before == [{**zero, "modified": 1790090000}]
    assert after == [{**zero, "modified": 1790090001}]


def test_stuck_accepts_poweroff_and_kill_logs_them_and_changes_nothing(make):
    api = make("stuck")
    assert api.post("vm_actions", {"vm": 41, "action": "poweroff"}) == (201, {})
    assert api.post("vm_actions", {"vm": "41", "action": "kill", "params": {}}) == (201, {})
    api.wait(600)
    assert api.status() == STUCK
    logs = api.get("machine_logs", filter="machine eq 44", fields="level,text,user", sort="-timestamp")
    assert logs == [
        {"level": "audit", "text": "VM action 'kill' sent", "user": "admin"},
        {"level": "audit", "text": "VM action 'poweroff' sent", "user": "admin"},
    ]


def test_an_overridden_stuck_row_stays(make):
    api = make("stuck")
    assert api.put("machine_status/46", OVERRIDE) == (200, [])
    assert api.status() == STOPPED
    api.wait(3600)
    assert api.status() == STOPPED


def test_an_overridden_zombie_row_flips_back_and_its_counters_never_stop(make):
    api = make("zombie")
    assert api.status() == STUCK
    samples = []
    for _ in range(4):
        samples.append(api.get("machine_stats/48", fields="ram_used,modified"))
        api.wait(1)
    assert len({tuple(sample.values()) for sample in samples}) == 4
    assert all(sample["ram_used"] > 0 for sample in samples)
    assert api.post("vm_actions", {"vm": 41, "action": "kill"}) == (201, {})
    assert api.put("machine_status/46", OVERRIDE) == (200, [])
    assert api.status() == STOPPED
    api.wait(2)
    assert api.status() == RUNNING
    assert api.sim.process_alive("web-01") is True
    assert api.get("machine_status/46", fields="last_update") == {"last_update": 1790090006}


def test_slow_shows_the_override_after_three_seconds(make):
    api = make("slow")
    api.put("machine_status/46", OVERRIDE)
    seen = []
    for _ in range(5):
        seen.append(api.status()["status"])
        api.wait(1)
    assert seen == ["unresponsive", "unresponsive", "unresponsive", "stopped", "stopped"]


def test_twins_are_two_vms_of_one_name(make):
    api = make("twins")
    rows = api.get("vms", filter="name eq 'web-01' and is_snapshot eq false", fields="$key,machine")
    assert rows == [{"$key": 41, "machine": 44}, {"$key": 61, "machine": 64}]


def test_gone_lists_the_vm_but_has_no_machine(make):
    api = make("gone")
    assert api.names("name eq 'web-01'") == ["web-01"]
    missing = (404, {"err": "Resource '/v4/machines/44' not found"})
    assert api.get_error("machines/44", fields="status") == missing


def test_wrong_row_points_to_the_status_of_another_machine(make):
    api = make("wrong_row")
    assert api.get("machines/44", fields="status") == {"status": 47}
    assert api.get("machine_status/47", fields="machine") == {"machine": 45}
    assert api.get("machine_status", filter="machine eq 44", fields="$key") == [{"$key": 46}]


def test_snapshot_only_has_no_vm_of_the_name(make):
    api = make("snapshot_only")
    assert api.names("name eq 'web-01' and is_snapshot eq false") == []
    assert api.names("name eq 'web-01'") == ["web-01"]


def test_reader_reads_and_may_not_write(make):
    api = make("reader")
    assert api.status() == STUCK
    denied = (403, {"err": "Permission denied"})
    assert api.put("machine_status/46", OVERRIDE) == denied
    assert api.post("vm_actions", {"vm": 41, "action": "kill"}) == denied
    assert api.delete("vms/41") == denied


def test_unanswered_executes_the_put_and_closes_the_connection(make):
    api = make("unanswered")
    with pytest.raises(httpx.RemoteProtocolError):
        api.put("machine_status/46", OVERRIDE)
    assert api.status() == STOPPED
    [sent] = api.sim.changing_requests()
    assert (sent.method, sent.path, sent.json, sent.status, sent.executed) == (
        "PUT", "/api/v4/machine_status/46", OVERRIDE, None, True,
    )  # fmt: skip


def test_flaky_fails_each_path_at_most_twice_and_then_answers(make):
    api = make("flaky")

    def attempts(path):
        seen = []
        for _ in range(4):
            try:
                seen.append(api.get_error(path)[0])
            except httpx.RemoteProtocolError:
                seen.append("dropped")
        return seen

    assert attempts("vms") == [503, 200, 200, 200]
    assert attempts("machines/44") == ["dropped", 200, 200, 200]
    assert attempts("machine_status/46") == [500, "dropped", 200, 200]


def test_odd_names_are_all_there_and_found_exactly_by_escaping(make):
    from vergeos_nb.simulator.scenarios.row_scenarios import ODD_NAMES

    api = make("odd_names")
    assert api.sim.vm_name == ODD_NAMES[0]
    for name in ODD_NAMES:
        quoted = name.replace("\\", "\\\\").replace("'", "\\'").replace("{", "\\{")
        assert api.names(f"name eq '{quoted}'") == [name]


def test_an_unescaped_macro_silently_finds_another_vm(make):
    api = make("odd_names")
    assert api.names("name eq 'tmpl-{x}'") == ["tmpl-"]


def test_a_healthy_vm_obeys_poweroff_after_four_seconds_and_kill_after_a_second(make):
    api = make("healthy")
    api.post("vm_actions", {"vm": 41, "action": "poweroff"})
    assert api.status()["status"] == "stopping"
    api.wait(4)
    assert api.status() == STOPPED
    api.post("vm_actions", {"vm": 42, "action": "kill"})
    api.wait(0.9)
    assert api.sim.process_alive("web-02") is True
    api.wait(0.1)
    assert api.sim.process_alive("web-02") is False
    assert api.status("web-02") == STOPPED


def test_overriding_the_row_of_a_running_vm_does_not_end_it(make):
    api = make("healthy")
    api.put("machine_status/46", OVERRIDE)
    assert api.sim.process_alive("web-01") is True
    api.wait(2)
    assert api.status() == RUNNING
