"""Read `filter=` and `fields=` texts into the tree of syntax.py, with the grammar of grammar.lark.

Everything that cannot be read is the platform's 422 `Invalid argument`; no input gives anything else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.grammar.syntax import Chain, Fields, Macro

MAX_TEXT = 32_000
"""Longest query text read, in characters. Assumed: the platform's own limit is not documented."""

MAX_DEPTH = 60
"""Deepest nesting of brackets read. Assumed; it keeps every later step within Python's stack."""


def parse_filter(text: str) -> Chain:
    """Read a filter expression.

    Raises:
        ApiError: 422 `Invalid argument` if the text is not a filter.
    """
    return cast(Chain, _parse("filter", text))


def parse_fields(text: str) -> Fields:
    """Read a `fields=` list.

    Raises:
        ApiError: 422 `Invalid argument` if the text is not a list of fields.
    """
    return cast(Fields, _parse("fields", text))


def parse_macro(text: str) -> Macro | None:
    """Read one balanced `{...}`; None if the grammar does not know the macro."""
    return cast("Macro | None", _read("macro", text))


@lru_cache(maxsize=512)
def _parse(start: str, text: str) -> Chain | Fields:
    tree = _read(start, text)
    if tree is None:
        raise invalid_argument()
    return cast("Chain | Fields", tree)


def _read(start: str, text: str) -> Any:
    if _too_big(text):
        return None
    # Loaded with the first query: the start of a simulator need not wait for lark.
    from vergeos_nb.simulator.grammar import tree_builder

    return tree_builder.read(start, text)


def _too_big(text: str) -> bool:
    depth = deepest = 0
    quoted = escaped = False
    for character in text:
        if quoted:  # brackets inside a literal do not nest
            quoted = escaped or character != "'"
            escaped = character == "\\" and not escaped
        elif character == "'":
            quoted = True
        elif character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return len(text) > MAX_TEXT or deepest > MAX_DEPTH
