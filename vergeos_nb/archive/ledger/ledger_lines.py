"""The lines of the ledger as data: seals of records, and decisions about a sealed record.

A line is canonical JSON, with its number and the hash of the line before. The decisions are:

``held``      a legal hold: the record is not removed until it is released
``released``  the hold is over
``removed``   a tombstone of a removed folder: which record, removed by whom, when and why
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta, Struct, field

from vergeos_nb.archive.ledger.canonical_struct import canonical_struct
from vergeos_nb.archive.ledger.strays import with_unix_ends

Size = Annotated[int, Meta(ge=0)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
# A record's folder below the archive's, ``DAY/RECORD``: it cannot lead out of it.
InnerPath = Annotated[str, Meta(pattern=r"\A(?!\.{1,2}/)[^/\0\\]+/(?!\.{1,2}\Z)[^/\0\\]+\Z")]


class Digest(Struct, frozen=True):
    """Size and SHA-256 of some bytes."""

    size: Size
    sha256: Sha256

    @classmethod
    def of(cls, content: bytes) -> Digest:
        """Of bytes in memory."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


class LedgerPlace(Struct, frozen=True):
    """A line's place in the ledger.

    Attributes:
        count: the line's number, from 1.
        previous: the SHA-256 of the line before with its line feed; zeros for the first.
        supersedes: the number of the line that sealed this record before, or None.
        head_was: the head file's content if it did not fit the ledger, or None.
    """

    count: Size
    previous: Sha256
    supersedes: Size | None = None
    head_was: str | None = None


class ChainedLine(Struct, frozen=True, kw_only=True):
    """What every line has."""

    count: Annotated[int, Meta(ge=1)]
    previous: Sha256
    head_was: str | None

    @property
    def place(self) -> LedgerPlace:
        """The line's place."""
        return LedgerPlace(self.count, self.previous, getattr(self, "supersedes", None), self.head_was)

    def line(self) -> bytes:
        """The line's bytes, with its line feed."""
        return canonical_struct(self, self._loose()) + b"\n"

    def _loose(self) -> list[Any]:
        return [self.count]

    @classmethod
    def read(cls, raw: bytes) -> Self | None:
        """The content of a line; None if it is damaged or of another kind."""
        try:
            return msgspec.json.decode(raw, type=cls)
        except (ValueError, RecursionError):
            return None


class LedgerEntry(ChainedLine, frozen=True, kw_only=True):
    """A line that seals a record."""

    supersedes: Size | None
    manifest: Sha256
    journal: Digest
    record: str
    path: InnerPath
    sealed_at: str
    fields: dict[str, Any]

    def _loose(self) -> list[Any]:
        return [self.count, self.supersedes, self.journal.size, *self.fields.values()]


class Event(StrEnum):
    """A decision about a record."""

    HELD = "held"
    RELEASED = "released"
    REMOVED = "removed"


class Mark(ChainedLine, frozen=True, kw_only=True):
    """A line that holds a decision.

    Attributes:
        record, path, manifest: of the record, from its newest line. In the file ``record`` is called ``of``,
            because a search for ``record`` must find seals only.
        seal: the number of that line.
        by: the user who did it.
        sealed_at: when, in UTC.
    """

    event: Event
    record: str = field(name="of")
    path: InnerPath
    manifest: Sha256
    seal: Size
    by: str
    reason: str
    sealed_at: str = field(name="at")

    def _loose(self) -> list[Any]:
        return [self.count, self.seal]


class _About(Struct):
    """The one field that says which record a line is about."""

    record: str = ""
    of: str = ""


def read_line(raw: bytes) -> LedgerEntry | None:
    """The content of a line that seals a record; None if it is damaged or of another kind."""
    return LedgerEntry.read(raw)


def read_mark(raw: bytes) -> Mark | None:
    """The decision that a line holds; None if it holds none, or is damaged."""
    mark = Mark.read(raw)
    return mark if mark is not None and mark.line() == with_unix_ends(raw) else None


def read_any(raw: bytes) -> LedgerEntry | Mark | None:
    """The content of a line of any kind; None if it is damaged."""
    return read_line(raw) or read_mark(raw)


def record_of(raw: bytes) -> str:
    """The id of the record that a line is about; "" if it cannot be read. Much faster than `read_any`."""
    try:
        about = msgspec.json.decode(raw, type=_About)
    except (ValueError, RecursionError):
        return ""
    return about.record or about.of


def hash_of(raw: bytes) -> str:
    """The hash of a line, with its line feed."""
    return hashlib.sha256(raw).hexdigest()
