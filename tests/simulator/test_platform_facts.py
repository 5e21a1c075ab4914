"""What is known of the platform, line by line, each with its source.

Sources: ANS = vendor's Ansible collection 2.2.0; EXP = vendor's exporter for Prometheus; GO = govergeos 0.4.0
changelog; PY = pyvergeos issues; TF = vendor's Terraform provider, issue 16 and acceptance tests; N26 = 26.2
release notes; KB = the procedure's own page; CSI = csi-vergeos README. "recorded" is from a live system.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.simulator.simhelp import STOPPED
from vergeos_nb.simulator import Switches

REFUSALS = [
    ("ANS D3, PY 23: recorded", "PUT", "machine_status/46", {"status": "X"},
     "value 'X' is not in list for field 'status'"),
    ("ANS D3, PY 23: recorded", "POST", "vm_actions", {"vm": 41, "action": "guestreset"},
     "value 'guestreset' is not in list for field 'action'"),
    ("ANS probe: recorded", "POST", "vm_actions", {"action": "kill"}, "field 'vm_actions.vm' is required"),
    ("ANS probe: recorded", "POST", "node_actions", {"action": "x"}, "field 'node_actions.node' is required"),
    ("ANS, GO: recorded", "POST", "vm_actions", {"vm": 41, "action": "snapshot"},
     "value 'snapshot' is not in list for field 'action'"),
    ("ANS: recorded", "DELETE", "vms/42", None, "Virtual Machine must be stopped to delete"),
    ("ANS: recorded", "POST", "vm_actions", {"vm": 42, "action": "poweron"},
     "Error starting machine: Machine is already running with status 'running'"),
    ("TF 16, ANS: recorded", "POST", "vms", {"name": "web-01"}, "This name is already in use"),
    ("TF 16, ANS: recorded", "PUT", "vms/41", {"name": "web-02"}, "This name is already in use"),
    ("PY 86: recorded", "PUT", "settings/max_connections", {"key": "x"}, "field 'key' is readonly"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "method", "path", "body", "text"), REFUSALS)
def test_a_refusal_is_a_422_in_the_recorded_words_and_changes_nothing(make, source, method, path, body, text):
    api = make("healthy")
    before = api.sim.dump()["tables"]
    assert api.call(method, f"/api/v4/{path}", body) == (422, {"err": text})
    assert api.sim.dump()["tables"] == before


@pytest.mark.parametrize(
    ("word", "more"), [("ram", {"ram": 131072}), ("cores", {"cpu_cores": 64})], ids=["ram", "cores"]
)
def test_a_vm_that_is_too_large_for_its_cluster_does_not_start(make, word, more):
    """ANS: recorded."""
    api = make("healthy")
    api.put("vms/51", more)
    text = f"Machine exceeds the max amount of {word} allowed on this cluster"
    assert api.post("vm_actions", {"vm": 51, "action": "poweron"}) == (422, {"err": text})


NODE = {
    "cpu_speed": str, "verify_maintenance": str, "core_temp": int, "max_core_temp": int,
    "feature_vnet_migration": bool, "capture_logs": bool, "lldp": bool, "max_core_temp_warn_perc": int,
    "critical_core_temp": int, "ipmi_sel_free": int, "ipmi_sel_used": int, "ignore_pstore": bool,
    "pxe_vnet": type(None), "running_machines": list,
}  # fmt: skip
DRIVE = {
    "advanced": str, "asset": str, "discard": bool, "fsync": bool, "optimize": bool, "origin_uuid": str,
    "physical_status": str, "preferred_tier": str,
}  # fmt: skip
TYPES = [
    ("ANS nodes.json: recorded", "nodes/1", NODE),
    ("ANS: recorded", "machine_drives/101", DRIVE),
    ("ANS: recorded", "machine_drive_status/99", {"errors": int, "importing": bool}),
    ("ANS users.json: recorded", "users/1", {"identity": str, "remote_name": str}),
]


@pytest.mark.parametrize(("source", "path", "types"), TYPES, ids=[path for _, path, _ in TYPES])
def test_a_row_has_the_recorded_columns_with_the_recorded_types(make, source, path, types):
    row = make("healthy").get(path, fields=",".join(types))
    assert {name: type(value) for name, value in row.items()} == types


VALUES: list[tuple[str, str, dict[str, Any]]] = [
    ("ANS: recorded", "machine_drives/101", {"preferred_tier": "4"}),
    ("ANS users.json: recorded", "users/1", {"name": "admin", "remote_name": "admin"}),
    ("ANS nodes.json: recorded", "nodes/1", {"cpu_speed": "2900 MHz"}),
    ("ANS vms.json: recorded", "vms/51", {"machine#status#node as node": None, "ha_group": ""}),
    ("EXP: recorded", "machine_stats/49", dict.fromkeys(
        ("user_cpu", "system_cpu", "iowait_cpu", "vmusage_cpu", "vram_used"), 0)),
    ("EXP: recorded", "machine_stats/46", {"total_cpu": 0, "ram_used": 0}),
    ("KB", "machine_status/47", {"running": True, "status": "running", "running_ram": 8192}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "path", "columns"), VALUES)
def test_a_row_reads_as_recorded(make, source, path, columns):
    expected = {name.rpartition(" ")[2]: value for name, value in columns.items()}
    assert make("healthy").get(path, fields=",".join(columns)) == expected


def test_a_nodes_running_machines_are_rows_and_vnets_are_among_them(make):
    """ANS: recorded."""
    fields = "running_machines[machine#type as type,running,migratable]"
    [found] = make("healthy").get("nodes/1", fields=fields).values()
    assert {row["type"] for row in found} == {"vm", "vnet"}
    assert {type(value) for row in found for value in (row["running"], row["migratable"])} == {bool}


def test_cpu_shares_and_vram_are_written_for_nodes(make):
    """EXP: recorded."""
    row = make("healthy").get("machine_stats/31", fields="user_cpu,vmusage_cpu,vram_used")
    assert [value > 0 for value in row.values()] == [True, True, True]


@pytest.mark.parametrize(
    ("switches", "version"),
    [({}, "26.2.1"), ({"version": "26.1.8"}, "26.1.8"), ({"version": "26.0.2"}, "26.0.2")],
)
def test_the_version_is_26_2_1_or_the_one_of_the_switch(make, switches, version):
    """N26; the parts of 26.1.8 are recorded (ANS nodes.json)."""
    api = make("healthy", switches=Switches(**switches))
    parts = {
        "yb_version": version, "os_version": version, "appserver_version": "1.0.612 06/16/26",
        "vsan_version": "3.2.481 07/01/26", "kernel_version": "6.6.144yb-49", "qemu_version": "10.0.9",
    }  # fmt: skip
    assert api.get("nodes/1", fields=",".join(parts)) == parts
    assert api.get("system", fields="yb_version,os_version") == [
        {"yb_version": version, "os_version": version}
    ]
    assert api.call("GET", "/version.json")[1]["version"] == version


def test_what_is_no_version_is_refused():
    with pytest.raises(ValueError, match=r"no version of VergeOS: 'new'.* 26\.1\.8"):
        Switches(version="new")


@pytest.mark.parametrize("kind", ["pc-i440fx-3.1", "yottabyte", "pc-q35-10.0"])
def test_machine_types_are_as_recorded(make, kind):
    """ANS vms.json: recorded."""
    api = make("healthy")
    assert api.put("vms/51", {"machine_type": kind}) == (200, [])
    assert api.get("vms/51", fields="machine_type") == {"machine_type": kind}


def test_what_is_written_only_is_never_returned(make):
    """ANS: recorded. `expires_type` and `quiesce` of snapshots, `expires_type` of API keys."""
    api = make("healthy")
    body = {"machine": 44, "name": "s", "expires_type": "never", "quiesce": False}
    key = api.post("machine_snapshots", body)[1]["$key"]
    assert set(api.get(f"machine_snapshots/{key}", fields="all")) & {"expires_type", "quiesce"} == set()
    key = api.post("user_api_keys", {"user": 1, "name": "k", "expires_type": "never"})[1]["$key"]
    row = api.get(f"user_api_keys/{key}", fields="all")
    assert ("expires_type" in row, row["expires"]) == (False, 0)


def test_quiesce_snapshot_makes_no_snapshot_row(make):
    """ANS, GO: recorded."""
    api = make("healthy")
    before = len(api.get("machine_snapshots"))
    assert api.post("vm_actions", {"vm": 41, "action": "quiesce_snapshot"})[0] == 201
    assert len(api.get("machine_snapshots")) == before


def test_an_empty_put_and_one_of_unknown_columns_are_200(make):
    """ANS D1: recorded."""
    api = make("healthy")
    assert [api.put("vms/41", body) for body in ({}, {"nmae": "x"})] == [(200, []), (200, [])]


def test_a_kill_on_a_healthy_node_is_seen_after_a_second(make):
    """ANS verify-vm-power.yml: recorded."""
    api = make("healthy")
    api.post("vm_actions", {"vm": 41, "action": "kill"})
    api.wait(1)
    assert api.status() == STOPPED


def test_a_poweron_says_initializing_and_runs_half_a_second_later(make):
    """ANS verify-vm-power.yml: recorded."""
    api = make("healthy")
    api.post("vm_actions", {"vm": 51, "action": "poweron"})
    assert api.status("test-01")["status"] == "initializing"
    api.wait(0.5)
    assert api.status("test-01")["status"] == "running"


def test_a_login_is_200_with_a_key_a_wrong_password_401_and_a_logout_names_its_token(make):
    """GO: recorded."""
    api = make("healthy")
    login = {"login": "admin", "password": api.sim.password}
    status, receipt = api.call("POST", "/api/sys/tokens", login)
    assert (status, len(receipt["$key"])) == (200, 38)
    assert api.call("POST", "/api/sys/tokens", {**login, "password": "wrong"})[0] == 401
    path = f"/api/sys/tokens/{receipt['$key']}"
    api.http.auth = None
    assert api.call("DELETE", path) == (401, {"err": "Login required"})
    api.http.headers["x-yottabyte-token"] = receipt["$key"]
    assert api.call("DELETE", path)[0] == 200
    assert api.get_error("vms") == (401, {"err": "Login required"})


def test_an_api_key_is_taken_as_a_token_too(make):
    """CSI."""
    api = make("healthy")
    api.http.auth = None
    api.http.headers["x-yottabyte-token"] = api.sim.api_key
    assert api.get("vms/41", fields="name") == {"name": "web-01"}


def test_a_session_token_is_no_basic_password(make):
    """ANS D5: recorded."""
    api = make("healthy")
    token = api.call("POST", "/api/sys/tokens", {"login": "admin", "password": api.sim.password})[1]["$key"]
    api.http.auth = ("admin", token)
    assert api.get_error("vms") == (401, {"err": "Login required"})


@pytest.mark.parametrize(("cached", "while_cached"), [(True, 200), (False, 401)])
def test_after_a_change_the_old_password_opens_the_api_for_a_while_by_switch(make, cached, while_cached):
    """TF acceptance test: recorded."""
    api = make("healthy", switches=Switches(basic_is_cached=cached))
    old = base64.b64encode(f"admin:{api.sim.password}".encode()).decode()
    assert api.put("users/1", {"password": "a new one"}) == (200, [])
    api.http.auth = None
    api.http.headers["authorization"] = f"Basic {old}"
    first = api.get_error("vms")[0]
    api.wait(61)
    assert (first, api.get_error("vms")[0]) == (while_cached, 401)
    api.http.headers["authorization"] = "Basic " + base64.b64encode(b"admin:a new one").decode()
    assert api.get_error("vms")[0] == 200


@pytest.mark.parametrize(("unique", "status"), [(True, 422), (False, 201)])
def test_vm_names_are_unique_by_switch_and_a_snapshot_carries_its_vms_name(make, unique, status):
    """TF 16, ANS: recorded."""
    api = make("healthy", switches=Switches(names_are_unique=unique))
    assert api.post("vms", {"name": "web-01"})[0] == status
    assert api.names("name eq 'db-01'") == ["db-01", "db-01"]


def test_the_four_keys_of_a_vm_differ(make):
    """ANS vms.json: recorded."""
    vm = make("healthy").sim.world.vm("web-01")
    assert len({vm.key, vm.machine, vm.status, vm.stats}) == 4


def test_moving_counters_are_read_by_the_parents_key(make):
    """PY, EXP: recorded."""
    api = make("healthy")
    query = {"filter": "parent_drive eq 101", "fields": "$key,reads,parent_drive"}
    first, _ = api.get("machine_drive_stats", **query), api.wait(10)
    second = api.get("machine_drive_stats", **query)
    assert [row["$key"] != row["parent_drive"] for row in first] == [True]
    assert second[0]["reads"] > first[0]["reads"]


def test_drive_statistics_are_there_for_running_vms_only(make):
    """EXP: recorded."""
    api = make("healthy")
    [drive] = api.get("machine_drives", filter="machine eq 45", fields="$key")
    query = {"filter": f"parent_drive eq {drive['$key']}", "fields": "parent_drive"}
    assert api.get("machine_drive_stats", **query) == [{"parent_drive": drive["$key"]}]
    api.post("vm_actions", {"vm": 42, "action": "kill"})
    api.wait(1)
    assert api.get("machine_drive_stats", **query) == []


def test_every_error_is_an_object_with_err(make):
    """ANS, 322 reads and 46 actions: recorded."""
    api = make("healthy")
    calls = [("GET", "nope"), ("PUT", "machine_stats/48"), ("POST", "vm_actions"), ("GET", "vms/4711")]
    answers = [api.call(method, f"/api/v4/{path}", None if method == "GET" else {}) for method, path in calls]
    assert [(status, list(body)) for status, body in answers] == [
        (404, ["err"]), (405, ["err"]), (422, ["err"]), (404, ["err"]),
    ]  # fmt: skip
