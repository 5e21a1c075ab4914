"""Changing requests as data: exactly these bodies and no others."""

from __future__ import annotations

import pytest

from vergeos_nb.errors import UsageError
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, VmKey


def test_each_request_is_written_exactly_as_the_vendor_writes_it():
    assert requests.poweroff(VmKey(42)) == Request(
        "POST", "/api/v4/vm_actions", {"vm": 42, "action": "poweroff"}
    )
    assert requests.kill(VmKey(42)) == Request("POST", "/api/v4/vm_actions", {"vm": 42, "action": "kill"})
    assert requests.poweron(VmKey(42)) == Request(
        "POST", "/api/v4/vm_actions", {"vm": 42, "action": "poweron"}
    )
    assert requests.override(StatusKey(61)) == Request(
        "PUT",
        "/api/v4/machine_status/61",
        {"running": False, "migratable": True, "status": "stopped", "state": "offline"},
    )
    assert requests.status_fields(StatusKey(61), {"running": True}) == Request(
        "PUT", "/api/v4/machine_status/61", {"running": True}
    )
    assert requests.snapshot(MachineKey(54), "before", 1_790_172_805, "why") == Request(
        "POST",
        "/api/v4/machine_snapshots",
        {
            "machine": 54, "name": "before", "created_manually": True, "quiesce": False,
            "expires": 1_790_172_805, "expires_type": "date", "description": "why",
        },
    )  # fmt: skip
    assert requests.node_query(2, "top") == Request(
        "POST", "/api/v4/node_queries", {"node": 2, "query": "top"}
    )
    assert requests.network_query(2, "ping", "10.0.0.5") == Request(
        "POST", "/api/v4/vnet_queries", {"vnet": 2, "query": "ping", "params": {"host": "10.0.0.5"}}
    )


def test_a_change_shows_its_path_as_an_exchange_does():
    change = requests.override(StatusKey(61))
    assert change.path == "/api/v4/machine_status/61"
    assert change.as_sent() == {
        "method": "PUT",
        "path": "/api/v4/machine_status/61",
        "body": {"running": False, "migratable": True, "status": "stopped", "state": "offline"},
    }


def test_a_body_is_made_anew_each_time_so_that_nobody_changes_another_ones():
    body = {"running": False}
    change = requests.status_fields(StatusKey(61), body)
    body["running"] = True
    requests.override(StatusKey(61)).as_sent()["body"]["running"] = True
    assert (change.body["running"], requests.override(StatusKey(61)).body["running"]) == (False, False)


@pytest.mark.parametrize(
    "build",
    [
        lambda: requests.kill(MachineKey(54)),
        lambda: requests.kill(42),
        lambda: requests.override(MachineKey(54)),
        lambda: requests.snapshot(VmKey(42), "before", 1_790_172_805, ""),
    ],
)
def test_a_key_of_another_table_builds_no_request(build):
    with pytest.raises(TypeError, match="is needed here, not"):
        build()


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (
            lambda: requests.vm_action(VmKey(42), "killpower"),
            "(?s)'killpower'.*unknown.*: known: kill, poweroff",
        ),
        (lambda: requests.node_query(2, "tpo"), "(?s)'tpo'.*unknown.*: known: top"),
        (lambda: requests.node_query(0, "top"), "0 is not the key of a node"),
        (lambda: requests.node_query(True, "top"), "True is not the key of a node"),
        (lambda: requests.status_fields(StatusKey(61), {}), "no field is named"),
        (lambda: requests.snapshot(MachineKey(54), "", 1, ""), "its name has 0 characters"),
        (lambda: requests.snapshot(MachineKey(54), "n" * 129, 1, ""), "its name has 129 characters"),
        (lambda: requests.snapshot(MachineKey(54), "n", 1, "d" * 2049), "its description has 2049"),
        (lambda: requests.snapshot(MachineKey(54), "n", 0, ""), "0 is not a time at which it can end"),
        (lambda: requests.snapshot(MachineKey(54), "n", 1.5, ""), "1.5 is not a time at which it can end"),
    ],
)
def test_what_the_platform_would_take_otherwise_than_it_is_meant_is_refused(build, says):
    """Holds off, among others: a snapshot with ``expires`` 0, which the platform keeps for ever."""
    with pytest.raises(UsageError, match=says):
        build()
