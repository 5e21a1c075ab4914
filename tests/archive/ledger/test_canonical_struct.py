"""A struct's canonical JSON is the one of its content, also where it is spelled the fast way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from vergeos_nb.archive.ledger.canonical_struct import canonical_struct
from vergeos_nb.canonical import LARGEST, canonical


class _Line(msgspec.Struct):
    z: int
    fields: dict[str, Any]
    a: str = "\u00f6"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "12:30.5e1",
        "\x00\x1f\x7f\u2028\U0001f600",
        LARGEST,
        -LARGEST,
        LARGEST + 1,
        1.5,
        float("nan"),
        float("inf"),
        "\ud800",
        b"x",
        {1, 2},
        {"b": [1.5], "a": 1},
        {"b": [1], "a": {"\ufb33": 1, "\U0001f600": 2}},
    ],
)
@pytest.mark.parametrize("name", ["vm", "\ufb33", "\U0001f600"])
def test_a_struct_is_spelled_and_refused_as_its_content_is(name: str, value: Any) -> None:
    line = _Line(7, {"w": None, name: value, "\uffee": 3})
    assert spelled(lambda: canonical_struct(line, [7, *line.fields.values()])) == spelled(
        lambda: canonical(msgspec.to_builtins(line))
    )


def spelled(spell: Callable[[], bytes]) -> bytes | str:
    try:
        return spell()
    except ValueError:
        return "refused"
