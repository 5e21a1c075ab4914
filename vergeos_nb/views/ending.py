"""The end of a live run: who did what and why, the verdict, where the record is, and text for the ticket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from vergeos_nb.procedure.values.finding import of_verdict
from vergeos_nb.settings import ServedFile
from vergeos_nb.views.badges import badge
from vergeos_nb.views.bundle import rendered
from vergeos_nb.views.summary import RunSummary, summary_view

# Facts that are not needed at the end of a run, or that have a button there. The summary has all facts.
_LEFT_OUT = ("began", "ended", "rests on", "to undo it", "plan digest", "exit code")


def ending_html(summary: RunSummary, folder: Path, page: ServedFile | None, ticket: str, lesson: str) -> str:
    """The end of a run as HTML for its card.

    Args:
        page: the record's page for a link; None if this server does not serve it.
        ticket: Markdown.
        lesson: the lesson of a drill, or "".
    """
    return rendered(
        "ended",
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


def _facts(summary: RunSummary) -> Sequence[tuple[str, str]]:
    return [("system", summary.system), *(fact for fact in summary.lines if fact[0] not in _LEFT_OUT)]
