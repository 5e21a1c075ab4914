"""The vendor's command line, as shipped, over TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator.vrg import vrg
from vergeos_nb.simulator import Simulator, Switches

FEW = """
vm list | vm get web-01 | vm stop web-02 --force --wait | vm start web-02
vm snapshot create web-01 --name s0 | vm drive list web-01 | vm nic list web-01
node list | cluster list | task list | user list | api-key list
system info | system settings list | log list
"""
ALL = """
vm list | vm get web-01 | vm stop web-02 --force --wait | vm start web-02 | vm reset db-02 --yes
vm console web-01 | vm favorite web-01 | vm unfavorite web-01 | vm migrate db-01 --node node1
vm create --name new1 --ram 2048 --cpu 2 | vm delete new1 --yes | vm clone test-01 --name t2
vm drive list web-01 | vm drive get web-01 drive_0 | vm drive create web-01 --size 10GB --name d2
vm drive delete web-01 d2 --yes | vm nic list web-01 | vm nic get web-01 nic_0
vm nic create web-01 --network Internal | vm device list web-01
vm snapshot create web-01 --name s1 | vm snapshot list web-01 | vm snapshot delete web-01 s1 --yes
node list | node get node1 | node stats node1 | node pci-list node1 | node gpu-list node1
node maintenance node3 --enable | node maintenance node3 --disable
node query ping node1 192.0.2.1 | node query lsblk node1 | node lldp list node1
cluster list | cluster get prod | cluster vsan-status --include-tiers
task list | task get 3 | task run 3 | task disable 3 | task enable 3
user list | user get admin | user create --name bob --password secretpw1 | user delete bob --yes
api-key list | api-key create --user admin --name k1 | api-key get 9
system info | system version | system inventory | system settings list
system settings get max_connections | system license list | log list | log search kill
storage list | storage summary
"""


def commands(text):
    return [line.strip() for row in text.strip().splitlines() for line in row.split("|")]


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Point the command line at a door; it must not find anybody's configuration."""

    def point(sim, door):
        for name in [name for name in os.environ if name.startswith("VERGE_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "VERGE_HOST": door.host, "VERGE_USERNAME": sim.username, "VERGE_PASSWORD": sim.password,
            "REQUESTS_CA_BUNDLE": door.ca_file, "HOME": str(tmp_path), "COLUMNS": "160", "NO_COLOR": "1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)

    return point


@pytest.mark.parametrize("text", [FEW, pytest.param(ALL, marks=pytest.mark.nightly)], ids=["few", "all"])
def test_commands_about_vms_nodes_clusters_tasks_users_keys_and_system_work(environment, text):
    sim = Simulator("healthy")
    for vm in ("web-01", "web-02", "db-01"):
        sim.world.behave(vm, kill=0, poweron=0, migrate=0)
    with sim.serve() as door:
        environment(sim, door)
        failed = {command: result for command in commands(text) if (result := vrg(command))[0] != 0}
        refused = [(e.method, e.path, e.status) for e in sim.requests if (e.status or 0) >= 400]
    assert failed == {}
    assert refused == []


def test_the_installed_script_forces_a_stuck_vm_off_and_sees_that_it_did_not_help(environment):
    sim = Simulator("stuck")
    script = Path(sys.executable).with_name("vrg")
    with sim.serve() as door:
        environment(sim, door)
        stop = [str(script), "vm", "stop", "web-01", "--force"]
        stopped = subprocess.run(stop, capture_output=True, text=True, check=False)
        show = [str(script), "-o", "json", "vm", "get", "web-01"]
        shown = subprocess.run(show, capture_output=True, text=True, check=True)
    assert stopped.returncode == 0, stopped.stderr
    assert [entry.json for entry in sim.changing_requests()] == [{"vm": 41, "action": "kill"}]
    row = json.loads(shown.stdout)
    assert {key: row[key] for key in ("$key", "name", "status", "node_name")} == {
        "$key": 41, "name": "web-01", "status": "unresponsive", "node_name": "node1",
    }  # fmt: skip


def test_twins_make_it_refuse_the_name(environment):
    sim = Simulator("twins")
    with sim.serve() as door:
        environment(sim, door)
        assert vrg("vm get web-01")[0] == 7


def test_its_update_needs_an_empty_answer_to_a_put(environment):
    """vrg 1.1.3 reads the name from a PUT's answer; with the measured `{}` it fails after the change."""
    for body, code in (("object", 1), ("list", 0), ("nothing", 0)):
        sim = Simulator("healthy", switches=Switches(put_answers=body))
        with sim.serve() as door:
            environment(sim, door)
            assert vrg("vm update web-01 --description changed")[0] == code
        assert sim.world.row("vms", 41)["description"] == "changed"
