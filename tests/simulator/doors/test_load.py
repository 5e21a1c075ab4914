"""Many VMs and many clients at once. Times are measured elsewhere, never asserted here."""

from __future__ import annotations

import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.simulator.simhelp import OVERRIDE
from vergeos_nb.simulator import Simulator, SteppedClock

VM_FIELDS = (
    "$key,name,enabled,cpu_cores,ram,os_family,guest_agent,uefi,machine,created,modified,is_snapshot,cluster,uuid,"
    "machine#status#running as running,machine#status#status as status,machine#status#node#name as node,"
    "machine#stats#ram_used as ram_used,machine#cluster#name as cluster_name,console"
)


def test_ten_thousand_vms_are_predictable_and_the_scenario_stands_among_them():
    sim = Simulator("stuck", vms=10_000, clock=SteppedClock())
    with httpx.Client(transport=sim.transport(), auth=(sim.username, sim.password)) as client:
        rows = client.get("https://sim/api/v4/vms", params={"fields": VM_FIELDS}).json()
    by_name = {row["name"]: row for row in rows}
    assert len(rows) == 10_013
    assert all(len(row) == 20 for row in rows)
    first, last = by_name["vm-00001"], by_name["vm-10000"]
    assert (first["$key"], first["machine"], first["running"], first["node"]) == (1001, 1004, True, "node1")
    assert (last["$key"], last["machine"], last["running"], last["node"]) == (11000, 11003, False, None)
    assert by_name["web-01"]["status"] == "unresponsive"
    assert sim.world.vm("vm-04711").status == 5716


def hammer(clients, seconds):
    """Let clients force off and start again a VM each over TLS; return what went wrong and the simulator."""
    sim = Simulator("stuck", vms=clients * 2)
    running = [f"vm-{number:05d}" for number in range(1, clients * 2) if number % 10 != 0][:clients]
    for name in running:
        sim.world.behave(name, kill=0, poweron=0)
    sent = [0] * clients
    barrier = threading.Barrier(clients)

    def client_loop(number):
        vm = sim.world.vm(running[number])
        with httpx.Client(base_url=door.url, verify=context, auth=auth, trust_env=False, timeout=60) as http:
            barrier.wait()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for method, path, body, expected in (
                    ("GET", f"vms?filter=name%20eq%20'{vm.name}'&fields=$key,machine", None, 200),
                    ("GET", f"machines/{vm.machine}?fields=status", None, 200),
                    ("POST", "vm_actions", {"vm": vm.key, "action": "kill"}, 201),
                    ("PUT", f"machine_status/{vm.status}", OVERRIDE, 200),
                    ("GET", f"machine_status/{vm.status}?fields=running,status", None, 200),
                    ("POST", "vm_actions", {"vm": vm.key, "action": "poweron"}, 201),
                ):
                    answer = http.request(method, f"/api/v4/{path}", json=body)
                    sent[number] += 1
                    assert answer.status_code == expected, (path, answer.text)
                    if path.endswith("running,status"):
                        assert answer.json() == {"running": False, "status": "stopped"}
        return vm.name

    with sim.serve() as door:
        context = ssl.create_default_context(cafile=door.ca_file)
        auth = (sim.username, sim.password)
        with ThreadPoolExecutor(clients) as pool:
            finished = list(pool.map(client_loop, range(clients)))
    return sim, finished, sum(sent)


def check_consistent(sim, finished, sent):
    world = sim.world
    assert len(sim.requests) == sent
    assert len(sim.changing_requests()) == sent // 2
    assert all(entry.executed and entry.status in (200, 201) for entry in sim.requests)
    for name in finished:
        row = world.status_of(name)
        assert (row["running"], row["status"], sim.process_copies(name)) == (True, "running", 1), name
    keys = {table: set(rows) for table, rows in world.tables.items()}
    for vm in world.tables["vms"].values():
        machine = world.tables["machines"][vm["machine"]]
        assert {machine["status"]} <= keys["machine_status"]
        assert {machine["stats"]} <= keys["machine_stats"]
    untouched = world.status_of("web-01")
    assert (untouched["running"], untouched["status"]) == (True, "unresponsive")


def test_parallel_clients_get_no_error_and_leave_a_consistent_state():
    check_consistent(*hammer(clients=12, seconds=1.5))


@pytest.mark.nightly
def test_fifty_parallel_clients_for_a_minute():
    check_consistent(*hammer(clients=50, seconds=60))
