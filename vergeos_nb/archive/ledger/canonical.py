"""JSON in the one spelling of RFC 8785, so that equal content has equal bytes and one hash.

Only the types of a manifest are accepted: objects, lists, text, whole numbers, true, false and null.
Fractions are not: their rules in RFC 8785 are long, and no manifest needs them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps (RFC 7493, I-JSON)."""


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value, in UTF-8 and without a line feed.

    Raises:
        ValueError: it holds a fraction, a number beyond `LARGEST`, half of a surrogate pair, a name that is
            not text, or a type that JSON does not know.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


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
