"""The one spelling of RFC 8785, for what a manifest holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.canonical import LARGEST, canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def test_members_are_ordered_by_utf_16_as_in_the_example_of_the_rfc() -> None:
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert [json.loads(canonical(value))[name] for name in json.loads(canonical(value))] == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_texts_and_literals_are_spelled_as_in_the_rfc() -> None:
    value = {"string": '\u20ac$\u000f\nA\'B"\\"/\x7f\u2028', "literals": [None, True, False, -0, 7]}
    assert canonical(value) == (
        '{"literals":[null,true,false,0,7],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\x7f\u2028"}'.encode()
    )


@given(JSON)
def test_what_is_written_is_read_back_and_written_the_same_in_any_order(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    if isinstance(value, dict):
        assert canonical(dict(reversed(value.items()))) == text


@pytest.mark.parametrize(
    "value", [1.0, {"a": [float("nan")]}, LARGEST + 1, {1: 2}, "\ud800", {"\ud800": 1}, b"x", {1, 2}]
)
def test_what_has_no_one_spelling_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="."):
        canonical(value)
