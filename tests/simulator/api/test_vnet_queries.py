"""Queries of a virtual network: what it hears of the guests on it."""

from __future__ import annotations

import pytest

ADDRESS = "10.0.0.204"
"""web-01's address: its NIC is the fourth, after those of the nodes."""


def ask(api, query, **params):
    key = api.post("vnet_queries", {"vnet": 3, "query": query, "params": params})[1]["$key"]
    assert api.get(f"vnet_queries/{key}", fields="status,result") == {"status": "running", "result": ""}
    api.wait(1)
    row = api.get(f"vnet_queries/{key}", fields="status,result")
    assert row["status"] == "complete"
    return row["result"]


def test_the_address_of_a_guest_is_that_of_its_nic(make):
    rows = make("stuck").get("machine_nics", filter="machine eq 44", fields="vnet,ipaddress")
    assert rows == [{"vnet": 3, "ipaddress": ADDRESS}]


@pytest.mark.parametrize(
    ("scenario", "answers"),
    [("healthy", True), ("zombie", True), ("stuck", False), ("node_unreachable", False)],
)
def test_a_ping_and_an_arp_scan_hear_a_guest_that_lives_where_it_can_be_reached(make, scenario, answers):
    api = make(scenario)
    assert ("64 bytes from" in ask(api, "ping", host=ADDRESS)) is answers
    assert (ADDRESS in ask(api, "arp-scan", host=ADDRESS)) is answers
    [line] = [line for line in ask(api, "arp").splitlines() if line.startswith(f"{ADDRESS} ")]
    assert ("(incomplete)" not in line) is answers


def test_a_guest_that_blocks_ping_answers_arp(make):
    api = make("healthy")
    api.sim.world.behave("web-01", guest_answers=("arp",))
    assert ("64 bytes from" in ask(api, "ping", host=ADDRESS), ADDRESS in ask(api, "arp-scan")) == (
        False,
        True,
    )


def test_another_network_does_not_hear_it(make):
    api = make("healthy")
    key = api.post("vnet_queries", {"vnet": 2, "query": "ping", "params": {"host": ADDRESS}})[1]["$key"]
    api.wait(1)
    assert "0 received" in api.get(f"vnet_queries/{key}", fields="result")["result"]


def test_a_query_that_does_not_exist_or_names_no_network_is_refused(make):
    api = make("healthy")
    assert api.post("vnet_queries", {"vnet": 3, "query": "ps"}) == (
        422, {"err": "value 'ps' is not in list for field 'query'"},
    )  # fmt: skip
    assert api.post("vnet_queries", {"query": "ping"})[1] == {"err": "field 'vnet_queries.vnet' is required"}
