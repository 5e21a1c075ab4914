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


def test_there_are_bodies_and_each_names_its_source():
    assert len(FILES) >= 15
    for path in FILES:
        assert len(json.loads(path.read_text())["source"]) > 10, path.name


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
