"""Machines over time: actions take effect later, counters move, agents rewrite, HA restarts."""

from __future__ import annotations

import pytest

from tests.simulator.simhelp import OVERRIDE, RUNNING, STOPPED, STUCK

REQUIRED = "field 'vm_actions.action' is required"


def act(api, action, key=41, **params):
    return api.post("vm_actions", {"vm": key, "action": action, "params": params})


def timeline(api, seconds, vm="web-01", step=1.0):
    seen = [api.status(vm)["status"]]
    for _ in range(seconds):
        api.wait(step)
        seen.append(api.status(vm)["status"])
    return seen


def test_poweron_takes_half_a_second_and_sets_what_was_started(make):
    api = make("healthy")
    assert act(api, "poweron", 51) == (201, {})
    assert api.status("test-01")["status"] == "initializing"
    api.wait(0.4)
    assert api.sim.process_alive("test-01") is False
    api.wait(0.1)
    assert api.sim.process_alive("test-01") is True
    row = api.sim.world.status_of("test-01")
    assert (row["status"], row["started"], row["running_cores"], row["running_ram"]) == (
        "running",
        1790090000,
        2,
        2048,
    )


def test_actions_in_the_wrong_state_conflict_and_kill_on_a_stopped_vm_is_accepted(make):
    api = make("healthy")
    assert act(api, "poweron") == (
        422,
        {"err": "Error starting machine: Machine is already running with status 'running'"},
    )
    for action in ("poweroff", "reset", "migrate", "hibernate"):
        assert act(api, action, 51) == (409, {"err": "VM is not in running state"})
    assert act(api, "kill", 51) == (201, {})
    api.wait(10)
    assert api.status("test-01") == STOPPED


def test_an_action_that_does_not_exist_or_is_not_implemented_is_a_typed_error(make):
    api = make("healthy")
    for action in ("guestshutdown", "shutdown", "killpower", "guestreset", "snapshot", ""):
        status, answer = act(api, action)
        wanted = f"value '{action}' is not in list for field 'action'" if action else REQUIRED
        assert (status, answer["err"]) == (422, wanted)
    assert act(api, "changecd")[0] == 501
    assert act(api, "hotplugdrive") == (422, {"err": "Operation not permitted"})  # it names no drive
    assert act(api, "kill", 4711) == (404, {"err": "error setting field 'vm': No such file or directory"})
    assert api.post("vm_actions", {"action": "kill"}) == (422, {"err": "field 'vm_actions.vm' is required"})
    assert act(api, "kill", 53) == (422, {"err": "Operation not permitted"})  # a snapshot's row
    assert api.get_error("vm_actions")[0] == 405


def test_a_later_action_overtakes_what_was_pending(make):
    api = make("healthy")
    act(api, "poweroff")
    api.wait(1)
    act(api, "kill")
    api.wait(1)
    assert api.status() == STOPPED
    act(api, "poweron")
    api.wait(30)
    assert api.status()["status"] == "running"
    texts = [
        row["text"] for row in api.get("machine_logs", filter="machine eq 44", fields="text", sort="$key")
    ]
    assert texts == [
        "VM action 'poweroff' sent",
        "VM action 'kill' sent",
        "VM was killed",
        "VM action 'poweron' sent",
        "VM has started",
    ]


def test_a_reset_keeps_it_running_and_starts_anew(make):
    api = make("healthy")
    act(api, "reset")
    api.wait(2)
    row = api.sim.world.status_of("web-01")
    assert (row["status"], row["started"]) == ("running", 1790090001)


def test_a_migration_goes_through_its_statuses_and_ends_on_the_other_node(make):
    api = make("healthy")
    assert act(api, "migrate", preferred_node=3) == (201, {})
    assert api.get("machine_status/46", fields="node,migration_destination") == {
        "node": 1,
        "migration_destination": 3,
    }
    assert timeline(api, 4, step=1.5) == [
        "initmigrate",
        "startmigrate",
        "migrating",
        "migratecomplete",
        "running",
    ]
    fields = "node,migrated_node,migration_destination"
    assert api.get("machine_status/46", fields=fields) == {
        "node": 3,
        "migrated_node": 1,
        "migration_destination": None,
    }
    assert api.sim.world.truth("web-01").copies == [3]
    assert act(api, "migrate", preferred_node=99)[0] == 404


def test_a_hibernation_ends_hibernated(make):
    api = make("healthy")
    act(api, "hibernate")
    assert timeline(api, 3) == ["hibernating", "hibernating", "hibernating", "hibernated"]
    assert api.status() == {**STOPPED, "status": "hibernated"}


def test_counters_move_while_the_process_lives_and_stand_still_when_it_does_not(make):
    api = make("healthy")
    drive, nic = "machine_drive_stats/97", "machine_nic_stats/200"
    assert api.get(nic, fields="parent_nic#machine as m") == {"m": 44}

    def sample():
        return {
            **api.get(drive, fields="reads,writes,read_bytes"),
            **api.get(nic, fields="rx_bytes,tx_pckts"),
            **api.get("machine_stats/48", fields="ram_used"),
        }

    first = sample()
    api.wait(1)
    second = sample()
    assert all(second[key] > first[key] for key in first)
    act(api, "kill")
    api.wait(1)
    third = sample()
    api.wait(100)
    assert sample() == third
    assert third["ram_used"] == 0
    assert api.get(drive, fields="rops,wops") == {"rops": 0, "wops": 0}
    act(api, "poweron")
    api.wait(3)
    assert sample()["reads"] > third["reads"]


def test_heartbeats_follow_the_clock_only_while_it_runs(make):
    api = make("healthy")

    def heard():
        return api.get("machine_status/46", fields="last_update")["last_update"] - 1790090000

    assert heard() == 0
    api.wait(7)
    assert heard() == 7
    act(api, "kill")
    api.wait(50)
    assert heard() == 8  # a second later it was gone


def test_a_vm_that_died_by_itself_is_found_out_after_two_minutes_and_restarted_elsewhere(make):
    api = make("healthy")
    api.sim.world.kill_process("web-01")
    assert api.status() == RUNNING
    api.wait(119)
    assert api.status() == RUNNING
    api.wait(1)
    assert api.status() == STUCK
    api.wait(10)
    after = api.status()
    assert (after["status"], after["node"] in (2, 3)) == ("running", True)
    assert api.sim.process_alive("web-01") is True


def test_a_lost_node_takes_its_vms_down_and_ha_restarts_them(make):
    api = make("healthy")
    api.sim.world.take_node_down(1)
    assert api.get("nodes/1", fields="vsan_connected,machine#status#running as up") == {
        "vsan_connected": False,
        "up": False,
    }
    assert api.get("cluster_status/1", fields="status,online_nodes") == {
        "status": "reduced",
        "online_nodes": 2,
    }
    assert api.sim.process_alive("web-01") is False
    frozen = api.get("machine_stats/48", fields="modified")
    api.wait(60)
    assert api.get("machine_stats/48", fields="modified") == frozen
    api.wait(70)
    assert api.status()["status"] == "running"
    assert api.get("machine_stats/48", fields="modified")["modified"] == 1790090130


def test_ha_over_a_node_that_is_only_cut_off_runs_the_vm_twice(make):
    api = make("healthy")
    api.sim.world.take_node_down(1, power=False)
    api.wait(200)
    assert api.sim.process_copies("web-01") == 2


def test_an_override_over_a_live_process_followed_by_a_poweron_runs_the_vm_twice(make):
    api = make("healthy")
    api.put("machine_status/46", OVERRIDE)
    assert act(api, "poweron") == (201, {})
    api.wait(5)
    assert api.sim.process_copies("web-01") == 2


def test_maintenance_keeps_new_vms_off_a_node(make):
    api = make("healthy")
    assert api.post("nodes/1/enable_maintenance", {}) == (200, None)
    assert api.get("nodes/1", fields="maintenance,machine#status#status as s") == {
        "maintenance": True,
        "s": "maintenance",
    }
    api.post("nodes/2/enable_maintenance", {})
    act(api, "poweron", 51)
    api.wait(2)
    assert api.status("test-01")["node"] == 3
    assert api.post("nodes/1/maintenance_reboot", {}) == (422, {"err": "Operation not permitted"})
    api.post("nodes/3/enable_maintenance", {})
    act(api, "poweron", 52)
    assert api.status("legacy-01")["status"] == "waitingforresources"
    assert api.post("nodes/1/disable_maintenance", {}) == (200, None)
    for action in ("leavemaintenance", "maintenance", "disable_maintenance"):
        assert api.post("node_actions", {"node": 2, "action": action, "params": {}}) == (201, {})
    assert api.get("nodes/2", fields="maintenance") == {"maintenance": False}
    assert api.post("node_actions", {"node": 2, "action": "explode"})[0] == 422


@pytest.mark.parametrize(
    ("scenario", "shown", "alive", "after_kill", "after_override"),
    [
        ("deaf", RUNNING, True, STOPPED, STOPPED),
        ("kill_stuck", {**STUCK, "status": "stopping"}, True, {**STUCK, "status": "stopping"}, STOPPED),
        ("node_dead", STUCK, False, STUCK, STOPPED),
        ("node_unreachable", STUCK, True, STUCK, STOPPED),
        ("maintenance", STUCK, False, STUCK, STOPPED),
        ("migrating", {**RUNNING, "status": "migrating"}, True, {**RUNNING, "status": "migrating"}, RUNNING),
        (
            "hibernating",
            {**RUNNING, "status": "hibernating"},
            True,
            {**RUNNING, "status": "hibernating"},
            RUNNING,
        ),
        ("stale_cores", STOPPED, False, STOPPED, STOPPED),
        ("edited", STUCK, False, STUCK, STOPPED),
        ("equal_keys", STUCK, False, STUCK, STOPPED),
    ],
)
def test_a_scenario_holds_against_poweroff_kill_and_override(
    make, scenario, shown, alive, after_kill, after_override
):
    api = make(scenario)
    vm = api.sim.world.vm("web-01")
    assert (api.status(), api.sim.process_alive("web-01")) == (shown, alive)
    act(api, "poweroff", vm.key)
    api.wait(60)
    assert api.status() == shown
    assert act(api, "kill", vm.key) == (201, {})
    api.wait(60)
    assert api.status() == after_kill
    assert api.put(f"machine_status/{vm.status}", OVERRIDE) == (200, [])
    api.wait(60)
    assert api.status() == after_override


def test_a_dead_and_a_cut_off_node_look_the_same_and_a_poweron_tells_them_apart_too_late(make):
    dead, cut = make("node_dead"), make("node_unreachable")
    fields = "most,machine[most,status[most],stats[most],nics[most,stats[most]]]"
    assert dead.get("vms/41", fields=fields) == cut.get("vms/41", fields=fields)
    assert dead.get("machine_stats/48", fields="modified") == {"modified": 1790089100}
    for api, copies in ((dead, 1), (cut, 2)):
        api.put("machine_status/46", OVERRIDE)
        act(api, "poweron")
        api.wait(5)
        assert api.sim.process_copies("web-01") == copies


def test_ha_restart_comes_between_the_last_read_and_the_put(make):
    api = make("ha_restart")
    assert api.status() == STUCK
    assert api.sim.process_alive("web-01") is False
    assert api.put("machine_status/46", OVERRIDE) == (200, [])
    assert api.sim.process_alive("web-01") is True
    assert api.status() == STOPPED
    api.wait(2)
    after = api.status()
    assert (after["status"], after["node"] in (2, 3)) == ("running", True)


def test_stale_cores_and_an_edited_vm_differ_from_their_row(make):
    for scenario, cores in (("stale_cores", (4, 8)), ("edited", (8, 4))):
        api = make(scenario)
        row = api.get("vms/41", fields="cpu_cores as a,machine#status#running_cores as b")
        assert (row["a"], row["b"]) == cores


def test_equal_keys_are_equal(make):
    vm = make("equal_keys").sim.world.vm("web-01")
    assert (vm.key, vm.machine, vm.status, vm.stats) == (41, 41, 41, 41)


def test_status_missing_is_a_404_midway(make):
    api = make("status_missing")
    assert api.get("machines/44", fields="status") == {"status": 46}
    assert api.get_error("machine_status/46")[0] == 404
    assert api.get("machine_status", filter="machine eq 44") == []
    assert api.get("vms/41", fields="machine#status#running as r") == {"r": None}


def test_expired_token_refuses_keys_and_tokens_but_not_the_password(make):
    api = make("expired_token")
    login = {"login": api.sim.username, "password": api.sim.password}
    token = api.call("POST", "/api/sys/tokens", login)[1]["$key"]
    assert api.get("vms/41", fields="name") == {"name": "web-01"}
    for headers in ({"Authorization": f"Bearer {api.sim.api_key}"}, {"x-yottabyte-token": token}):
        assert api.http.get("/api/v4/vms", headers=headers, auth=None).status_code == 401
