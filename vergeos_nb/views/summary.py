"""The summary of a run: its result, its system, and where the record is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vergeos_nb.procedure.engine.runbook import RunEnd
from vergeos_nb.procedure.values.finding import of_result, of_run
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.badges import Badge, badge, badge_of, signed
from vergeos_nb.views.bundle import rendered
from vergeos_nb.views.cells import Grid, bars
from vergeos_nb.views.text import visible

# The rows that a summary shows of a table. The step shows all.
MOST_ROWS = 12
ANALYSIS = "All that was read is here as DataFrames."


class RunSummary(Struct, frozen=True):
    """The result of a run.

    Attributes:
        lines: (what, value) pairs in the order in which they are shown.
        results: how each step ended.
        exhibits: the result tables of a run that is not over one VM.
        over_vm: whether the run was over one VM, so that it has a verdict.
    """

    end: RunEnd
    system: str
    headline: str
    next_step: str
    lines: Sequence[tuple[str, str]]
    results: Sequence[StepResult]
    over_vm: bool = True
    exhibits: Sequence[Table] = ()

    @property
    def badge(self) -> Badge:
        """Outcome and verdict together, as they are shown."""
        verdict = self.end.verdict if self.over_vm else None
        return badge(of_run(self.end.outcome, verdict, [of_result(result) for result in self.results]))

    @property
    def steps(self) -> Sequence[tuple[str, Badge, str]]:
        """Title, badge and summary of each step that ended."""
        return [(result.title, badge_of(result), result.summary) for result in self.results]


def summary_view(summary: RunSummary, *, steps: bool = True) -> dict[str, str]:
    """The summary as one bundle: ``text/html`` and ``text/plain``.

    Args:
        steps: whether the HTML lists the steps, which a record shows below.
    """
    html = rendered(
        "summary",
        summary=summary,
        badge=summary.badge,
        exhibits=[_exhibit(table) for table in summary.exhibits],
        steps=summary.steps if steps else (),
    )
    return {"text/html": html, "text/plain": summary_text(summary)}


def _exhibit(table: Table) -> tuple[str, Grid, Sequence[float] | None, int]:
    """Caption, first rows, bars, and how many rows are left out."""
    first = replace(table, rows=table.rows[:MOST_ROWS])
    return table.schema.caption, signed(first), bars(first), len(table.rows) - len(first.rows)


def with_debriefing(bundle: Mapping[str, str], seen: str) -> dict[str, str]:
    """A summary's bundle with the lesson of a drill."""
    html = rendered("debriefing", seen=seen)
    return {
        "text/html": bundle["text/html"] + html,
        "text/plain": f"{bundle['text/plain']}\n\nThe drill, looked back at: {seen}",
    }


def with_first_analysis(bundle: Mapping[str, str], summary: RunSummary) -> dict[str, str]:
    """A summary's bundle with lines of Python to try, for a notebook with a kernel."""
    text = "\n".join(f"  {line}" for line in _first_analysis(summary))
    return {
        "text/html": bundle["text/html"] + first_analysis_html(summary),
        "text/plain": f"{bundle['text/plain']}\n\n{ANALYSIS} Try in a new cell:\n{text}",
    }


def first_analysis_html(summary: RunSummary) -> str:
    """The same lines alone, as HTML."""
    return rendered("analysis", said=ANALYSIS, lines=_first_analysis(summary))


def _first_analysis(summary: RunSummary) -> Sequence[str]:
    tables = [f"{result.step}.{table.schema.name}" for result in summary.results for table in result.tables]
    if summary.over_vm:
        return (
            'rb.frames["machine_status"][["read_at", "step", "status", "running", "last_update"]]',
            "rb.frames.plot()",
            "rb.frames",
        )
    return (*(f'rb.frames["{name}"].describe(include="all")' for name in tables[-1:]), "rb.frames")


def summary_text(summary: RunSummary) -> str:
    """The summary in plain text, which says the same."""
    width = max((len(what) for what, _ in summary.lines), default=0)
    lines = [
        f"{summary.badge}   [{visible(summary.system)}]",
        visible(summary.headline, keep="\n"),
    ]
    if summary.next_step:
        lines.append(f"What to do: {visible(summary.next_step, keep=chr(10))}")
    lines += [""] + [f"  {what.ljust(width)}  {visible(value)}" for what, value in summary.lines] + [""]
    for table in summary.exhibits:
        caption, first, _, left_out = _exhibit(table)
        more = [f"  … {left_out} more"] if left_out else []
        lines += [f"{caption}:", first.plain(), *more, ""]
    lines += [f"  {one.sign} {title}: {visible(text)}" for title, one, text in summary.steps]
    return "\n".join(lines)
