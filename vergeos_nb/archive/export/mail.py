"""A sealed record as the text of an e-mail: the run, and the hashes that prove it."""

from __future__ import annotations

from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.journal.journal import JournalText
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.record.run_summary import summary_of, title_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.views.summary import summary_text
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import timeline_text


def as_text(account: RunState, journal: JournalText, entry: LedgerEntry) -> str:
    """The record in plain text.

    Args:
        entry: the record's ledger line.
    """
    return "\n".join(
        [
            visible(title_of(account)),
            "",
            summary_text(summary_of(account)),
            "",
            timeline_text(timeline_of(journal.lines)),
            "",
            f"Record {entry.record}, sealed at {entry.sealed_at}, number {entry.place.count} of the ledger.",
            f"SHA-256 of its manifest: {entry.manifest}",
            "",
        ]
    )
