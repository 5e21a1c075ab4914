"""An answer's bytes made into JSON within bounds: of length, encoding, depth and count of values.

No answer may cost more memory or time than a good one, or raise anything but `ValueError`, because the
answer to a changing request must be written down in any case.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

MOST_DEEP = 64
"""Lists and objects within each other. The platform's own answers have five."""

MOST_HELD = 48 << 20
"""Bytes of memory that the values of an answer may need. A page of 6,000 VMs needs about 10 MB."""

# What CPython needs about, in bytes: for a value, an object and a list. Numbers of a few bytes need the most
# by their length, and so do objects of one or two members.
_VALUE, _OBJECT, _LIST = 50, 190, 60
_SMALL = 64 * 1024
_WIDE, _WIDEST = re.compile(rb"[\xc4-\xef]"), re.compile(rb"[\xf0-\xf4]")

# A value for so many bytes, as rows have them at the very least, and this many in any case.
_BYTES_A_VALUE = 8
_FEW_VALUES = 20_000


class TooLongError(ValueError):
    """The content is longer than allowed."""


class Inflating:
    """The body of an answer, taken in piece by piece and decoded.

    Args:
        encoding: the header ``Content-Encoding``. ``gzip`` is what we ask for; anything else is refused.
        longest: how many bytes it may have, on the way and decoded.

    Raises:
        ValueError: the encoding is another one.
    """

    def __init__(self, encoding: str, longest: int) -> None:
        coding = encoding.strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise ValueError("it is encoded in a way that was not asked for")
        self._inflate = zlib.decompressobj(31) if "gzip" in coding else None
        self._longest = longest
        self._taken = 0
        self.content = bytearray()

    def take(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            TooLongError: it is longer than allowed; `content` holds the allowed part.
            ValueError: its encoding is not the declared one.
        """
        self._taken += len(piece)
        if self._taken > self._longest:
            self.content += piece[: self._longest - len(self.content)] if self._inflate is None else b""
            raise TooLongError
        if self._inflate is None:
            self.content += piece
            return
        while piece:
            self.content += self._inflated(piece, self._longest + 1 - len(self.content))
            if len(self.content) > self._longest:
                del self.content[self._longest :]
                raise TooLongError
            piece = self._inflate.unconsumed_tail or self._inflate.unused_data
            if self._inflate.eof and piece:
                self._inflate = zlib.decompressobj(31)

    def end(self) -> None:
        """End the body.

        Raises:
            ValueError: the content is incomplete.
        """
        if self._inflate is not None and self._taken and not self._inflate.eof:
            raise ValueError("its gzip encoding ends early")

    def _inflated(self, piece: bytes, most: int) -> bytes:
        assert self._inflate is not None
        try:
            return self._inflate.decompress(piece, most)
        except zlib.error:
            raise ValueError("it is not gzip, as it says") from None


def values_in(content: bytes | bytearray) -> int:
    """How many values this JSON holds at most, without decoding it."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def held(content: bytes | bytearray) -> int:
    """How many bytes of memory the values of this JSON need at most, about, without decoding it."""
    return _without_values(content) + _VALUE * content.count(b",") if len(content) > _SMALL else 0


def too_heavy(content: bytes | bytearray) -> int:
    """What `held` gives, if that is more than `MOST_HELD`; otherwise 0."""
    # A value has at least a letter, and a comma. Commas are many: they are counted only if they can decide.
    most = _VALUE * (len(content) // 2 + 1)
    if len(content) <= _SMALL or _without_values(content) + most <= MOST_HELD:
        return 0
    return size if (size := held(content)) > MOST_HELD else 0


def _without_values(content: bytes | bytearray) -> int:
    # One letter beyond U+FFFF makes each letter of its text four bytes wide. There are two texts: the whole,
    # and a value that may be all of it.
    width = 1 if content.isascii() else 4 if _WIDEST.search(content) else 2 if _WIDE.search(content) else 1
    return 2 * width * len(content) + _OBJECT * content.count(b"{") + _LIST * content.count(b"[")


def decoded(content: bytes | bytearray) -> Any:
    """The JSON in these bytes.

    Raises:
        ValueError: it is not JSON, is nested too deep, or has too many values.
    """
    if values_in(content) > max(_FEW_VALUES, len(content) // _BYTES_A_VALUE):
        raise ValueError("it holds more values than rows of this size do")
    try:
        data = json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    _check(data)
    return data


def _check(data: Any) -> None:
    """Check the depth level by level, because a recursion would fail on a deep value."""
    level: list[Any] = [[data]]
    depth = 0
    while level:
        if depth > MOST_DEEP:
            raise ValueError("it is nested too deep")
        members = (member for one in level for member in (one.values() if isinstance(one, dict) else one))
        below = [member for member in members if isinstance(member, dict | list)]
        level, depth = below, depth + 1


def first_rows(content: bytes | bytearray, count: int = 3) -> list[Any]:
    """The first rows of a list whose end may be missing; none if it is not a list of objects."""
    text = content[: 64 * 1024].decode("utf-8", "replace").lstrip()
    found: list[Any] = []
    if not text.startswith("["):
        return found
    decoder, at = json.JSONDecoder(), 1
    try:
        while len(found) < count:
            at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
            row, at = decoder.raw_decode(text, at)
            _check(row)
            if not isinstance(row, dict):
                break
            found.append(row)
    except (ValueError, RecursionError):
        pass
    return found
