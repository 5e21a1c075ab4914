"""The control prefix, dump and load, recording and replay."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.simulator.simhelp import OVERRIDE, STOPPED, STUCK
from vergeos_nb.simulator import Simulator, SteppedClock, replay
from vergeos_nb.simulator.doors.control import EXPLAINED, ROUTES


@pytest.mark.parametrize("path", ["", "state", "faults", "requests", "truth/web-01"])
def test_the_control_prefix_needs_the_credentials_or_the_control_token(make, path):
    api = make("stuck")
    api.http.auth = None
    assert api.call("GET", f"/_sim/{path}") == (401, {"err": "Login required"})
    wrong = api.http.get(f"/_sim/{path}", headers={"X-Simulator-Token": "guess"})
    right = api.http.get(f"/_sim/{path}", headers={"X-Simulator-Token": api.sim.control_token})
    assert (wrong.status_code, right.status_code) == (401, 200)


def test_it_says_what_is_simulated_and_explains_itself(make):
    api = make("zombie", seed=7)
    status, about = api.call("GET", "/_sim/")
    assert (status, about["scenario"], about["vm_name"], about["seed"]) == (200, "zombie", "web-01", 7)
    assert len(about["controls"]) == len(ROUTES) == len(EXPLAINED)
    assert "stuck" in api.call("GET", "/_sim/scenarios")[1]["scenarios"]
    assert api.call("GET", "/_sim/nonsense")[0] == 404


def test_control_requests_are_no_requests_of_the_imitated_api(make):
    api = make("stuck")
    api.call("POST", "/_sim/faults", {"path": "*", "status": 500})
    api.call("GET", "/_sim/truth/web-01")
    assert api.sim.requests == []
    assert api.get_error("vms")[0] == 500


def test_faults_are_added_reported_and_removed_at_run_time(make):
    api = make("stuck")
    assert api.call("POST", "/_sim/faults", [{"name": "x", "status": 503}, {"name": "y", "nth": 9}]) == (
        200,
        ["x", "y"],
    )
    assert api.get_error("vms")[0] == 503
    assert api.call("GET", "/_sim/faults/never-fired") == (200, ["y"])
    assert [rule["fired"] for rule in api.call("GET", "/_sim/faults")[1]] == [1, 0]
    assert api.call("DELETE", "/_sim/faults") == (200, {})
    assert api.get_error("vms")[0] == 200
    status, answer = api.call("POST", "/_sim/faults", {"stat": 1})
    assert (status, "unknown key 'stat'" in answer["err"]) == (422, True)


def test_the_truth_of_a_vm_is_told(make):
    api = make("zombie")
    vm = {"name": "web-01", "key": 41, "machine": 44, "status": 46, "stats": 48}
    told = {"vm": vm, "process_alive": True, "nodes": [1]}
    assert api.call("GET", "/_sim/truth/web-01") == (200, told)
    assert api.call("GET", "/_sim/truth/41") == (200, told)
    assert api.call("GET", "/_sim/truth/nobody")[0] == 404


def test_a_stepped_clock_is_moved_and_a_wall_clock_is_not(make):
    api = make("stuck")
    assert api.call("POST", "/_sim/advance", {"seconds": 5}) == (200, {"now": 1790090005.0})
    assert api.call("POST", "/_sim/advance", {"seconds": -1})[0] == 422
    sim = Simulator("stuck")
    with httpx.Client(transport=sim.transport(), auth=(sim.username, sim.password)) as client:
        assert client.post("https://sim/_sim/advance", json={"seconds": 5}).status_code == 409


def test_the_right_to_change_something_is_granted_and_taken_while_it_runs(make):
    api = make("reader")
    kill = {"vm": 41, "action": "kill"}
    permission = "/api/v4/permissions/1?fields=table,row,read,modify"
    assert api.call("POST", "/api/v4/vm_actions", kill)[0] == 403
    assert api.call("GET", permission) == (200, {"table": "/", "row": 0, "read": True, "modify": False})
    assert api.call("POST", "/_sim/role", {"role": "admin"}) == (200, {"role": "admin"})
    assert api.call("GET", permission) == (200, {"table": "/", "row": 0, "read": True, "modify": True})
    assert api.call("POST", "/api/v4/vm_actions", kill)[0] == 201
    assert api.call("POST", "/_sim/role", {"role": "king"})[0] == 422


def test_reset_begins_anew_or_with_another_scenario(make):
    api = make("stuck")
    api.put("machine_status/46", OVERRIDE)
    assert api.status() == STOPPED
    assert api.call("POST", "/_sim/reset", {}) == (200, {"scenario": "stuck", "vm_name": "web-01"})
    assert api.status() == STUCK
    assert len(api.sim.requests) == 1
    api.call("POST", "/_sim/reset", {"scenario": "twins"})
    assert len(api.names("name eq 'web-01'")) == 2
    status, answer = api.call("POST", "/_sim/reset", {"scenario": "nope"})
    assert (status, answer["err"][:33]) == (422, "no scenario is called 'nope'; the")


def test_a_dumped_state_is_loaded_with_what_was_pending(make):
    first, second = make("healthy", vms=3), make("stuck")
    first.post("vm_actions", {"vm": 42, "action": "poweroff"})
    first.post("machine_snapshots", {"machine": 44, "name": "s"})
    first.wait(2)
    second.wait(2)
    status, state = first.call("GET", "/_sim/state")
    assert second.call("PUT", "/_sim/state", state) == (200, {})
    assert second.call("GET", "/_sim/state") == (200, state)
    assert second.status("web-02")["status"] == "stopping"
    second.wait(4)
    first.wait(4)
    assert second.status("web-02") == first.status("web-02") == STOPPED
    everything = {"fields": "most,machine[most,status[most],stats[most],drives[most],nics[most]]"}
    assert second.get("vms", **everything) == first.get("vms", **everything)
    assert second.post("machine_snapshots", {"machine": 44, "name": "t"})[1]["$key"] == "23"


def test_a_state_holds_no_credentials(make):
    api = make("stuck")
    created = api.post("user_api_keys", {"user": 1, "name": "k"})[1]["response"]["private_key"]
    token = api.call("POST", "/api/sys/tokens", {"login": api.sim.username, "password": api.sim.password})[1]
    text = json.dumps(api.sim.dump())
    for secret in (created, token["$key"], api.sim.password, api.sim.api_key, api.sim.control_token):
        assert secret not in text


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"format": "other"},
        {"format": "vergeos-nb-simulator-state-1"},
        {"format": "vergeos-nb-simulator-state-1", "tables": {"nope": []}, "vitals": {}, "events": []},
        {"format": "vergeos-nb-simulator-state-1", "tables": {"vms": [{"name": "x"}]}},
        {"format": "vergeos-nb-simulator-state-1", "tables": {"vms": [3]}},
    ],
)
def test_a_state_that_is_none_is_refused_and_the_old_one_kept(make, state):
    api = make("stuck")
    status, answer = api.call("PUT", "/_sim/state", state)
    assert (status, list(answer)) == (422, ["err"])
    assert api.status() == STUCK


def record_a_run(path, clock):
    sim = Simulator("slow", vms=2, seed=3, clock=clock, record=path)
    client = httpx.Client(
        transport=sim.transport(), base_url="https://sim", auth=(sim.username, sim.password)
    )
    token = client.post("/api/sys/tokens", json={"login": sim.username, "password": sim.password}).json()[
        "$key"
    ]
    client.get("/api/v4/vms", params={"filter": "name eq 'web-01'", "fields": "most"})
    client.get("/api/v4/vms", auth=None)
    client.get("/api/v4/vms", auth=None, headers={"x-yottabyte-token": token})
    client.post("/_sim/faults", json={"name": "once", "method": "PUT", "nth": 1, "drop": "after"})
    clock.sleep(0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.put("/api/v4/machine_status/46", json=OVERRIDE)
    client.post("/api/v4/user_api_keys", json={"user": 1, "name": "k"})
    client.post("/api/v4/vm_actions", content=b"\xff\xfe")
    for _ in range(4):
        clock.sleep(1.37)
        client.get("/api/v4/machine_status/46", params={"fields": "most"})
        client.get("/api/v4/machine_stats", params={"fields": "most"})
        client.get("/api/v4/machine_logs", params={"fields": "all"})
    client.delete(f"/api/sys/tokens/{token}")
    sim.close()
    return sim, token


def test_a_recorded_run_replays_to_the_same_answers(tmp_path):
    path = tmp_path / "run.jsonl"
    record_a_run(path, SteppedClock(1_790_012_345.678))
    assert len(path.read_text().splitlines()) == 22
    assert replay(path) == []


def test_a_replay_shows_what_came_out_otherwise(tmp_path):
    path = tmp_path / "run.jsonl"
    record_a_run(path, SteppedClock())
    lines = path.read_text().splitlines()
    changed = json.loads(lines[2])
    changed["answer"] = changed["answer"].replace("web-01", "web-99")
    path.write_text("\n".join([*lines[:2], json.dumps(changed), *lines[3:]]))
    [difference] = replay(path)
    assert (difference.line, difference.request) == (3, "GET /api/v4/vms")
    assert "web-99" in difference.recorded["answer"]
    assert "web-01" in difference.replayed["answer"]


def test_a_recording_holds_no_secret(tmp_path):
    path = tmp_path / "run.jsonl"
    sim, token = record_a_run(path, SteppedClock())
    text = path.read_text()
    for secret in (token, sim.password, sim.api_key, sim.control_token, *sim.world.api_secrets):
        assert secret not in text


def test_what_is_no_recording_is_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="not a recording"):
        replay(path)
