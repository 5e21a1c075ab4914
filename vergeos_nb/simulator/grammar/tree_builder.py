"""Loads grammar.lark, and turns lark's tree into the data types of syntax.py."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any, cast

from lark import Lark, v_args
from lark.exceptions import LarkError
from lark.visitors import Transformer_NonRecursive

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.grammar.syntax import (
    Call,
    Chain,
    Column,
    Comparison,
    Entry,
    Expression,
    Fields,
    Literal,
    Macro,
    Nested,
    Path,
)

MAX_STEPS = 16
"""Longest traversal `a#b#c` read. Assumed."""


def read(start: str, text: str) -> Any:
    """Read a text with the rule `start` of the grammar; None if it does not fit."""
    try:
        return Builder(text).transform(_parser(start).parse(text))
    except LarkError:  # also what the builder refuses: it arrives as VisitError
        return None


@lru_cache(maxsize=4)
def _parser(start: str) -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, start=start, parser="lalr", lexer="contextual", propagate_positions=True,
        maybe_placeholders=False,
    )  # fmt: skip


class Builder(Transformer_NonRecursive[Any, Any]):
    """Turns lark's tree into syntax.py's data; knows the source to label un-aliased entries."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source

    def filter(self, children: list[Any]) -> Chain:
        return cast(Chain, children[0])

    def chain(self, children: list[Any]) -> Chain:
        pairs = zip(children[1::2], children[2::2], strict=True)
        return Chain(children[0], tuple((str(word), term) for word, term in pairs))

    def comparison(self, children: list[Any]) -> Comparison:
        path, operator, literal = children
        return Comparison(path, str(operator), literal)

    def string(self, children: list[Any]) -> Literal:
        return Literal("string", str(children[0])[1:-1])

    def number(self, children: list[Any]) -> Literal:
        return Literal("number", str(children[0]))

    def bare(self, children: list[Any]) -> Literal:
        return Literal("bare", str(children[0]))

    def macro_literal(self, children: list[Any]) -> Literal:
        return Literal("macro", "", children[0])

    def macro(self, children: list[Any]) -> Macro:
        arguments = tuple(item if isinstance(item, Macro) else int(item) for item in children[1:])
        return Macro(str(children[0])[1:], arguments)

    def fields(self, children: list[Any]) -> Fields:
        return Fields(tuple(child for child in children if isinstance(child, Entry)))

    @v_args(meta=True)
    def entry(self, meta: Any, children: list[Any]) -> Entry:
        expression: Expression = children[0]
        alias = str(children[1]) if len(children) > 1 else None
        text = self.source[meta.start_pos : meta.end_pos].strip()
        return Entry(expression, alias, text)

    def path(self, children: list[Any]) -> Path:
        if len(children) > MAX_STEPS:
            raise invalid_argument()
        return Path(tuple(children))

    def column(self, children: list[Any]) -> Column:
        return Column(str(children[0]))

    def nested(self, children: list[Any]) -> Nested:
        return Nested(str(children[0]), children[1])

    def call(self, children: list[Any]) -> Call:
        return Call(str(children[0]), tuple(children[1:]))
