"""POSIX extended regular expressions, as the operator `rx` reads them: partial match, case-sensitive.

Measured by the vendor's SDK authors (pyvergeos 1.7.1 filters.py): PCRE shorthands such as `\\d` and
inline flags such as `(?i)` are no errors, they match nothing; an empty pattern matches every row. Everything
else that POSIX leaves undefined is taken the same way: it matches nothing.

A pattern is checked and translated to Python's `re`. `re` tries one way of matching after the other. A
pattern such as `(a*)*b` has so many ways that this can take hours. It is refused with 422 if the text is long
enough for that (MAX_STEPS). The limit is the simulator's own, not the platform's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import prod

from vergeos_nb.simulator.api.messages import ApiError

MAX_STEPS = 50_000_000
"""The most ways of matching, over all beginnings in one text, that are tried."""

MAX_REPEAT = 255
"""RE_DUP_MAX of POSIX: the largest number in an interval."""

_CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha, "digit": lambda c: "0" <= c <= "9", "alnum": str.isalnum,
    "upper": str.isupper, "lower": str.islower, "space": str.isspace,
    "blank": lambda c: c in " \t", "cntrl": lambda c: ord(c) < 32 or ord(c) == 127,
    "graph": lambda c: c.isprintable() and c != " ", "print": str.isprintable,
    "punct": lambda c: c.isprintable() and not c.isalnum() and c != " ",
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}  # fmt: skip


class NotAPatternError(Exception):
    """The text is no POSIX ERE; such a pattern matches nothing."""


@dataclass(frozen=True)
class Part:
    """A part of a pattern.

    Attributes:
        regex: its translation to `re`.
        shortest: the number of characters in its shortest match.
        ways: the most ways in which it can match from one place on, in a text of so many characters.
    """

    regex: str
    shortest: int
    ways: Callable[[int], int] = lambda length: 1


def search(pattern: str, text: str) -> bool:
    """Does `pattern` match anywhere in `text`? False if it is no pattern.

    Raises:
        ApiError: 422 if `re` might have to try more than MAX_STEPS ways.
    """
    compiled = _compile(pattern)
    if compiled is None:
        return False
    regex, part = compiled
    if (len(text) + 1) * part.ways(len(text)) > MAX_STEPS:
        raise ApiError(
            422,
            f"The simulator does not search {len(text)} characters for {pattern!r}: there are too many ways "
            "to match. Use fewer repetitions, and none within another",
        )
    return regex.search(text) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> tuple[re.Pattern[str], Part] | None:
    try:
        part = _Reader(pattern).read()
        return re.compile(part.regex), part
    except (NotAPatternError, RecursionError):
        return None


def _sequence(parts: list[Part]) -> Part:
    return Part(
        "".join(part.regex for part in parts),
        sum(part.shortest for part in parts),
        lambda length: _at_most(prod(part.ways(length) for part in parts)),
    )


def _either(options: list[Part]) -> Part:
    return Part(
        f"(?:{'|'.join(option.regex for option in options)})",
        min(option.shortest for option in options),
        lambda length: _at_most(sum(option.ways(length) for option in options)),
    )


def _repeated(part: Part, low: int, high: int | None) -> Part:
    def ways(length: int) -> int:
        each = part.ways(length)
        room = length // max(part.shortest, 1)
        most = room if high is None else min(high, room)
        choices = max(1, most - low + 1)
        # The power is computed only as far as it matters.
        return _at_most(choices * each ** min(most, 40)) if each > 1 else choices

    limit = "" if high is None else high
    return Part(f"(?:{part.regex}){{{low},{limit}}}", part.shortest * low, ways)


def _at_most(ways: int) -> int:
    return min(ways, MAX_STEPS + 1)


class _Reader:
    """Reads a pattern by recursive descent: alternatives of sequences of repeated atoms."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Part:
        part = self.alternatives()
        if self.at < len(self.text):
            raise NotAPatternError
        return part

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        self.at += 1
        return character

    def upto(self, end: str) -> str:
        """Take the text before the next `end`, and that."""
        close = self.text.find(end, self.at)
        if close < 0:
            raise NotAPatternError
        inside = self.text[self.at : close]
        self.at = close + len(end)
        return inside

    def alternatives(self) -> Part:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return _either(options)

    def sequence(self) -> Part:
        parts: list[Part] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated())
        return _sequence(parts)

    def repeated(self) -> Part:
        part = self.atom()
        while self.peek() in ("*", "+", "?", "{"):
            sign = self.take()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.interval()
            part = _repeated(part, low, high)
        return part

    def interval(self) -> tuple[int, int | None]:
        found = re.fullmatch(r"([0-9]{1,3})(,?)([0-9]{0,3})", self.upto("}"))
        if found is None or (found[3] and not found[2]):
            raise NotAPatternError
        low = int(found[1])
        high = int(found[3]) if found[3] else None if found[2] else low
        if not low <= (MAX_REPEAT if high is None else high) <= MAX_REPEAT:
            raise NotAPatternError
        return low, high

    def atom(self) -> Part:
        character = self.take()
        if character == "(":
            if self.peek() == "?":
                raise NotAPatternError  # an inline flag or another extension of PCRE
            part = self.alternatives()
            if self.take() != ")":
                raise NotAPatternError
            return part
        if character == "[":
            return Part(self.bracket(), 1)
        if character in ("^", "$"):
            return Part({"^": r"\A", "$": r"\Z"}[character], 0)
        if character in "*+?{":
            raise NotAPatternError
        if character == "\\":
            character = self.take()
            if not character or character.isalnum():
                raise NotAPatternError  # \d, \w, \1: not POSIX
        elif character == ".":
            return Part("(?s:.)", 1)
        return Part(re.escape(character), 1)

    def bracket(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        members: list[str] = []
        while self.peek() != "]" or not members:
            character = self.take()
            if not character:
                raise NotAPatternError
            if character == "[" and self.peek() in (":", ".", "="):
                members.append(self.named_class())
            elif self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("", "]"):
                self.at += 1
                last = self.take()
                if last < character:
                    raise NotAPatternError
                members.append(f"{re.escape(character)}-{re.escape(last)}")
            else:
                members.append(re.escape(character))
        self.at += 1
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def named_class(self) -> str:
        sign = self.take()
        name = self.upto(sign + "]")
        if sign == ":" and name in _CLASSES:
            return _ranges(name)
        if sign != ":" and len(name) == 1:
            return re.escape(name)
        raise NotAPatternError


@lru_cache
def _ranges(name: str) -> str:
    """The characters of a class, as they stand between the brackets of `re`."""
    ranges = ""
    for is_in, run in groupby(map(chr, range(sys.maxunicode + 1)), _CLASSES[name]):
        if is_in:
            first, *_, last = [*run] * 2
            ranges += f"{re.escape(first)}-{re.escape(last)}"
    return ranges
