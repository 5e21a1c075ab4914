"""The state of an archive's records after all lines of its ledger: sealed, on hold, removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark, read_any, record_of


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


def standing(lines: Iterable[bytes], only: Collection[str] | None = None) -> Standing:
    """Read the lines in order.

    Args:
        only: the records that matter, by their ids; lines of others are not held. None means all.
    """
    found = Standing()
    for raw in lines:
        if only is not None and record_of(raw) not in only:
            continue
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
