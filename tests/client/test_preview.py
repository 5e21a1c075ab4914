"""A card shows what it will send: the requests that then go over the wire, and a curl command of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from vergeos_nb.client.preview import as_curl, preview
from vergeos_nb.errors import UsageError
from vergeos_nb.simulator import Simulator
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, VmKey

curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")


def test_a_preview_is_every_request_that_does_not_hang_on_an_answer() -> None:
    shown = preview(lambda api: (api.status_key(MachineKey(44)), api.statuses_of(MachineKey(44))))
    assert [(one.method, one.path) for one in shown] == [("GET", "/api/v4/machines/44")]
    assert [one.path for one in preview(lambda api: api.counters(MachineKey(44)))] == [
        "/api/v4/machine_nics",
        "/api/v4/machine_drives",
    ]


def test_a_preview_of_a_change_is_the_vendor_s_request_and_sends_nothing() -> None:
    key = StatusKey(46)
    body = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
    shown = preview(lambda api: api.override_status(key, requests.override(key).body))
    assert shown == (Request("PUT", "/api/v4/machine_status/46", body),)


def test_a_preview_of_what_cannot_be_asked_says_so() -> None:
    with pytest.raises(UsageError):
        preview(lambda api: api.vms_named("\n"))


@curl
@pytest.mark.parametrize("name", ["web-01", "it's {here} \\ $HOME `id`"])
def test_the_curl_command_asks_what_the_card_asks_and_holds_no_secret(name: str) -> None:
    sim = Simulator("stuck")
    (shown,) = preview(lambda api: api.vms_named(name))
    with sim.serve(port=0) as door:
        command = as_curl(door.host, shown, bearer=False)
        secrets = {"VERGE_USERNAME": sim.username, "VERGE_PASSWORD": sim.password}
        environ = {**os.environ, **secrets, "VERGE_CA_FILE": str(door.ca_file), "HOME": "/nonexistent"}
        done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=True)
    found = [(row["name"], row["machine"]) for row in json.loads(done.stdout)]
    assert found == ([("web-01", 44)] if name == "web-01" else [])
    assert sim.password not in command


@curl
def test_the_curl_command_of_a_change_sends_the_body_to_the_letter() -> None:
    sim = Simulator("stuck")
    (shown,) = preview(lambda api: api.vm_action(VmKey(41), "kill"))
    with sim.serve(port=0) as door:
        environ = {**os.environ, "VERGE_API_KEY": sim.api_key, "VERGE_CA_FILE": str(door.ca_file)}
        command = as_curl(door.host, shown, bearer=True)
        subprocess.run(["sh", "-c", command], env=environ, capture_output=True, check=True)
        (sent,) = sim.changing_requests()
    assert (sent.method, sent.path, json.loads(sent.body)) == (
        "POST",
        "/api/v4/vm_actions",
        {"vm": 41, "action": "kill"},
    )
    assert sim.api_key not in command
