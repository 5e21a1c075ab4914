"""The bodies in tests/wire/, each with its source, against what the simulator answers.

Values are invented on both sides; what is compared is the shape: keys, their order aside, and types. Error
bodies are compared whole.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "wire"
FILES = sorted(FOLDER.glob("*.json"))


def shape(value):
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return type(value).__name__


KINDS = ("real", "sourced", "guessed")
"""Recorded from a live system (or measured there by the vendor); read in documents or clients; guessed."""


def test_each_body_says_what_it_is_and_names_its_source():
    assert len(FILES) >= 25
    for path in FILES:
        body = json.loads(path.read_text())
        assert (body["kind"] in KINDS, len(body["source"]) > 10) == (True, True), path.name


def test_what_nobody_has_recorded_is_marked_as_guessed():
    guessed = {path.stem for path in FILES if json.loads(path.read_text())["kind"] == "guessed"}
    assert guessed == {"vm_action_kill", "machine_status_put"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_simulator_answers_in_the_shape_of_the_source(path, make):
    wire = json.loads(path.read_text())
    api = make("stuck")
    for step in [*wire["request"].get("before", []), wire["request"]]:
        body = step.get("body")
        if isinstance(body, dict) and "login" in body:
            body = {"login": api.sim.username, "password": api.sim.password}
        status, answer = api.call(step["method"], step["path"], body, **step.get("query", {}))
    expected = wire["response"]["body"]
    assert status == wire["response"]["status"]
    if "err" in expected or isinstance(expected, list) and expected and "$count" in expected[0]:
        assert answer == expected
    else:
        assert shape(answer) == shape(expected)
