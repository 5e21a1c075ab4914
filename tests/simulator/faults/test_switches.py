"""Each answer of each switch, as the API shows it. Sources are those that `switches.py` names."""

from __future__ import annotations

import httpx
import pytest

from vergeos_nb.simulator import Switches

RELAY = "Error sending action to node: "


def lost(make, **switches):
    """A living VM whose node takes no actions."""
    api = make("healthy", switches=Switches(**switches))
    api.sim.world.behave("web-01", takes_actions=False)
    return api


def times(api, name="web-01"):
    """What moves in the stats row and in the status row while nobody does anything."""
    rows, vm = [], api.sim.world.vm(name)
    for _ in range(2):
        stats = api.get("machine_stats", filter=f"machine eq {vm.machine}", fields="modified,ram_used")
        status = api.get(f"machine_status/{vm.status}", fields="last_update")
        rows.append((stats, status["last_update"]))
        api.wait(10)
    return rows[0][0], rows[0][0] != rows[1][0], rows[0][1] != rows[1][1]


@pytest.mark.parametrize(("how", "status", "cause"), [
    ("refused", 422, "No such file or directory"), ("failed", 503, "Connection refused"),
])  # fmt: skip
@pytest.mark.parametrize("action", ["poweroff", "kill", "reset"])
def test_an_action_for_a_node_that_does_not_answer_is_an_error_that_begins_as_recorded(
    make, how, status, cause, action
):
    api = lost(make, relay_to_a_dead_node=how)
    assert api.post("vm_actions", {"vm": 41, "action": action}) == (status, {"err": RELAY + cause})
    api.wait(60)
    assert (api.status()["status"], api.sim.process_alive("web-01")) == ("running", True)


def test_an_action_for_a_node_that_does_not_answer_is_accepted_without_effect_by_default(make):
    api = lost(make)
    assert api.post("vm_actions", {"vm": 41, "action": "kill"}) == (201, {})
    api.wait(60)
    assert api.sim.process_alive("web-01")


def test_an_action_that_hangs_is_waited_for_longer_than_a_client_does(make):
    api = lost(make, relay_to_a_dead_node="hangs")
    with pytest.raises(httpx.ReadTimeout):
        api.post("vm_actions", {"vm": 41, "action": "kill"})


@pytest.mark.parametrize("how", ["accepted", "refused", "failed"])
def test_a_node_that_nobody_hears_may_carry_the_action_out_and_no_row_follows(make, how):
    api = lost(make, relay_to_a_dead_node=how, relay_is_carried_out=True)
    api.post("vm_actions", {"vm": 41, "action": "kill"})
    api.wait(60)
    assert (api.status()["status"], api.sim.process_alive("web-01")) == ("running", False)


@pytest.mark.parametrize(
    ("how", "rows", "moves"), [("zeros", 1, True), ("stale", 1, False), ("gone", 0, False)]
)
def test_statistics_of_a_dead_machine_go_on_as_zeros_or_stay_as_they_were_or_are_gone(make, how, rows, moves):
    stats, moved, _ = times(make("stuck", switches=Switches(statistics_of_the_dead=how)))
    assert (len(stats), moved) == (rows, moves)
    assert [row["ram_used"] > 0 for row in stats] == [how == "stale"] * rows


def test_stale_statistics_of_a_vm_that_its_node_stopped_read_zero(make):
    api = make("healthy", switches=Switches(statistics_of_the_dead="stale"))
    api.post("vm_actions", {"vm": 41, "action": "kill"})
    api.wait(60)
    stats, moved, _ = times(api)
    assert ([row["ram_used"] for row in stats], moved) == ([0], False)


@pytest.mark.parametrize(("how", "moves"), [("stops", False), ("goes_on", True)])
def test_the_heartbeat_of_a_dead_machine_stops_or_goes_on(make, how, moves):
    assert times(make("stuck", switches=Switches(heartbeat_of_the_dead=how)))[2] is moves


@pytest.mark.parametrize(("how", "moves"), [("stops", False), ("goes_on", True)])
def test_the_heartbeat_of_a_stopped_machine_stops_or_goes_on_as_that_of_a_dead_one(make, how, moves):
    api = make("healthy", switches=Switches(heartbeat_of_the_dead=how))
    assert times(api, "test-01")[2] is moves


@pytest.mark.parametrize(("how", "moves"), [("zeros", True), ("stale", False)])
def test_statistics_of_a_machine_that_has_long_been_stopped_are_written_on_or_not(make, how, moves):
    api = make("healthy", switches=Switches(statistics_of_the_dead=how))
    stats, moved, _ = times(api, "test-01")
    assert ([row["ram_used"] for row in stats], moved) == ([0], moves)


@pytest.mark.parametrize(("how", "answer"), [("list", []), ("count", {"$count": 0})])
def test_a_filter_that_matches_nothing_gives_no_rows_in_either_way(make, how, answer):
    assert make("stuck", switches=Switches(no_match=how)).get("vms", filter="name eq 'zz'") == answer


@pytest.mark.parametrize(("how", "answer"), [("object", {}), ("list", []), ("nothing", None)])
def test_a_put_answers_an_object_or_a_list_or_nothing(make, how, answer):
    api = make("stuck", switches=Switches(put_answers=how))
    assert api.put("machine_status/46", {"status": "stopped"}) == (200, answer)


@pytest.mark.parametrize("column", ["powerstate", "node"])
def test_a_read_only_column_refuses_the_whole_put_and_changes_nothing(make, column):
    api = make("stuck", switches=Switches(read_only_status_columns="powerstate_and_node"))
    before = api.status()
    answer = api.put("machine_status/46", {"running": False, column: None})
    assert (answer, api.status()) == ((422, {"err": f"field '{column}' is readonly"}), before)


def test_a_scenario_sets_its_switches_and_the_next_one_has_the_defaults_again(make):
    sim = make("stuck_stale").sim
    assert sim.world.switches == Switches(statistics_of_the_dead="stale")
    sim.reset("stuck")
    assert sim.world.switches == Switches()
