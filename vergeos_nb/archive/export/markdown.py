"""A record as Markdown that reads well in a ticket system: facts, calls, steps, and what proves it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.journal.journal import JournalText
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import timeline_text

# Characters that no Markdown reads as markup, and what of them it reads so all the same.
_PLAIN = re.compile(r"[\w ,;:.'\"()%?!…·–—/+=-]*")
_MARKUP = re.compile(r"://|www\.|__|\b_|_\b|^[-+=]|^\d+[.)] ", re.I)


def as_markdown(account: RunState, journal: JournalText, entry: LedgerEntry) -> str:
    """The record in Markdown, without HTML. Whatever its names hold, nothing in them is markup.

    Args:
        entry: the record's ledger line.
    """
    summary = summary_of(account)
    subject = str(entry.fields.get("vm") or "")
    title = f"{entry.fields.get('runbook')}" + (f" of {told(subject)}" if subject else "")
    lines = [
        f"# {summary.badge.sign} {title}: {summary.badge.word}",
        "",
        f"**{told(summary.system)}**",
        "",
        told(summary.headline),
    ]
    if summary.next_step:
        lines += ["", f"**What to do:** {told(summary.next_step)}"]
    lines += ["", *_table(("what", "value"), [(what, told(value)) for what, value in summary.lines])]
    steps = [(title, str(badge), told(text)) for title, badge, text in summary.steps]
    lines += ["", "## Step by step", "", *_table(("step", "ended", "what came out"), steps)]
    lines += ["", "## Over time", "", *_block(timeline_text(timeline_of(journal.lines)))]
    lines += [
        "",
        "## Proof",
        "",
        f"Record `{entry.record}`, sealed at {entry.sealed_at} as number {entry.place.count} of the ledger. "
        f"Its manifest has the SHA-256 `{entry.manifest}`.",
        "",
        *_block(f"vergeos-nb audit show {entry.record}"),
        "",
    ]
    return "\n".join(lines)


def told(text: str) -> str:
    """A text in a line or a cell: as it is where it is plain words, and as code otherwise."""
    shown = visible(text)
    if _PLAIN.fullmatch(shown) and not _MARKUP.search(shown):
        return shown
    # Longer than any run of backticks within; a table would be cut at a bar even within code.
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}".replace("|", "\\|")


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _block(text: str) -> list[str]:
    # Indented, it is code whatever it holds; a fence could be closed from within.
    return [f"    {line}" for line in text.split("\n")]
