"""A whole run in five seconds: what came out, on which system, and where the proof is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vergeos_nb.procedure.model import RunOutcome, StepOutcome, VerdictValue
from vergeos_nb.views.bundle import LOOKS, environment
from vergeos_nb.views.text import visible

_AS_STEP: Mapping[RunOutcome, StepOutcome] = {
    RunOutcome.PLANNED: StepOutcome.PASSED,
    RunOutcome.DONE: StepOutcome.PASSED,
    RunOutcome.NOTHING_TO_DO: StepOutcome.NOTHING_TO_DO,
    RunOutcome.REFUSED: StepOutcome.REFUSED,
    RunOutcome.FAILED: StepOutcome.FAILED,
    RunOutcome.UNKNOWN: StepOutcome.UNKNOWN,
    RunOutcome.INTERRUPTED: StepOutcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to.

    Attributes:
        lines: (what, value) pairs in the order in which they are shown.
        steps: (title, outcome, summary) of each step that ended.
        over_vm: whether it was over one VM, so that the verdict is one on it.
    """

    outcome: RunOutcome
    verdict: VerdictValue
    system: str
    headline: str
    next_step: str
    lines: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, StepOutcome, str]]
    over_vm: bool = True

    @property
    def sign(self) -> str:
        """The outcome as one sign."""
        return LOOKS[_AS_STEP[self.outcome]][0]

    @property
    def ended(self) -> str:
        """The outcome, and the verdict where there can be one, in words."""
        return f"{self.outcome} · verdict {self.verdict}" if self.over_vm else str(self.outcome)


def summary_view(summary: RunSummary) -> dict[str, str]:
    """The summary as one bundle: ``text/html`` and ``text/plain``."""
    _, background, colour = LOOKS[_AS_STEP[summary.outcome]]
    html = (
        environment()
        .get_template("summary.html.j2")
        .render(
            summary=summary,
            background=background,
            colour=colour,
            signs={outcome: look[0] for outcome, look in LOOKS.items()},
        )
    )
    return {"text/html": html, "text/plain": _plain(summary)}


def _plain(summary: RunSummary) -> str:
    width = max((len(what) for what, _ in summary.lines), default=0)
    lines = [
        f"{summary.sign} {summary.ended}   [{visible(summary.system)}]",
        visible(summary.headline, keep="\n"),
    ]
    if summary.next_step:
        lines.append(f"What to do: {visible(summary.next_step, keep=chr(10))}")
    lines += [""] + [f"  {what.ljust(width)}  {visible(value)}" for what, value in summary.lines] + [""]
    lines += [f"  {LOOKS[outcome][0]} {title}: {visible(text)}" for title, outcome, text in summary.steps]
    return "\n".join(lines)
