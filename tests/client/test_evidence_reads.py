"""Counters, nodes, log lines, snapshots, tags and node queries: the simulator, and answers it never gives."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import httpx
import pytest

from vergeos_nb import errors
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator, SteppedClock
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.rows import (
    Counter,
    LogLine,
    MachineKey,
    NodeState,
    QueryAnswer,
    Snapshot,
    StatusKey,
    VmKey,
)

MACHINE = MachineKey(54)


@pytest.fixture(params=["in process", "TLS"])
def connect(request, make_wire):
    """An API on a simulator of a scenario, through the one door and through the other."""
    doors = []

    def open_door(scenario: str):
        simulator = Simulator(scenario, clock=SteppedClock())
        credentials = Credentials("basic", simulator.username, Secret(simulator.password))
        if request.param == "in process":
            profile = Profile("sim", "simulator.example", credentials)
            return simulator, VergeApi(make_wire(simulator.transport(), profile))
        door = simulator.serve()
        doors.append(door)
        door.open()
        profile = Profile("sim", door.host, credentials, ca_file=Path(door.ca_file), timeout_s=5)
        return simulator, VergeApi(make_wire(profile=profile))

    yield open_door
    for door in doors:
        door.close()


@pytest.fixture
def answering(make_wire):
    """An API on a server that answers each table with what is given, and the requests it got."""

    def make(**tables):
        requests = []

        def handle(request):
            requests.append(request)
            _, _, path = request.url.path.partition("/api/v4/")
            return httpx.Response(200, json=tables[path.replace("/", "_")])

        return VergeApi(make_wire(httpx.MockTransport(handle))), requests

    return make


def found_vm(simulator, api):
    (vm,) = api.vms_named(simulator.vm_name)
    return vm


def totals(counters):
    return {(one.kind, one.key): one.values for one in counters}


# -- counters --------------------------------------------------------------------------------------


def test_counters_move_while_the_process_lives_and_only_then(connect):
    for scenario, moves in (("healthy", True), ("zombie", True), ("stuck", False)):
        simulator, api = connect(scenario)
        vm = found_vm(simulator, api)
        before = api.counters(vm.machine)
        simulator.clock.sleep(30)
        after = api.counters(vm.machine)
        assert [one.kind for one in before] == sorted((one.kind for one in before), reverse=True)
        assert {one.kind for one in before} == {"nic", "drive"}
        assert [(one.kind, one.key, one.name) for one in before] == [
            (one.kind, one.key, one.name) for one in after
        ]
        assert {frozenset(one.values) for one in before} == {
            frozenset({"tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts"}),
            frozenset({"reads", "writes", "read_bytes", "write_bytes"}),
        }
        assert (totals(before) != totals(after)) is moves
        assert all(
            after[n].values[name] >= one.values[name] for n, one in enumerate(before) for name in one.values
        )


def test_the_counters_are_those_of_the_machine_and_not_of_the_rows_with_its_number(connect):
    simulator, api = connect("healthy")
    vm = found_vm(simulator, api)
    rows = simulator.world.tables["machine_drives"].values()
    mine = {row["$key"]: row["name"] for row in rows if row["machine"] == vm.machine.value}
    assert {one.key: one.name for one in api.counters(vm.machine) if one.kind == "drive"} == mine


NIC = {
    "$key": 7, "name": "nic1", "machine": 54, "parent_nic": 7, "last_update": 1790086400, "tx_bytes": 10,
    "rx_bytes": "20", "tx_pckts": 3, "rx_pckts": 4,
}  # fmt: skip
DRIVE = {"$key": 39, "name": "drive_0", "machine": 54}
DRIVE_STATS = {
    "$key": 34, "parent_drive": 39, "reads": 1, "writes": 2, "read_bytes": 3, "write_bytes": 809000000,
    "last_update": 1790086401,
}  # fmt: skip
NICS_COUNTER = Counter(
    "nic", 7, "nic1", {"tx_bytes": 10, "rx_bytes": 20, "tx_pckts": 3, "rx_pckts": 4}, 1790086400
)


def test_drive_counters_are_asked_for_by_parent_and_never_by_path(answering):
    """Holds off: another drive's 809 MB of writes, which the vendor measured under the drive's own number."""
    api, requests = answering(
        machine_nics=[NIC],
        machine_drives=[DRIVE | {"$key": 40, "name": "drive_1"}, DRIVE],
        machine_drive_stats=[DRIVE_STATS],
    )
    assert api.counters(MACHINE) == (
        NICS_COUNTER,
        Counter(
            "drive", 39, "drive_0", {"reads": 1, "writes": 2, "read_bytes": 3, "write_bytes": 809000000},
            1790086401,
        ),
        Counter("drive", 40, "drive_1", {}, None),
    )  # fmt: skip
    assert [(one.url.path, one.url.params["filter"]) for one in requests] == [
        ("/api/v4/machine_nics", "machine eq 54"),
        ("/api/v4/machine_drives", "machine eq 54"),
        ("/api/v4/machine_drive_stats", "(parent_drive eq 39) or (parent_drive eq 40)"),
    ]


def test_a_machine_without_drives_or_stats_has_what_there_is(answering):
    nothing = dict.fromkeys((*NICS_COUNTER.values, "parent_nic", "last_update"))
    api, requests = answering(machine_nics=[NIC | nothing], machine_drives=[])
    assert api.counters(MACHINE) == (Counter("nic", 7, "nic1", {}, None),)
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("nic", "drive", "stats"),
    [
        (NIC | {"machine": 55}, DRIVE, DRIVE_STATS),
        (NIC | {"parent_nic": 8}, DRIVE, DRIVE_STATS),
        (NIC, DRIVE | {"machine": 55}, DRIVE_STATS),
        (NIC, DRIVE, DRIVE_STATS | {"parent_drive": 34}),
    ],
)
def test_counters_of_anything_else_are_an_error_and_no_evidence(answering, nic, drive, stats):
    api, _ = answering(machine_nics=[nic], machine_drives=[drive], machine_drive_stats=[stats])
    with pytest.raises(errors.WrongShape):
        api.counters(MACHINE)


def test_a_counter_that_cannot_be_read_is_left_out_and_named(answering):
    api, _ = answering(
        machine_nics=[NIC | {"tx_bytes": "much", "name": None}],
        machine_drives=[DRIVE | {"name": 7}],
        machine_drive_stats=[DRIVE_STATS | {"writes": True, "reads": "1.0"}],
    )
    nic, drive = api.counters(MACHINE)
    assert (nic.values, nic.unread) == (
        {"rx_bytes": 20, "tx_pckts": 3, "rx_pckts": 4},
        ("tx_bytes is text",),
    )
    assert (drive.values["reads"], drive.name, drive.unread) == (1, "", ("writes is True",))


def test_a_log_line_whose_time_cannot_be_read_says_so_and_ends_nothing(answering):
    line = {"machine": 54, "level": "message", "text": "powered on", "user": "", "timestamp": "yesterday"}
    api, _ = answering(machine_logs=[line, line | {"timestamp": 10**30, "text": 7}])
    found = api.logs_since(MACHINE, 5.0)
    assert [one.at for one in found] == [0.0, 0.0]
    assert found[0].text == "(the time of this line, or all of it, cannot be read) powered on"


def test_two_stats_rows_for_one_drive_are_an_error(answering):
    api, _ = answering(
        machine_nics=[], machine_drives=[DRIVE], machine_drive_stats=[DRIVE_STATS, DRIVE_STATS]
    )
    with pytest.raises(errors.WrongShape, match="drive 39 came that was not asked for, or came twice"):
        api.counters(MACHINE)


# -- nodes -----------------------------------------------------------------------------------------


def test_a_vms_nodes_are_the_one_that_hosts_it(connect):
    simulator, api = connect("maintenance")
    vm = found_vm(simulator, api)
    node = api.vm_now(vm.key).node
    (found,) = api.nodes_for(vm.machine, node)
    assert (found.key, found.running, found.status, found.maintenance, found.vsan_connected) == (
        node, True, "maintenance", True, True,
    )  # fmt: skip
    assert found.machine != vm.machine
    assert api.nodes_for(vm.machine, None) == ()


def test_a_nodes_own_machine_is_recognized_as_no_vms(connect):
    simulator, api = connect("stuck")
    (first, second) = (api.nodes_for(MachineKey(999_999), key)[0] for key in (1, 2))
    assert api.nodes_for(first.machine, None) == (first,)
    assert api.nodes_for(second.machine, first.key) == (first, second)
    assert api.nodes_for(first.machine, first.key) == (first,)


def test_a_dead_node_does_not_run(connect):
    simulator, api = connect("node_dead")
    now = api.vm_now(found_vm(simulator, api).key)
    (found,) = api.nodes_for(now.machine, now.node)
    assert found.running is False


NODE = {
    "$key": 2, "name": "node2", "machine": 9, "maintenance": False, "vsan_connected": True,
    "ipmi_status": "ready", "running": True, "status": "running",
}  # fmt: skip


def test_nodes_are_asked_for_in_one_call_and_may_know_little(answering):
    bare = {"$key": 2, "name": "node2", "machine": 9, "running": None}
    api, requests = answering(nodes=[bare])
    (found,) = api.nodes_for(MACHINE, 2)
    assert found == NodeState(2, "node2", MachineKey(9), None, "", None, None, "")
    assert found.row == bare
    (request,) = requests
    assert dict(request.url.params) == {
        "filter": "(machine eq 54) or ($key eq 2)",
        "fields": "$key,name,machine,maintenance,vsan_connected,ipmi_status,"
        "machine#status#running as running,machine#status#status as status",
    }


def test_a_node_that_was_not_asked_for_is_an_error(answering):
    api, _ = answering(nodes=[NODE])
    with pytest.raises(errors.WrongShape, match="node 2 came, which was not asked for"):
        api.nodes_for(MACHINE, 3)


def test_the_names_of_tenants_nodes_that_are_this_machine(answering):
    api, requests = answering(tenant_nodes=[{"$key": 3, "name": "acme-node1", "machine": 54}])
    assert api.tenant_nodes_of(MACHINE) == ("acme-node1",)
    assert dict(requests[0].url.params) == {"filter": "machine eq 54", "fields": "$key,name,machine"}
    api, _ = answering(tenant_nodes=[])
    assert api.tenant_nodes_of(MACHINE) == ()
    api, _ = answering(tenant_nodes=[{"$key": 3, "name": "acme-node1", "machine": 55}])
    with pytest.raises(errors.WrongShape, match="machine 54 was asked for and a row of 55 came"):
        api.tenant_nodes_of(MACHINE)


# -- logs ------------------------------------------------------------------------------------------


def test_the_log_holds_what_was_sent_since_then_and_by_whom(connect):
    simulator, api = connect("stuck")
    vm = found_vm(simulator, api)
    began = simulator.clock.now()
    api.vm_action(vm.key, "poweroff")
    simulator.clock.sleep(5)
    middle = simulator.clock.now()
    api.vm_action(vm.key, "kill")
    lines = api.logs_since(vm.machine, began)
    sent = [line for line in lines if line.user == simulator.username]
    assert [(line.level, line.text) for line in sent] == [
        ("audit", "VM action 'kill' sent"),
        ("audit", "VM action 'poweroff' sent"),
    ]
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    assert sent[1].at == pytest.approx(began, abs=1)
    assert [line.text for line in api.logs_since(vm.machine, middle) if line.user] == [sent[0].text]
    assert api.logs_since(vm.machine, began, limit=1) == lines[:1]
    assert api.logs_since(vm.machine, simulator.clock.now() + 1) == ()


def test_log_times_are_microseconds_on_the_wire_and_seconds_here(answering):
    row = {"$key": 1, "machine": 54, "level": "audit", "text": "x", "user": None}
    api, requests = answering(
        machine_logs=[row | {"timestamp": 1790086412123456}, row | {"timestamp": "1790086413000000"}]
    )
    assert api.logs_since(MACHINE, 1790086400.5, limit=20) == (
        LogLine(1790086413.0, "audit", "", "x"),
        LogLine(1790086412.123456, "audit", "", "x"),
    )
    assert dict(requests[0].url.params) == {
        "filter": "(machine eq 54) and (timestamp ge 1790086400500000)",
        "fields": "$key,machine,level,text,user,timestamp",
        "sort": "-timestamp",
        "limit": "20",
    }


def test_a_log_without_a_limit_cannot_be_asked_for(answering):
    api, requests = answering()
    with pytest.raises(errors.UsageError, match="at most 0 lines"):
        api.logs_since(MACHINE, 0, limit=0)
    assert requests == []


# -- snapshots -------------------------------------------------------------------------------------


def test_a_snapshot_is_taken_once_and_found_by_its_name(connect):
    simulator, api = connect("stuck")
    vm = found_vm(simulator, api)
    expires = int(simulator.clock.now()) + 86400
    name = "pre-poweroff {x} O'Brien"
    assert api.snapshots_named(vm.machine, name) == ()
    key = api.create_snapshot(vm.machine, name, expires, "before the power-off")
    (found,) = api.snapshots_named(vm.machine, name)
    assert found == Snapshot(found.key, name, vm.machine, found.created, expires, False)
    assert (str(found.key), found.created) == (key, pytest.approx(simulator.clock.now(), abs=1))
    (sent,) = simulator.changing_requests()
    wanted = requests.snapshot(vm.machine, name, expires, "before the power-off")
    assert (sent.method, sent.path, json.loads(sent.body)) == (wanted.method, wanted.path, wanted.body)
    assert api.snapshots_named(vm.machine, "another") == ()


@pytest.mark.parametrize(
    ("receipt", "key"),
    [
        ({"$key": "77"}, "77"), ({"$key": 77}, "77"), ({}, None), ([], None), (None, None),
        ({"$key": True}, None), ({"$key": "../vms/1"}, None), ({"$key": ""}, None),
    ],
)  # fmt: skip
def test_a_snapshots_receipt_may_name_no_key(answering, receipt, key):
    api, _ = answering(machine_snapshots=receipt)
    assert api.create_snapshot(MACHINE, "before", 1_790_172_805, "") == key


# -- node queries ----------------------------------------------------------------------------------


def test_a_nodes_answer_is_there_a_little_later(connect):
    simulator, api = connect("stuck")
    key = api.ask_node(1, "top")
    assert api.node_answer(key) == QueryAnswer(key, "running", "")
    simulator.clock.sleep(5)
    done = api.node_answer(key)
    assert (done.key, done.status) == (key, "complete")
    assert done.result != ""
    assert [(one.path, json.loads(one.body)) for one in simulator.changing_requests()] == [
        ("/api/v4/node_queries", {"node": 1, "query": "top"}),
    ]


def test_a_network_is_asked_for_a_host_on_it(answering):
    key = "0f" * 20
    row = {"$key": key, "id": key, "status": "complete", "result": "ok"}
    api, requests = answering(vnet_queries={"$key": key}, **{f"vnet_queries_{key}": row})
    assert api.network_answer(api.ask_network(3, "arp-scan", "10.0.0.5")) == QueryAnswer(
        key, "complete", "ok"
    )
    assert [(one.method, one.url.path, one.content) for one in requests] == [
        ("POST", "/api/v4/vnet_queries", requests[0].content),
        ("GET", f"/api/v4/vnet_queries/{key}", b""),
    ]
    assert json.loads(requests[0].content) == {
        "vnet": 3, "query": "arp-scan", "params": {"host": "10.0.0.5"},
    }  # fmt: skip


def test_a_query_without_a_key_is_an_answer_that_may_have_been_carried_out(answering):
    api, _ = answering(node_queries={})
    with pytest.raises(errors.MissingField) as caught:
        api.ask_node(2, "top")
    assert caught.value.may_have_executed


def test_a_querys_answer_must_be_the_one_asked_for(answering):
    key = "0f" * 20
    row = {"$key": 5, "id": key, "status": "error", "result": None}
    api, requests = answering(**{f"node_queries_{key}": row})
    assert api.node_answer(key) == QueryAnswer(key, "error", "")
    assert dict(requests[0].url.params) == {"fields": "$key,id,status,result"}
    api, _ = answering(**{f"node_queries_{key}": row | {"id": "ab" * 20}})
    with pytest.raises(errors.WrongShape, match="another one's row came"):
        api.node_answer(key)


@pytest.mark.parametrize("key", ["", "../vms/1", "a b", "a" * 65, "a\n"])
def test_no_query_has_a_key_that_would_lead_elsewhere(answering, key):
    api, requests = answering()
    with pytest.raises(errors.UsageError, match="is not the key of a query"):
        api.node_answer(key)
    assert requests == []


# -- tags ------------------------------------------------------------------------------------------


def test_the_names_of_a_vms_tags(answering):
    rows = [
        {"$key": n, "member": "vms/42", "tag_name": name} for n, name in ((1, "prod"), (2, "db"), (3, "db"))
    ]
    api, requests = answering(tag_members=rows)
    assert api.tags_of(VmKey(42)) == ("db", "prod")
    assert dict(requests[0].url.params) == {
        "filter": "member eq 'vms/42'",
        "fields": "$key,member,tag#name as tag_name",
    }


@pytest.mark.parametrize(
    "row",
    [{"member": "vms/43", "tag_name": "a"}, {"member": "vms/42", "tag_name": None}, {"member": "vms/42"}],
)
def test_a_tag_that_cannot_be_read_is_an_error_and_not_the_lack_of_one(answering, row):
    api, _ = answering(tag_members=[row])
    with pytest.raises(errors.BadAnswer):
        api.tags_of(VmKey(42))


def test_an_untagged_vm_has_no_tags(connect):
    simulator, api = connect("stuck")
    assert api.tags_of(found_vm(simulator, api).key) == ()


# -- changing calls --------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["poweroff", "kill", "poweron"])
def test_an_action_is_sent_once_and_exactly_as_its_change_says(connect, recorder, action):
    simulator, api = connect("deaf")
    vm = found_vm(simulator, api)
    if action == "poweron":
        api.vm_action(vm.key, "kill")
        simulator.clock.sleep(5)
    api.vm_action(vm.key, action)
    sent = simulator.changing_requests()[-1]
    wanted = requests.vm_action(vm.key, action)
    shown = recorder.exchanges[-1]
    assert (sent.method, sent.path, json.loads(sent.body)) == (wanted.method, wanted.path, wanted.body)
    assert (shown.method, shown.path, shown.body) == (wanted.method, wanted.path, wanted.body)
    assert recorder.events[-2:] == ["intent POST /api/v4/vm_actions", "exchange POST /api/v4/vm_actions 201"]


def test_no_changing_call_is_repeated_when_the_platform_fails(make_wire):
    sent = []

    def fail(request):
        sent.append(request.method)
        return httpx.Response(503, json={"err": "busy"})

    api = VergeApi(make_wire(httpx.MockTransport(fail)))
    calls = [
        lambda: api.vm_action(VmKey(42), "kill"),
        lambda: api.create_snapshot(MACHINE, "before", 1_790_172_805, ""),
        lambda: api.ask_node(2, "top"),
        lambda: api.ask_network(2, "ping", "10.0.0.5"),
        lambda: api.override_status(StatusKey(61), {"running": False}),
    ]
    for count, call in zip(itertools.count(1), calls, strict=False):
        with pytest.raises(errors.ServerError) as caught:
            call()
        assert caught.value.may_have_executed
        assert len(sent) == count


def test_rows_of_any_table_are_those_of_the_machine_or_none(answering):
    mine = {"machine": 54, "used_bytes": 4096}
    api, requests = answering(machine_drives=[mine], machine_devices=[mine, {"machine": 55}])
    (row,) = api.machine_rows(MACHINE, "machine_drives", ("used_bytes",))
    assert (row.seen_integer("used_bytes"), row.unread) == (4096, ())
    assert dict(requests[0].url.params) == {"filter": "machine eq 54", "fields": "machine,used_bytes"}
    with pytest.raises(errors.WrongShape, match="machine 54 was asked for and a row of 55 came"):
        api.machine_rows(MACHINE, "machine_devices", ("used_bytes",))


def test_a_key_of_another_table_is_refused_before_anything_is_sent(answering, recorder):
    api, _ = answering()
    for call in (
        lambda: api.counters(VmKey(42)),
        lambda: api.machine_rows(VmKey(42), "machine_drives", ("used_bytes",)),
        lambda: api.nodes_for(VmKey(42), 1),
        lambda: api.tenant_nodes_of(VmKey(42)),
        lambda: api.logs_since(StatusKey(61), 0),
        lambda: api.snapshots_named(VmKey(42), "x"),
        lambda: api.tags_of(MACHINE),
        lambda: api.vm_action(MACHINE, "kill"),
        lambda: api.create_snapshot(VmKey(42), "x", 1_790_172_805, ""),
    ):
        with pytest.raises(TypeError):
            call()
    assert recorder.events == []
