"""The guest's answers on its own network, where somebody asked for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.rehearsal import LADDER, Rehearsal, ending
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.evidence.witness import Answered, Evidence
from vergeos_nb.procedure.evidence.witnesses.guest_on_network import GUEST_ARP, GUEST_PING
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.vergeos.rows import QueryAnswer

Make = Callable[..., Rehearsal]
ADDRESS, MAC = "10.0.0.5", "f0:db:30:00:00:2a"
REPLY = "64 bytes from 10.0.0.5: icmp_seq=1 ttl=64 time=0.3 ms"
LOST = "2 packets transmitted, 0 received, 100% packet loss"
SEEN = f"{ADDRESS}\t{MAC.upper()}\t(Unknown)\n\n1 responded"


def says(witness: Any, answer: QueryAnswer | None, **more: str) -> str:
    vote = witness.vote(Evidence((), answers={witness.source: Answered(ADDRESS, answer, **more)}))
    assert vote is not None
    return str(vote.says)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (QueryAnswer("1", "complete", REPLY), "alive"),
        (QueryAnswer("1", "complete", LOST), "silent"),
        (QueryAnswer("1", "complete", ""), "silent"),
        (QueryAnswer("1", "running", REPLY), "silent"),
        (QueryAnswer("1", "error", REPLY), "silent"),
        (None, "silent"),
    ],
)
def test_only_a_reply_is_a_sign_of_life_and_no_silence_is_one_of_death(
    answer: QueryAnswer | None, expected: str
) -> None:
    assert says(GUEST_PING, answer) == expected


@pytest.mark.parametrize(
    ("result", "hardware", "expected"),
    [
        (SEEN, MAC, "alive"),
        (SEEN, "F0-DB-30-0-0-2A", "alive"),
        (SEEN, "", "alive"),
        (SEEN, "f0:db:30:00:00:2b", "silent"),
        (SEEN.replace(ADDRESS, "10.0.0.55"), MAC, "silent"),
        (f"{ADDRESS}    (incomplete)    eth0", MAC, "silent"),
        ("0 responded", MAC, "silent"),
    ],
)
def test_an_arp_reply_counts_with_the_address_and_the_hardware_of_the_guest(
    result: str, hardware: str, expected: str
) -> None:
    assert says(GUEST_ARP, QueryAnswer("1", "complete", result), hardware=hardware) == expected
    assert says(GUEST_ARP, QueryAnswer("1", "running", result), hardware=hardware) == "silent"


def test_a_ping_reply_of_a_machine_that_took_the_address_over_is_no_sign_of_life() -> None:
    """Holds off: life that was "measured" on another machine, over which nobody could go on."""

    def ping(hardware: str) -> str:
        ping_answer, scan = (QueryAnswer("1", "complete", text) for text in (REPLY, SEEN))
        answers = {
            GUEST_PING.source: Answered(ADDRESS, ping_answer, hardware=hardware),
            GUEST_ARP.source: Answered(ADDRESS, scan, hardware=hardware),
        }
        vote = GUEST_PING.vote(Evidence((), answers=answers))
        assert vote is not None
        return str(vote.says)

    assert (ping(MAC), ping("f0:db:30:00:00:2b"), ping("")) == ("alive", "silent", "alive")


def networked(scenario: str, rehearse: Make, answers: dict[str, str] | None = None) -> Rehearsal:
    """A VM with its address on a NIC, on a platform that answers queries like this."""
    run = rehearse(scenario)
    machine = run.sim.world.vm("web-01").machine
    nics = run.sim.world.tables["machine_nics"]
    key = next(key for key, row in nics.items() if row["machine"] == machine)
    run.sim.world.set_row("machine_nics", key, ipaddress=ADDRESS, macaddress=MAC, vnet=3)
    if answers is None:
        return run
    inner, asked = run.sim.transport(), {}

    def door(request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.path.rpartition("/")
        if query == "vnet_queries":
            body = json.loads(request.content)
            asked["ab" * 20 if body["query"] == "ping" else "cd" * 20] = body
            return httpx.Response(201, json={"$key": list(asked)[-1]})
        if path.endswith("vnet_queries"):
            row = {"$key": query, "id": query, "status": "complete"}
            return httpx.Response(200, json={**row, "result": answers[asked[query]["query"]]})
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    return run


def votes(run: Rehearsal, **params: Any) -> tuple[Any, dict[Any, tuple[Any, ...]]]:
    account = run.run(**LADDER, ping_ip=ADDRESS, **params)
    alive = next(result for result in account.results if result.step == "alive")
    return account, {row[0]: row[1:] for row in alive.tables[0].rows if str(row[0]).startswith("vnet")}


def test_a_guest_that_blocks_pings_and_answers_arp_is_measured_life(rehearse: Make) -> None:
    account, said = votes(networked("stuck", rehearse, {"ping": LOST, "arp-scan": SEEN}))
    assert (ending(account), account.rests_on) == (("planned", "alive", 0), "measured")
    assert said == {
        "vnet_queries ping": ("silent", f"{ADDRESS} does not answer a ping, which proves nothing", ""),
        "vnet_queries arp-scan": ("alive", f"{ADDRESS} answers ARP on its own network", "measured"),
    }


def test_a_guest_that_nobody_hears_is_no_evidence_of_death(rehearse: Make) -> None:
    account, said = votes(networked("stuck_stale", rehearse, {"ping": LOST, "arp-scan": "0 responded"}))
    assert ending(account) == ("planned", "unknown", 0)
    assert [vote[0] for vote in said.values()] == ["silent", "silent"]


def test_the_network_of_the_guest_s_nic_is_asked_and_only_where_an_address_is_given(rehearse: Make) -> None:
    asked, unasked = networked("stuck", rehearse), networked("stuck", rehearse)
    asked.run(ping_ip=ADDRESS)
    unasked.run()
    posts = [(e.path, json.loads(e.body)) for e in asked.requests if e.method == "POST"]
    assert posts == [
        ("/api/v4/vnet_queries", {"vnet": 3, "query": query, "params": {"host": ADDRESS}})
        for query in ("ping", "arp-scan")
    ]
    assert [e for e in unasked.requests if e.method != "GET"] == []


def test_where_the_network_is_not_known_nobody_is_asked_and_the_vote_says_so(rehearse: Make) -> None:
    run = networked("stuck", rehearse)
    run.sim.faults.add(Rule("hidden", "GET", "/api/v4/machine_nics*", nth=(1, 2), status=403, text="no"))
    account, said = votes(run)
    assert [e for e in run.requests if e.method == "POST"] == []
    assert ending(account) == ("planned", "off", 0)
    assert all("NICs could not be read" in str(vote[1]) for vote in said.values())


def test_a_guest_s_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ping_ip is no IP address"):
        read_parameters("force_power_off", {"vm_name": "web-01", "ping_ip": "web-01; reboot"})
