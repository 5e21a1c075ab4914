"""The last look for secrets before a record is sealed: nothing that is sealed can be taken back.

The journal and the record were scrubbed when they were written. This is the second net: it knows the same
secrets in more spellings, and what tokens look like. It says where a hit is, never what was found.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vergeos_nb.settings import spellings

CERTAIN = 16
"""From this length on a secret cannot stand in a digest, an id or a time by chance."""
_ALIGNED = 8
"""Shorter pieces of Base64 would be found by chance."""

A_SECRET = "a secret of this run"
A_TOKEN = "something that looks like a token"

# What texts of our own hold in every line: SHA-256 in hex, and times.
_DIGEST = rb"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"
_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"

# Between a header's name and its value: JSON, JSON in JSON, a Python repr, HTML.
_GAP = rb"""(?:\\*["']|&quot;|&#34;|&#39;|\s|[:=,(\[])*"""
# A token holds a digit; the words of a sentence about tokens do not.
_VALUE = rb"(?=[a-z+/_.~-]*[0-9])[0-9a-z+/_.~-]"
# Each with a word that is looked for first, because that is quick.
_TOKENS = (
    (b"x-yottabyte-token", re.compile(rb"x-yottabyte-token" + _GAP + _VALUE + rb"{8,}")),
    (b"authorization", re.compile(rb"\bauthorization" + _GAP + rb"(?:[a-z]+\s+)?" + _VALUE + rb"{8,}")),
    (b"bearer", re.compile(rb"\bbearer\s+" + _VALUE + rb"{16,}")),
    (b"sys/tokens/", re.compile(rb"\bsys/tokens/[0-9a-f]{32,}")),
)
_BASIC = re.compile(rb"(?i)\bbasic\s+([0-9a-z+/]{8,}={0,2})")


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something was found that must not be sealed.

    Attributes:
        line: counted from 1; 0 is the file's name.
    """

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} is in {f'line {self.line} of ' if self.line else 'the name of '}{self.file}"


def scan(files: Mapping[str, bytes], secrets: Iterable[str], record: str) -> Iterator[Hit]:
    """Search a record's files.

    Args:
        files: content by name.
        secrets: the texts that the run's scrubber masks.
        record: the record's id, which may hold a short secret by chance.
    """
    needles = needles_of(secrets)
    known = re.compile(b"|".join([_DIGEST, _TIME, re.escape(record.encode())]))
    for number, (name, content) in enumerate(files.items(), start=1):
        if next(_found(name.encode("utf-8", "surrogatepass"), needles, known), None):
            # Repeating the name would tell the secret.
            yield Hit(f"file {number} of {len(files)}", 0, A_SECRET)
            continue
        places = [(at, A_SECRET) for at in _found(content, needles, known)]
        places += [(at, A_TOKEN) for at in _token_shaped(content)]
        for line, what in sorted({(content.count(b"\n", 0, at) + 1, what) for at, what in places}):
            yield Hit(name, line, what)


def needles_of(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """Every form to search for: each spelling spelled once more, as JSON in HTML is, and inside Base64."""
    forms: set[bytes] = set()
    for secret in secrets:
        for text in (secret, *spellings(secret)):
            plain = text.encode("utf-8", "surrogatepass")
            forms |= {plain, plain.rstrip(b"=") or plain, *_inside_base64(plain)}
    return tuple(sorted(forms - {b""}))


def _inside_base64(plain: bytes) -> Iterator[bytes]:
    """What of a text shows in the Base64 of a longer one, at each of the three places it can begin."""
    for before in range(3):
        bits = 8 * before
        first = -(-bits // 6)
        last = (bits + 8 * len(plain)) // 6
        piece = base64.b64encode(b"\0" * before + plain)[first:last]
        if len(piece) >= _ALIGNED:
            yield piece
            yield piece.translate(bytes.maketrans(b"+/", b"-_"))


def _found(content: bytes, needles: Iterable[bytes], known: re.Pattern[bytes]) -> Iterator[int]:
    """Where each needle stands first."""
    harmless: list[tuple[int, int]] | None = None
    for needle in needles:
        at = content.find(needle)
        if at >= 0 and len(needle) < CERTAIN:
            if harmless is None:
                harmless = [match.span() for match in known.finditer(content)]
            while at >= 0 and any(first <= at and at + len(needle) <= last for first, last in harmless):
                at = content.find(needle, at + 1)
        if at >= 0:
            yield at


def _token_shaped(content: bytes) -> Iterator[int]:
    lowered = content.lower()
    for word, pattern in _TOKENS:
        if word in lowered and (match := pattern.search(lowered)):
            yield match.start()
    if b"basic" not in lowered:
        return
    for match in _BASIC.finditer(content):
        if _is_pair(match[1]):
            yield match.start()
            return


def _is_pair(text: bytes) -> bool:
    """Whether this is the Base64 of ``name:password``, and not a word such as ``authentication``."""
    try:
        pair = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return ":" in pair and pair.isprintable()
