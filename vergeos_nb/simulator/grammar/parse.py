"""Read `filter=` and `fields=` texts into the tree of syntax.py, with the grammar of grammar.lark.

Everything that cannot be read is the platform's 422 `Invalid argument`; no input gives anything else.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, cast

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.grammar.syntax import Chain, Fields, Macro

if TYPE_CHECKING:
    from lark import Lark

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
    from lark.exceptions import LarkError

    # Loads lark: only a filter needs it.
    from vergeos_nb.simulator.world.builder import Builder

    if _too_big(text):
        return None
    try:
        return cast(Macro, Builder(text).transform(_parser("macro").parse(text)))
    except LarkError:
        return None


@lru_cache(maxsize=512)
def _parse(start: str, text: str) -> Chain | Fields:
    from lark.exceptions import LarkError

    # Loads lark: only a filter needs it.
    from vergeos_nb.simulator.world.builder import Builder

    if _too_big(text):
        raise invalid_argument()
    try:
        tree = _parser(start).parse(text)
        return cast("Chain | Fields", Builder(text).transform(tree))
    except LarkError:  # what the builder refuses arrives as lark's VisitError
        raise invalid_argument() from None


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


@lru_cache(maxsize=1)
def _grammar() -> str:
    return resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")


@lru_cache(maxsize=4)
def _parser(start: str) -> Lark:
    from lark import Lark

    return Lark(
        _grammar(), start=start, parser="lalr", lexer="contextual", propagate_positions=True,
        maybe_placeholders=False,
    )  # fmt: skip
