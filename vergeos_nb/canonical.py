"""Canonical JSON: equal content gives equal bytes, and so the same hash.

Objects, lists, text, whole numbers, true, false and null are written as in RFC 8785. Fractions are not,
because its rules for them are long and no manifest needs them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps (RFC 7493, I-JSON)."""


def canonical(value: Any, *, strict: bool = True) -> bytes:
    """The canonical JSON of a value, in UTF-8 and without a line feed.

    Args:
        strict: refuse values that some readers of JSON change. A plan is not strict, because it holds rows as
            the platform gave them. Then any finite number is allowed, names are in the order of code points,
            and half of a surrogate pair is written as an escape.

    Raises:
        ValueError: it holds NaN or an infinite number. If strict, also: a fraction, a number beyond
            `LARGEST`, half of a surrogate pair, a name that is not text, or a type that JSON does not know.
    """
    import json  # loads slowly, and help does without

    ordered = _ordered(value) if strict else value
    text = json.dumps(
        ordered, sort_keys=not strict, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode(errors="strict" if strict else "backslashreplace")


def finite(value: Any, instead: Callable[[float], Any]) -> Any:
    """The value, with a replacement for each number that JSON does not have: NaN and the infinite ones."""
    if isinstance(value, Mapping):
        return {name: finite(member, instead) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [finite(member, instead) for member in value]
    return instead(value) if isinstance(value, float) and not math.isfinite(value) else value


def _ordered(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError(f"{value} is too large for every reader of JSON")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a name of a member is no text")
        # RFC 8785 orders by UTF-16 code units, which is not the order of code points beyond U+FFFF.
        key = None if all(map(str.isascii, value)) else _units
        return {name: _ordered(value[name]) for name in sorted(value, key=key)}
    if isinstance(value, list | tuple):
        return [_ordered(member) for member in value]
    raise ValueError(f"{type(value).__name__} has no canonical spelling here")


def _units(name: str) -> bytes:
    return name.encode("utf-16-be")
