"""Events: ledger lines that seal nothing, but hold a decision about a sealed record.

``held``      a legal hold: the record is not removed until it is released
``released``  the hold is over
``removed`` a tombstone of a removed folder: which record, removed by whom, when and why

They are chained like every other line: a ledger with removals verifies, and a removal without one is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from vergeos_nb.archive.ledger.ledger import LedgerEntry, PlaceShape, read_line
from vergeos_nb.archive.ledger.manifest import LedgerPlace, Sha256, Size, inner_path
from vergeos_nb.archive.ledger.strays import with_unix_ends
from vergeos_nb.canonical import canonical


class Event(StrEnum):
    """The decision."""

    HELD = "held"
    RELEASED = "released"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of such a line.

    Attributes:
        record, path, manifest: of the record, from its newest line.
        seal: the number of that line.
        by: the user who did it.
        sealed_at: when, in UTC.
    """

    place: LedgerPlace
    event: Event
    record: str
    path: str
    manifest: str
    seal: int
    by: str
    reason: str
    sealed_at: str

    def line(self) -> bytes:
        """The ledger line, with its line feed."""
        return (
            canonical(
                {
                    "count": self.place.count,
                    "previous": self.place.previous,
                    "head_was": self.place.head_was,
                    "event": self.event.value,
                    # Not under the name that seals have: what counts as a record's line is found by that.
                    "of": self.record,
                    "path": self.path,
                    "manifest": self.manifest,
                    "seal": self.seal,
                    "by": self.by,
                    "reason": self.reason,
                    "at": self.sealed_at,
                }
            )
            + b"\n"
        )


class _MarkShape(PlaceShape):
    event: Event
    of: str
    path: str
    manifest: Sha256
    seal: Size
    by: str
    reason: str
    at: str


_MARK = msgspec.json.Decoder(_MarkShape)


def read_mark(raw: bytes) -> Mark | None:
    """The mark that a line is; None if it is none, or damaged."""
    try:
        told = _MARK.decode(raw)
        mark = Mark(
            told.place(),
            told.event,
            told.of,
            inner_path(told.path),
            told.manifest,
            told.seal,
            told.by,
            told.reason,
            told.at,
        )
        return mark if mark.line() == with_unix_ends(raw) else None
    except (ValueError, RecursionError):
        return None


def read_any(raw: bytes) -> LedgerEntry | Mark | None:
    """The content of a line of any kind; None if it is damaged."""
    return read_line(raw) or read_mark(raw)


@dataclass
class Standing:
    """The state after all lines of the ledger, unverified.

    Attributes:
        sealed: the newest line of each record that is still there, by its id.
        held: the hold of each record that is on hold.
        removed: the tombstone of each record that was removed.
    """

    sealed: dict[str, LedgerEntry] = field(default_factory=dict)
    held: dict[str, Mark] = field(default_factory=dict)
    removed: dict[str, Mark] = field(default_factory=dict)


def standing(lines: Iterable[bytes]) -> Standing:
    """Read the lines in order."""
    found = Standing()
    for raw in lines:
        said = read_any(raw)
        if isinstance(said, LedgerEntry):
            found.sealed[said.record] = said
        elif said is None:
            continue
        elif said.event is Event.HELD:
            found.held[said.record] = said
        elif said.event is Event.RELEASED:
            found.held.pop(said.record, None)
        else:
            found.removed[said.record] = said
            found.sealed.pop(said.record, None)
    return found
