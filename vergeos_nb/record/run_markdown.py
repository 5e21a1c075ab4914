"""A run as Markdown that reads well in a ticket system: headline, facts, steps, and all of it over time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.journal.run_state import RunState
from vergeos_nb.record.run_summary import summary_of, title_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import timeline_text

# Characters that no Markdown reads as markup, and what of them it reads so all the same.
_PLAIN = re.compile(r"[\w ,;:.'\"()%?!…·–—/+=-]*")
_MARKUP = re.compile(r"://|www\.|__|\b_|_\b|^[-+=]|^\d+[.)] ", re.I)


def run_markdown(account: RunState, lines: Sequence[Mapping[str, Any]]) -> str:
    """The run in Markdown, without HTML. No name in it can act as markup.

    Args:
        lines: the lines of its journal.
    """
    summary = summary_of(account)
    shown = [
        f"# {summary.badge.sign} {told(title_of(account))}: {summary.badge.word}",
        "",
        f"**{told(summary.system)}**",
        "",
        told(summary.headline),
    ]
    if summary.next_step:
        shown += ["", f"**What to do:** {told(summary.next_step)}"]
    shown += ["", *_table(("what", "value"), [(what, told(value)) for what, value in summary.lines])]
    steps = [(title, str(badge), told(text)) for title, badge, text in summary.steps]
    shown += ["", "## Step by step", "", *_table(("step", "ended", "what came out"), steps)]
    shown += ["", "## Over time", "", *block(timeline_text(timeline_of(lines)))]
    return "\n".join(shown)


def told(text: str) -> str:
    """A text in a line or a cell: as it is where it is plain words, and as code otherwise."""
    shown = visible(text)
    if _PLAIN.fullmatch(shown) and not _MARKUP.search(shown):
        return shown
    # Longer than any run of backticks within; a table would be cut at a bar even within code.
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}".replace("|", "\\|")


def block(text: str) -> list[str]:
    """Lines of text as they are. Indented, they are code; a fence could be closed from within."""
    return [f"    {line}" for line in text.split("\n")]


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
