"""The guest's answer to a ping from its node, where somebody asked for it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.evidence.witness import Answered, Evidence
from vergeos_nb.procedure.evidence.witnesses.guest_ping import GUEST_PING
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.vergeos.rows import QueryAnswer

Make = Callable[..., Rehearsal]
REPLY = "64 bytes from 10.0.0.5: icmp_seq=1 ttl=64 time=0.3 ms"
LOST = "2 packets transmitted, 0 received, 100% packet loss"


@pytest.mark.parametrize(
    ("answer", "says"),
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
    answer: QueryAnswer | None, says: str
) -> None:
    vote = GUEST_PING.vote(Evidence((), answers={GUEST_PING.source: Answered("10.0.0.5", answer)}))
    assert vote is not None
    assert vote.says == says


def test_the_guest_is_pinged_by_its_node_only_where_an_address_is_given(rehearse: Make) -> None:
    asked, unasked = rehearse("stuck"), rehearse("stuck")
    asked.run(ping_ip="10.0.0.5")
    unasked.run()
    posts = [(e.path, json.loads(e.body)) for e in asked.requests if e.method == "POST"]
    assert posts == [
        ("/api/v4/node_queries", {"node": 1, "query": "ping", "params": {"host": "10.0.0.5"}}),
    ]
    assert [e for e in unasked.requests if e.method != "GET"] == []


def test_a_guest_s_address_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ping_ip is no IP address"):
        read_parameters("force_power_off", {"vm_name": "web-01", "ping_ip": "web-01; reboot"})
