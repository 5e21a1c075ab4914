"""Faults as data: from a file, from Python and at run time, counted and deterministic."""

from __future__ import annotations

import contextlib
import json

import httpx
import pytest

from vergeos_nb.simulator import Rule, Simulator, SteppedClock, list_faults
from vergeos_nb.simulator.faults.fault_files import load_rules, rules_from


def statuses(api, count, path="vms"):
    seen = []
    for _ in range(count):
        try:
            seen.append(api.get_error(path)[0])
        except httpx.HTTPError as error:
            seen.append(type(error).__name__)
    return seen


def test_the_nth_request_fails_and_the_rule_is_counted(make):
    api = make("stuck", faults=[Rule("third", "GET", "/api/v4/vms", nth=(3,), status=507)])
    assert statuses(api, 4) == [200, 200, 507, 200]
    [report] = api.sim.faults.report()
    assert (report["matched"], report["fired"]) == (4, 1)


def test_a_rule_that_never_fired_can_be_asked_for(make):
    api = make("stuck", faults=[Rule("a", path="/api/v4/vms", status=500), Rule("b", path="/api/v4/nodes")])
    statuses(api, 1)
    assert api.sim.faults.never_fired() == ["b"]


def test_probability_is_drawn_from_the_seed(make):
    def pattern(seed):
        rule = Rule("dice", probability=0.5, status=503)
        return statuses(make("stuck", seed=seed, faults=[rule]), 20)

    assert pattern(1) == pattern(1)
    assert pattern(1) != pattern(2)
    assert set(pattern(1)) == {200, 503}


def test_a_rate_limit_is_a_429_or_a_dropped_connection(make):
    for rule, failure in (
        (Rule("limit", max_per_window=2, status=429, headers={"Retry-After": "1"}), 429),
        (Rule("limit", max_per_window=2, drop="before"), "RemoteProtocolError"),
    ):
        api = make("stuck", faults=[rule])
        assert statuses(api, 4) == [200, 200, failure, failure]
        api.wait(1)
        assert statuses(api, 1) == [200]


def test_an_answer_can_be_cut_be_no_json_or_be_anything(make):
    api = make(
        "stuck",
        faults=[
            Rule("cut", nth=(1,), drop="truncate"),
            Rule("page", nth=(2,), not_json=True),
            Rule("odd", nth=(3,), body='{"unexpected": []}', status=200),
            Rule("header", nth=(4,), status=503, headers={"Retry-After": "7"}, text="busy"),
        ],
    )
    with pytest.raises(httpx.ReadError):
        api.get("vms")
    page = api.http.get("/api/v4/vms")
    assert (page.status_code, page.headers["content-type"], page.text[:9]) == (200, "text/html", "<!DOCTYPE")
    assert api.get("vms") == {"unexpected": []}
    busy = api.http.get("/api/v4/vms")
    assert (busy.headers["retry-after"], busy.json()) == ("7", {"err": "busy"})


def test_a_fault_says_whether_the_change_was_executed(make):
    kill = {"vm": 41, "action": "kill"}
    for rule, executed in (
        (Rule("lost", "POST", drop="before"), False),
        (Rule("unheard", "POST", drop="after"), True),
        (Rule("refused", "POST", status=500), False),
        (Rule("done", "POST", status=500, execute=True), True),
        (Rule("late", "POST", delay=5), True),
    ):
        api = make("healthy", faults=[rule])
        with contextlib.suppress(httpx.HTTPError):
            api.post("vm_actions", kill)
        [entry] = api.sim.changing_requests()
        api.wait(1)
        assert (entry.executed, api.sim.process_alive("web-01")) == (executed, not executed), rule.name


def test_rules_are_read_from_toml_and_json(tmp_path):
    toml = tmp_path / "faults.toml"
    toml.write_text(
        '[[rule]]\nname = "slow"\nmethod = "GET"\ndelay = 2\n[[rule]]\nnth = [1, 2]\nstatus = 503\n'
    )
    plain = tmp_path / "faults.json"
    plain.write_text(
        json.dumps([{"name": "slow", "method": "GET", "delay": 2}, {"nth": [1, 2], "status": 503}])
    )
    expected = [Rule("slow", "GET", delay=2), Rule("rule-2", nth=(1, 2), status=503)]
    assert load_rules(toml) == load_rules(plain) == expected
    sim = Simulator("stuck", clock=SteppedClock(), faults=toml)
    assert [rule["name"] for rule in sim.faults.report()] == ["slow", "rule-2"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"stauts": 500}, "unknown key 'stauts'; did you mean 'status'?"),
        ({"zzz": 1}, "unknown key 'zzz'; there are: name, method"),
        ({"status": 42}, "status cannot be 42; it is: answer with this HTTP status, without executing"),
        ({"status": 42}, "(Expected `int` >= 100 - at `$.status`)"),
        ({"status": "500"}, "status cannot be '500'"),
        ({"status": True}, "status cannot be True"),
        ({"probability": 2}, "probability cannot be 2; it is: share of the matching requests, 0 to 1"),
        ({"probability": float("nan")}, "probability cannot be nan"),
        (
            {"drop": "sometimes"},
            "drop cannot be 'sometimes'; it is: before: close the connection, unexecuted; a",
        ),
        ({"nth": 0}, "nth cannot be 0; it is: which of the matching requests, counted from 1"),
        ({"nth": "first"}, "nth cannot be 'first'"),
        ({"nth": True}, "nth cannot be True"),
        ({"ignore": ["filter", 1]}, "ignore cannot be ['filter', 1]; it is: a list of query parameters"),
        ({"headers": {"a": 1}}, "headers cannot be {'a': 1}; it is: more headers for the answer"),
        ({"headers": {"a": "b\n"}}, "(a header has no control characters)"),
        ({"body": ["x" * 100]}, "body cannot be ['xxx"),
        ("not a rule", "faults are an array of rules"),
    ],
)
def test_a_rule_that_is_none_is_refused_with_what_is_wrong(entry, message):
    with pytest.raises(ValueError, match="fault") as caught:
        rules_from([entry])
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "faults.toml"
    broken.write_text("[[rule]\n")
    with pytest.raises(ValueError, match=r"faults.toml: not readable as toml"):
        Simulator(faults=broken)


@pytest.mark.parametrize(
    ("name", "text"), [("faults.toml", ""), ("faults.toml", "# none yet\n"), ("f.json", "{}")]
)
def test_a_file_without_a_rule_is_refused_with_the_keys_of_one(tmp_path, name, text):
    """Holds off: an empty file was one rule that matched everything and did nothing."""
    (tmp_path / name).write_text(text)
    with pytest.raises(
        ValueError, match=f"{name}: there is no fault rule in it; a rule has .*, status, .*, drop"
    ):
        Simulator(faults=tmp_path / name)


def test_every_key_of_a_rule_is_explained():
    assert list(list_faults()) == list(Rule.__struct_fields__)
