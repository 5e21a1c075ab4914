"""Properties: no input bends the grammar, and what the client quotes is found exactly.

In the nightly profile each runs with 20,000 examples, together more than 100,000 inputs.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vergeos_nb.simulator import Request, Simulator, SteppedClock
from vergeos_nb.simulator.api.actions import remove_vm
from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.grammar import posix_regex
from vergeos_nb.simulator.scenarios.row_scenarios import ODD_NAMES
from vergeos_nb.vergeos import filters

VISIBLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=128)
PIECES = st.sampled_from(
    [
        "name",
        "machine",
        "status",
        "$key",
        "nics",
        "drives",
        "machine#status#running",
        "owner",
        "nonsense",
        "all",
        "most",
        " eq ",
        " ne ",
        " rx ",
        " bw ",
        " ct ",
        " lt ",
        " like ",
        " and ",
        " or ",
        " as ",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "{$now}",
        "{$add({$now},1)}",
        ",",
        "#",
        "'",
        "'web-01'",
        "''",
        "\\",
        "\\'",
        "true",
        "null",
        "41",
        "-1",
        "1.5",
        " ",
        "count(",
        "sum(",
        "display(",
        "*",
        "+",
        "?",
        "|",
        "^",
        "$",
        ".",
        "é",
        "\x00",
        "\n",
        "\ud800",
        "🙂",
    ]
)
GARBLED = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=60))


@pytest.fixture(scope="module")
def world():
    sim = Simulator("odd_names", clock=SteppedClock())
    names = sorted({row["name"] for row in sim.world.tables["vms"].values()})
    return sim, names


def ask(sim, table, **params):
    text = "&".join(f"{key}={quote(value, safe='', errors='replace')}" for key, value in params.items())
    headers = {"authorization": f"Bearer {sim.api_key}"}
    response = sim.handle(Request("GET", f"/api/v4/{table}", text, headers))
    return response.status, json.loads(response.body)


@given(text=st.one_of(VISIBLE, st.sampled_from(ODD_NAMES)))
@example("{x}")
@example("(" * 128)
@example("[{" * 64)
@example("\\'{")
@example("a' or name ne 'a")
def test_a_name_quoted_by_the_client_matches_exactly_the_rows_of_that_name(world, text):
    sim, names = world
    status, rows = ask(sim, "vms", filter=filters.eq("name", text), fields="name")
    expected = [row["name"] for row in sim.world.tables["vms"].values() if row["name"] == text]
    assert (status, [row["name"] for row in rows]) == (200, expected)


@given(text=VISIBLE)
def test_a_vm_of_any_name_is_found_by_that_name_and_by_nothing_else(world, text):
    sim, names = world
    made = sim.world.add_vm(text)
    try:
        status, rows = ask(sim, "vms", filter=filters.eq("name", text), fields="$key,name")
        assert status == 200
        assert {"$key": made.key, "name": text} in rows
        assert {row["name"] for row in rows} == {text}
    finally:
        remove_vm(sim.world, sim.world.tables["vms"][made.key])


@given(
    text=GARBLED, table=st.sampled_from(["vms", "machines", "nodes", "tasks", "machine_stats_history_long"])
)
def test_any_filter_gives_rows_or_a_typed_4xx(world, text, table):
    status, answer = ask(world[0], table, filter=text)
    assert isinstance(answer, list) if status == 200 else (status, list(answer)) == (422, ["err"])


@given(text=GARBLED, table=st.sampled_from(["vms", "machines", "nodes", "clusters", "tasks"]))
def test_any_fields_give_rows_or_a_typed_4xx(world, text, table):
    status, answer = ask(world[0], table, fields=text)
    assert isinstance(answer, list) if status == 200 else (status, list(answer)) == (422, ["err"])


@given(text=GARBLED, limit=GARBLED)
def test_any_sort_limit_and_offset_give_rows_or_a_typed_4xx(world, text, limit):
    for params in ({"sort": text}, {"limit": limit}, {"offset": limit}):
        status, answer = ask(world[0], "vms", **params)
        assert isinstance(answer, list) if status == 200 else (status, list(answer)) == (422, ["err"])


# What POSIX writes, and what `re` writes for the same.
ATOMS = st.sampled_from(
    [("a", "a"), ("b", "b"), (".", "(?s:.)"), ("\\.", r"\."), ("^", r"\A"), ("$", r"\Z"), ("[^a]", "[^a]"),
     ("[]b-]", r"[\]b\-]"), ("[[:digit:]a]", "[0-9a]"), ("()", "(?:)"), ("]}", "]}")]
)  # fmt: skip
SIGNS = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(
            lambda parts: tuple(map("".join, zip(*parts, strict=True))) or ("", "")
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: (f"({'|'.join(p for p, _ in parts)})", f"(?:{'|'.join(r for _, r in parts)})")
        ),
        st.tuples(inner, SIGNS).map(lambda made: (f"({made[0][0]}){made[1]}", f"(?:{made[0][1]}){made[1]}")),
    ),
    max_leaves=6,
)


@given(pattern=PATTERNS, text=st.text("ab1.]-", max_size=6))
def test_a_regular_expression_matches_as_the_same_one_of_python_does(pattern, text):
    posix, python = pattern
    assert posix_regex.search(posix, text) == (re.search(python, text) is not None)


@given(pattern=st.text("ab.*+?|()[]^${}\\-12,:d", max_size=14), text=st.text("ab12", max_size=10))
def test_any_text_is_a_pattern_or_matches_nothing(pattern, text):
    try:
        found = posix_regex.search(pattern, text)
    except ApiError as refused:
        found = (refused.status, "too many ways" in refused.text)
    assert found in (True, False, (422, True))


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "x"]),
    path=st.text(max_size=40),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_request_at_all_gets_a_typed_answer(world, method, path, body):
    sim, _ = world
    headers = {"authorization": f"Bearer {sim.api_key}"}
    for prefix in ("/", "/api/v4/", "/api/v4/vms/"):
        response = sim.handle(Request(method, prefix + path, "", headers, body))
        assert response.status < 500 or response.status == 501
        assert response.status < 300 or list(json.loads(response.body)) == ["err"]


FIELDS = st.sampled_from(
    [
        "running",
        "status",
        "state",
        "node",
        "machine",
        "vm",
        "action",
        "params",
        "name",
        "expires",
        "$key",
        "user",
        "owner",
        "disksize",
        "media",
        "interface",
        "ram",
        "cpu_cores",
        "query",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["stopped", "kill", "clone", "41", "vms/41", "true", "ping", [], {}, 41, 44]),
)


@given(
    table=st.sampled_from(
        [
            "vms",
            "vm_actions",
            "machine_snapshots",
            "machine_drives",
            "machine_nics",
            "machine_devices",
            "users",
            "tasks",
            "user_api_keys",
            "clusters",
            "node_queries",
            "vm_favorites",
            "settings",
            "machine_status/46",
            "vms/41",
            "nodes/1",
            "tasks/3",
            "clusters/1",
            "machine_stats/48",
            "nope",
            "settings/max_connections",
        ]
    ),
    body=st.dictionaries(FIELDS, VALUES, max_size=5),
)
def test_any_body_of_a_write_gets_a_typed_answer(world, table, body):
    sim, _ = world
    headers = {"authorization": f"Bearer {sim.api_key}"}
    method = "PUT" if "/" in table else "POST"
    response = sim.handle(Request(method, f"/api/v4/{table}", "", headers, json.dumps(body).encode()))
    assert response.status < 500 or response.status == 501
    if len(sim.requests) > 5_000:
        sim.reset()
