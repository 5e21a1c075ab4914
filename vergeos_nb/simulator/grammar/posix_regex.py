"""POSIX extended regular expressions, as the operator `rx` reads them: partial match, case-sensitive.

Measured by the vendor's SDK authors (pyvergeos 1.7.1 filters.py): PCRE shorthands such as `\\d` and
inline flags such as `(?i)` are no errors, they match nothing; an empty pattern matches every row. What
else POSIX leaves undefined is taken the same way: a pattern that is none matches nothing.

Matching walks a set of states over the text (Thompson), so no pattern can take exponential time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

MAX_STATES = 20_000
"""Largest machine built; a pattern that needs more (repetitions of repetitions) matches nothing."""

MAX_REPEAT = 255
"""RE_DUP_MAX of POSIX: the largest number in an interval."""

Test = Callable[[str], bool]

_CLASSES: dict[str, Test] = {
    "alpha": str.isalpha, "digit": lambda c: "0" <= c <= "9", "alnum": str.isalnum,
    "upper": str.isupper, "lower": str.islower, "space": str.isspace,
    "blank": lambda c: c in " \t", "cntrl": lambda c: ord(c) < 32 or ord(c) == 127,
    "graph": lambda c: c.isprintable() and c != " ", "print": str.isprintable,
    "punct": lambda c: c.isprintable() and not c.isalnum() and c != " ",
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}  # fmt: skip


class NotAPatternError(Exception):
    """The text is no POSIX ERE; such a pattern matches nothing."""


@dataclass
class Machine:
    """States: `tests[i]` consumes a character and goes to `to[i]`; `free[i]` are moves without one.

    A free move may be bound to the beginning (`^`) or the end (`$`) of the text.
    """

    tests: list[Test | None] = field(default_factory=list)
    to: list[int] = field(default_factory=list)
    free: list[list[tuple[int, str]]] = field(default_factory=list)

    def state(self, test: Test | None = None, to: int = -1) -> int:
        """Add a state and return its number."""
        if len(self.tests) >= MAX_STATES:
            raise NotAPatternError
        self.tests.append(test)
        self.to.append(to)
        self.free.append([])
        return len(self.tests) - 1

    def reach(self, states: set[int], at_start: bool, at_end: bool) -> set[int]:
        """Return all states reachable without consuming a character."""
        found, waiting = set(states), list(states)
        while waiting:
            for target, bound in self.free[waiting.pop()]:
                if (bound == "^" and not at_start) or (bound == "$" and not at_end) or target in found:
                    continue
                found.add(target)
                waiting.append(target)
        return found


Node = tuple[str, object]


def search(pattern: str, text: str) -> bool:
    """Does `pattern` match anywhere in `text`? False for what is no pattern."""
    compiled = _compile(pattern)
    if compiled is None:
        return False
    machine, start, end = compiled
    current: set[int] = set()
    for position in range(len(text) + 1):
        current.add(start)
        current = machine.reach(current, position == 0, position == len(text))
        if end in current:
            return True
        if position < len(text):
            character = text[position]
            moved = set()
            for state in current:
                test = machine.tests[state]
                if test is not None and test(character):
                    moved.add(machine.to[state])
            current = moved
    return False


def compiles(pattern: str) -> bool:
    """Is `pattern` a POSIX extended regular expression?"""
    return _compile(pattern) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> tuple[Machine, int, int] | None:
    try:
        tree = _Reader(pattern).read()
        machine = Machine()
        start, end = _build(machine, tree)
    except (NotAPatternError, RecursionError):
        return None
    return machine, start, end


def _build(machine: Machine, node: Node) -> tuple[int, int]:
    kind, value = node
    start, end = machine.state(), -1
    if kind == "one":
        end = machine.state()
        machine.tests[start], machine.to[start] = value, end  # type: ignore[call-overload]
    elif kind == "bound":
        end = machine.state()
        machine.free[start].append((end, str(value)))
    elif kind == "sequence":
        end = start
        for part in value:  # type: ignore[attr-defined]
            begin, finish = _build(machine, part)
            machine.free[end].append((begin, ""))
            end = finish
    elif kind == "either":
        end = machine.state()
        for part in value:  # type: ignore[attr-defined]
            begin, finish = _build(machine, part)
            machine.free[start].append((begin, ""))
            machine.free[finish].append((end, ""))
    else:
        end = _repeat(machine, start, *value)  # type: ignore[misc]
    return start, end


def _repeat(machine: Machine, start: int, part: Node, low: int, high: int | None) -> int:
    current = start
    for _ in range(low):
        begin, finish = _build(machine, part)
        machine.free[current].append((begin, ""))
        current = finish
    if high is None:
        begin, finish = _build(machine, part)
        end = machine.state()
        machine.free[current] += [(begin, ""), (end, "")]
        machine.free[finish] += [(begin, ""), (end, "")]
        return end
    end = machine.state()
    machine.free[current].append((end, ""))
    for _ in range(high - low):
        begin, finish = _build(machine, part)
        machine.free[current].append((begin, ""))
        machine.free[finish].append((end, ""))
        current = finish
    return end


class _Reader:
    """Reads a pattern by recursive descent: alternatives of sequences of repeated atoms."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Node:
        node = self.alternatives()
        if self.at < len(self.text):
            raise NotAPatternError
        return node

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        self.at += 1
        return character

    def alternatives(self) -> Node:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else ("either", options)

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated())
        return ("sequence", parts)

    def repeated(self) -> Node:
        node = self.atom()
        while self.peek() in ("*", "+", "?", "{") and self.peek():
            sign = self.take()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.interval()
            node = ("repeat", (node, low, high))
        return node

    def interval(self) -> tuple[int, int | None]:
        close = self.text.find("}", self.at)
        inside = self.text[self.at : close] if close >= 0 else ""
        low, comma, high = inside.partition(",")
        if not (low.isascii() and low.isdigit()) or (high and not (high.isascii() and high.isdigit())):
            raise NotAPatternError
        self.at = close + 1
        if len(low) > 3 or len(high) > 3:
            raise NotAPatternError
        least, most = int(low), (int(high) if high else None) if comma else int(low)
        if least > MAX_REPEAT or (most is not None and (most > MAX_REPEAT or most < least)):
            raise NotAPatternError
        return least, most

    def atom(self) -> Node:
        character = self.take()
        if character == "(":
            if self.peek() == "?":
                raise NotAPatternError  # an inline flag or another extension of PCRE
            node = self.alternatives()
            if self.take() != ")":
                raise NotAPatternError
            return node
        if character == "[":
            return ("one", self.bracket())
        if character == ".":
            return ("one", lambda c: True)
        if character in "^$":
            return ("bound", character)
        if character in "*+?{":
            raise NotAPatternError
        if character == "\\":
            character = self.take()
            if not character or character.isalnum():
                raise NotAPatternError  # \d, \w, \1: not POSIX
        return ("one", _exactly(character))

    def bracket(self) -> Test:
        negated = self.peek() == "^"
        self.at += negated
        tests: list[Test] = []
        first = True
        while True:
            character = self.take()
            if not character:
                raise NotAPatternError
            if character == "]" and not first:
                break
            first = False
            if character == "[" and self.peek() in (":", ".", "=") and self.peek():
                tests.append(self.named_class())
            elif self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("", "]"):
                self.at += 1
                last = self.take()
                if last < character:
                    raise NotAPatternError
                tests.append(_between(character, last))
            else:
                tests.append(_exactly(character))
        return (lambda c: not any(t(c) for t in tests)) if negated else (lambda c: any(t(c) for t in tests))

    def named_class(self) -> Test:
        sign = self.take()
        close = self.text.find(sign + "]", self.at)
        name = self.text[self.at : close] if close >= 0 else ""
        self.at = close + 2
        if sign == ":" and name in _CLASSES:
            return _CLASSES[name]
        if sign in ".=" and len(name) == 1:
            return _exactly(name)
        raise NotAPatternError


def _exactly(wanted: str) -> Test:
    return lambda c: c == wanted


def _between(low: str, high: str) -> Test:
    return lambda c: low <= c <= high
