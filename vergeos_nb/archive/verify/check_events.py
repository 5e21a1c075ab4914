"""Compare the ledger's events (hold, release, removal) with the lines of their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vergeos_nb.archive.folders.seen import Seen
from vergeos_nb.archive.ledger.chain import Chain, FlawKind, Found
from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark
from vergeos_nb.archive.ledger.line_file import LedgerLine


@dataclass
class Marks:
    """The events so far, by path.

    Attributes:
        held: the number of each hold.
        gone: the tombstone of each record that was removed.
    """

    held: dict[str, int] = field(default_factory=dict)
    gone: dict[str, Mark] = field(default_factory=dict)

    def follow(
        self, line: LedgerLine, mark: Mark, newest: Mapping[str, int], chain: Chain, found: Found
    ) -> bool:
        """Add an event. Returns whether it removes its record."""
        at = newest.get(mark.path)
        entry = chain.lines.entry(at) if at is not None else None
        told = (entry.count, entry.record, entry.manifest) if isinstance(entry, LedgerEntry) else None
        # If the record's line was edited or deleted, that was reported. The event itself is unchanged.
        if told != (mark.seal, mark.record, mark.manifest) and mark.seal not in chain.lost:
            detail = f"no record {mark.record} was sealed as number {mark.seal} and is still there"
            found.add(line.where, FlawKind.MARK_WRONG, detail)
            return False
        match mark.event:
            case Event.HELD:
                self.held[mark.path] = line.count
            case Event.RELEASED:
                self.held.pop(mark.path, None)
            case Event.REMOVED:
                if mark.path in self.held:
                    detail = f"{mark.record} was on hold since number {self.held[mark.path]}"
                    found.add(line.where, FlawKind.MARK_WRONG, detail)
                self.gone[mark.path] = mark
                return True
        return False

    def check_left(self, path: str, seen: Seen, found: Found) -> None:
        """Report a folder in the place of a record that was removed."""
        mark = self.gone[path]
        if seen.manifest.hex() == mark.manifest and not seen.wrong:
            found.notes.append(
                f"{path}: number {mark.place.count} removed it, and it is there; "
                "`vergeos-nb audit prune` finishes that"
            )
            return
        detail = f"number {mark.place.count} removed that record, and this folder is not that record"
        found.add(path, FlawKind.REPLAYED, detail)
