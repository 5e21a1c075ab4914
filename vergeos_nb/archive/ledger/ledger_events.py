"""The state of an archive's records after all lines of its ledger: sealed, on hold, removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark, read_any


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
