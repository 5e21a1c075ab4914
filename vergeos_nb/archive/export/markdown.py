"""A sealed record as Markdown: the run, and the hashes that prove it."""

from __future__ import annotations

from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.journal.journal import JournalText
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.record.run_markdown import block, run_markdown


def as_markdown(account: RunState, journal: JournalText, entry: LedgerEntry) -> str:
    """The record in Markdown, without HTML.

    Args:
        entry: the record's ledger line.
    """
    lines = [
        run_markdown(account, journal.lines),
        "",
        "## Proof",
        "",
        f"Record `{entry.record}`, sealed at {entry.sealed_at} as number {entry.place.count} of the ledger. "
        f"Its manifest has the SHA-256 `{entry.manifest}`.",
        "",
        *block(f"vergeos-nb audit show {entry.record}"),
        "",
    ]
    return "\n".join(lines)
