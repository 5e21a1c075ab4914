"""The end of a live run: who did what and why, the verdict, where the record is, and text for the ticket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from vergeos_nb.procedure.values.finding import of_verdict
from vergeos_nb.settings import ServedFile
from vergeos_nb.views.badges import badge
from vergeos_nb.views.bundle import environment
from vergeos_nb.views.summary import RunSummary, summary_view

# What a person looks for first, in this order, and the lines of the summary that say it.
_WHO = ("operator", "approved by")
_WHY = ("reason", "ticket")


def ending_html(summary: RunSummary, folder: Path, page: ServedFile | None, ticket: str, lesson: str) -> str:
    """The end of a run as HTML for its card.

    Args:
        page: the record's page as a link finds it; None if no page of this server is known to.
        ticket: Markdown.
        lesson: what a drill wants to teach, or "".
    """
    return (
        environment()
        .get_template("ended.html.j2")
        .render(
            summary=summary,
            verdict=badge(of_verdict(summary.end.verdict)) if summary.over_vm else None,
            facts=_facts(summary),
            page=page,
            name=folder.name,
            place=str(folder),
            ticket=ticket,
            seen_by_a_good_engineer=lesson,
            whole=Markup(summary_view(summary)["text/html"]),
        )
    )


def _facts(summary: RunSummary) -> Sequence[tuple[str, Sequence[str]]]:
    lines = dict(summary.lines)
    operator, approver = (lines.get(name, "") for name in _WHO)
    who = f"{operator}, approved by {approver}" if approver and approver != operator else operator
    sent = [value for name, value in summary.lines if name.startswith("changing call")]
    why = " · ".join(filter(None, (lines.get(name, "") for name in _WHY)))
    return [
        ("Who", [who]),
        ("What", [lines.get("VM", "")]),
        ("Sent", sent),
        ("Where", [summary.system]),
        ("Why", [why]),
    ]
