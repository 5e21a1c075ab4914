"""The canonical JSON of manifests and ledger lines. Verifying encodes each of them again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from vergeos_nb.canonical import LARGEST, canonical

# A letter beyond U+FFFF changes the order of names.
_FAR = re.compile(rb"[\xf0-\xf4]")
_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_struct(value: msgspec.Struct, loose: Iterable[Any]) -> bytes:
    """The canonical JSON of a struct. Much faster than `canonical` if it holds only common values.

    Args:
        loose: its whole numbers, and the values in it whose type is not declared.

    Raises:
        ValueError: as `canonical` does.
    """
    if all(map(_is_common, loose)):
        content = _ENCODER.encode(value)
        if content.isascii() or not _FAR.search(content):
            return content
    return canonical(msgspec.to_builtins(value))


def _is_common(value: Any) -> bool:
    kind = type(value)
    return kind is str or value is None or kind is bool or (kind is int and -LARGEST <= value <= LARGEST)
