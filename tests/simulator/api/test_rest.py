"""Authentication, receipts, codes and writes, as documented."""

from __future__ import annotations

import base64

import pytest

from tests.simulator.simhelp import OVERRIDE
from vergeos_nb.simulator import Request, Simulator, SteppedClock, Switches

LOGIN_REQUIRED = (401, {"err": "Login required"})


def ask(sim, method="GET", path="/api/v4/system", headers=None, body=b""):
    response = sim.handle(Request(method, path, "", headers or {}, body))
    return response.status, response.json()


@pytest.fixture
def sim():
    return Simulator("stuck", clock=SteppedClock())


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_basic_and_bearer_open_the_door_and_nothing_else_does(sim):
    assert ask(sim, headers=basic(sim.username, sim.password))[0] == 200
    assert ask(sim, headers={"authorization": f"Bearer {sim.api_key}"})[0] == 200
    for headers in (
        {},
        basic(sim.username, "wrong"),
        basic("wrong", sim.password),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Digest x"},
        {"x-yottabyte-token": "wrong"},
        {"Cookie": "token=wrong"},
        {"Cookie": "\x00;;=;"},
    ):
        assert ask(sim, headers=headers) == LOGIN_REQUIRED
    assert "www-authenticate" not in sim.handle(Request("GET", "/api/v4/vms")).headers


def test_a_session_token_works_by_header_and_cookie_until_logout(sim):
    body = f'{{"login":"{sim.username}","password":"{sim.password}"}}'.encode()
    status, receipt = ask(sim, "POST", "/api/sys/tokens", body=body)
    token = receipt["$key"]
    assert status == 200
    assert receipt == {
        "location": f"/sys/tokens/{token}",
        "dbpath": f"tokens/{token}",
        "$row": 1,
        "$key": token,
    }
    assert len(token) == 38
    for headers in ({"x-yottabyte-token": token}, {"Cookie": f"a=b; token={token}"}):
        assert ask(sim, headers=headers)[0] == 200
    assert ask(sim, headers={"Authorization": f"Bearer {token}"}) == LOGIN_REQUIRED
    leave = ("DELETE", f"/api/sys/tokens/{token}")
    assert ask(sim, *leave) == LOGIN_REQUIRED
    assert ask(sim, *leave, headers={"x-yottabyte-token": token}) == (200, {})
    assert ask(sim, headers={"x-yottabyte-token": token}) == LOGIN_REQUIRED
    assert sim.changing_requests() == []


def test_a_wrong_login_is_a_401_and_sessions_end_by_time(sim):
    assert ask(sim, "POST", "/api/sys/tokens", body=b'{"login":"x"}') == (401, {"err": "Login failed"})
    body = f'{{"login":"{sim.username}","password":"{sim.password}"}}'.encode()
    token = {"x-yottabyte-token": ask(sim, "POST", "/api/sys/tokens", body=body)[1]["$key"]}
    sim.clock.advance(86_000)
    assert ask(sim, headers=token)[0] == 200
    sim.clock.advance(86_401)
    assert ask(sim, headers=token) == LOGIN_REQUIRED


def test_the_hundred_and_first_session_ends_the_oldest(sim):
    body = f'{{"login":"{sim.username}","password":"{sim.password}"}}'.encode()
    tokens = []
    for _ in range(101):
        tokens.append(ask(sim, "POST", "/api/sys/tokens", body=body)[1]["$key"])
        sim.clock.advance(1)
    seen = [ask(sim, headers={"x-yottabyte-token": token})[0] for token in tokens[:2]]
    assert seen == [401, 200]


def test_every_answer_names_the_simulator_and_its_clock_and_can_be_pretty(sim):
    plain = sim.handle(Request("GET", "/version.json"))
    pretty = sim.handle(Request("GET", "/version.json", "", {"X-JSON-Non-Compact": "1"}))
    assert plain.headers == {
        "Server": "vergeos-nb-simulator",
        "Date": "Tue, 22 Sep 2026 15:13:20 GMT",
        "Content-Type": "application/json",
    }
    assert plain.body == b'{"name":"v4","version":"26.2.1","hash":"9f2c51d0"}'
    assert b"\n    " in pretty.body
    assert pretty.json() == plain.json()


def test_compact_answers_escape_the_slash(make):
    api = make("stuck")
    assert b'"vms\\/41"' in api.http.get("/api/v4/machines/44?fields=owner").content


def test_paths_that_do_not_exist_are_404_and_methods_that_do_not_405(make):
    api = make("stuck")
    assert api.call("GET", "/") == (404, {"err": "Resource '/' not found"})
    assert api.call("GET", "/api/v4/nope") == (404, {"err": "Resource '/v4/nope' not found"})
    assert api.call("GET", "/api/v4/vms/x")[0] == 404
    for method, path in (
        ("PATCH", "vms/41"),
        ("POST", "machine_stats"),
        ("PUT", "machine_stats/48"),
        ("DELETE", "machine_status/46"),
        ("PUT", "vms"),
        ("DELETE", "vms"),
        ("POST", ""),
        ("GET", "vms/41/x"),
        ("PUT", "vm_actions/1"),
        ("POST", "logs"),
    ):
        status, answer = api.call(method, f"/api/v4/{path}", {})
        assert (status, list(answer)) == (405, ["err"]), (method, path)


def test_a_put_is_partial_ignores_what_it_does_not_know_and_takes_texts_for_numbers(make):
    api = make("healthy")
    body = {
        "cpu_cores": "6",
        "allow_hotplug": "false",
        "nonsense": 1,
        "$key": 9,
    }
    assert api.put("vms/41", body) == (200, [])
    fields = "$key,cpu_cores,allow_hotplug,ram,machine,running"
    assert api.get("vms/41", fields=fields) == {
        "$key": 41,
        "cpu_cores": 6,
        "allow_hotplug": False,
        "ram": 8192,
        "machine": 44,
        "running": None,
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("vms/41", {"cpu_cores": 0}),
        ("vms/41", {"cpu_cores": "many"}),
        ("vms/41", {"cpu_cores": None}),
        ("vms/41", {"ram": 1.5}),
        ("vms/41", {"name": "n" * 129}),
        ("vms/41", {"name": ["x"]}),
        ("vms/41", {"enabled": "perhaps"}),
        ("vms/41", {"enabled": 2}),
        ("vms/41", {"console": "hdmi"}),
        ("machine_status/46", {"status": "asleep"}),
        ("machine_status/46", {"status": None}),
        ("machine_status/46", {"running": "no"}),
        ("machine_status/46", {"state": ""}),
    ],
)
def test_a_value_a_column_cannot_hold_is_422_and_changes_nothing(make, path, body):
    api = make("stuck")
    before = api.get(path, fields="all")
    status, answer = api.put(path, body)
    [field] = body
    words = (f"Validation error on field: '{field}' - '", f"value '{body[field]}' is not in list for field")
    assert (status, answer["err"].startswith(words)) == (422, True)
    assert api.get(path, fields="all") == before


def test_what_is_no_json_is_not_stored_in_a_json_column(make):
    api = make("stuck")
    for text in (b"NaN", b"[1e999]", b"-Infinity"):
        body = b'{"agent_features": ' + text + b"}"
        answer = api.http.put("/api/v4/machine_status/46", content=body)
        assert (answer.status_code, answer.json()["err"][:38]) == (
            422,
            "Validation error on field: 'agent_feat",
        )
    assert api.put("machine_status/46", {"agent_features": {"a": [1]}}) == (200, [])
    assert api.get("machine_status/46", fields="agent_features") == {"agent_features": {"a": [1]}}


def test_a_link_to_nothing_is_404(make):
    api = make("stuck")
    refused = (404, {"err": "error setting field 'node': No such file or directory"})
    assert api.put("machine_status/46", {"node": 99}) == refused
    assert api.put("machine_status/99", OVERRIDE)[0] == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_400(make, body):
    api = make("stuck")
    answer = api.http.put("/api/v4/machine_status/46", content=body)
    assert (answer.status_code, list(answer.json())) == (400, ["err"])


def test_an_override_clears_power_and_node_by_default_and_is_literal_by_switch(make):
    fields = "running,powerstate,node,last_update"
    derived = make("stuck")
    derived.put("machine_status/46", OVERRIDE)
    assert derived.get("machine_status/46", fields=fields) == {
        "running": False,
        "powerstate": False,
        "node": None,
        "last_update": 1790090000,
    }
    switches = Switches(
        override_clears_power_and_node=False, override_bumps_last_update=False, override_is_logged=True
    )
    literal = make("stuck", switches=switches)
    literal.put("machine_status/46", OVERRIDE)
    assert literal.get("machine_status/46", fields=fields) == {
        "running": False,
        "powerstate": True,
        "node": 1,
        "last_update": 1790089100,
    }
    [line] = literal.get("machine_logs", fields="text,level,user")
    assert line == {"text": "Machine status was changed", "level": "audit", "user": "admin"}


def test_other_readings_are_a_switch_away(make):
    switches = Switches(
        conflict_in_wrong_state=False,
        kill_on_stopped_is_accepted=False,
        error_key="error",
        unknown_column_in_filter_matches_nothing=False,
        bearer_accepts_session_tokens=True,
    )
    api = make("healthy", switches=switches)
    assert api.post("vm_actions", {"vm": 41, "action": "poweron"}) == (201, {})
    assert api.post("vm_actions", {"vm": 51, "action": "poweroff"}) == (201, {})
    assert api.post("vm_actions", {"vm": 51, "action": "kill"}) == (
        409,
        {"error": "VM is not in running state"},
    )
    assert len(api.names("nonsense eq null")) == 13
    login = {"login": api.sim.username, "password": api.sim.password}
    token = api.call("POST", "/api/sys/tokens", login)[1]["$key"]
    headers = {"Authorization": f"Bearer {token}"}
    assert api.http.get("/api/v4/vms", headers=headers, auth=None).status_code == 200


def test_a_snapshot_lives_72_hours_when_nothing_is_said_and_for_ever_at_zero(make):
    api = make("healthy")
    expected = []
    for more, expires in (
        ({}, 1790090000 + 72 * 3600),
        ({"expires": 0}, 0),
        ({"expires_type": "never"}, 0),
        ({"expires": 1790172805}, 1790172805),
    ):
        status, receipt = api.post("machine_snapshots", {"machine": "44", "name": "s", **more})
        key = receipt["$key"]
        assert (status, receipt["location"]) == (201, f"/v4/machine_snapshots/{key}")
        expected.append({"expires": expires})
        assert api.get(f"machine_snapshots/{key}", fields="expires_type,quiesce,expires") == expected[-1]
    assert api.get("machines/44", fields="count(snapshots) as n") == {"n": 4}


def test_quiescing_needs_a_guest_that_answers(make):
    body = {"machine": 44, "name": "s", "quiesce": True}
    for scenario, quiesced in (("healthy", True), ("stuck", False)):
        api = make(scenario)
        key = api.post("machine_snapshots", body)[1]["$key"]
        assert api.get(f"machine_snapshots/{key}", fields="quiesced") == {"quiesced": quiesced}


def test_a_frozen_copy_is_a_vm_row_and_goes_with_its_snapshot(make):
    api = make("healthy")
    key = api.post("machine_snapshots", {"machine": 44, "name": "s"})[1]["$key"]
    machine = api.get(f"machine_snapshots/{key}", fields="snap_machine")["snap_machine"]
    assert api.get("vms", filter=f"machine eq {machine}", fields="name,is_snapshot") == [
        {"name": "web-01", "is_snapshot": True}
    ]
    before = {table: len(rows) for table, rows in api.sim.world.tables.items()}
    assert api.delete(f"machine_snapshots/{key}") == (200, {})
    after = {table: len(rows) for table, rows in api.sim.world.tables.items()}
    gone = {table: before[table] - after[table] for table in before if before[table] != after[table]}
    one = ("vms", "machines", "machine_status", "machine_stats", "machine_drives", "machine_nics")
    assert all(gone[table] == 1 for table in one)
    missing = {"err": f"Resource '/v4/machine_snapshots/{key}' not found during delete"}
    assert api.delete(f"machine_snapshots/{key}") == (404, missing)


def test_a_new_vm_has_a_machine_of_its_own_and_text_keys_in_its_receipt(make):
    api = make("healthy")
    status, receipt = api.post("vms", {"name": "fresh", "cpu_cores": 2, "ram": "2048"})
    assert (status, receipt["$row"], receipt["$key"]) == (201, 61, "61")
    assert receipt["response"] == {"machine": "64"}
    fields = "name,cpu_cores,ram,machine#status#status as status,count(machine) as n"
    assert api.get("vms/61", fields=fields) == {
        "name": "fresh",
        "cpu_cores": 2,
        "ram": 2048,
        "status": "stopped",
        "n": 1,
    }
    assert api.post("vms", {"cpu_cores": 2}) == (422, {"err": "field 'vms.name' is required"})
    assert api.delete("vms/42") == (422, {"err": "Virtual Machine must be stopped to delete"})
    assert api.delete("vms/61") == (200, {})
    assert api.get("machines", filter="$key eq 64") == []
