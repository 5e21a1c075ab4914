"""The look of a finding: sign, words and a pair of colours. No other module knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vergeos_nb.procedure.values.finding import Finding, Kind, of_result, of_run_words, of_step, of_verdict
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.cells import Grid, grid
from vergeos_nb.views.text import visible

# Kind → (sign, background, text). Sign and word carry the meaning; the colour only repeats it.
LOOKS: Mapping[Kind, tuple[str, str, str]] = {
    Kind.OFF: ("✔", "#1b5e20", "#ffffff"),
    Kind.PASSED: ("✔", "#1b5e20", "#ffffff"),
    Kind.ALIVE: ("♥", "#0b3d91", "#ffffff"),
    Kind.UNKNOWN: ("?", "#6a1b7a", "#ffffff"),
    Kind.LOOK: ("△", "#ffb300", "#1a1a1a"),
    Kind.SENT: ("→", "#454f5b", "#ffffff"),
    Kind.NEUTRAL: ("–", "#454f5b", "#ffffff"),
    Kind.REFUSED: ("⊘", "#8a2c00", "#ffffff"),
    Kind.FAILED: ("✘", "#9b1c1c", "#ffffff"),
}


class Badge(Struct, frozen=True):
    """How a finding is shown."""

    sign: str
    word: str
    background: str
    colour: str

    def __str__(self) -> str:
        return f"{self.sign} {self.word}"


def badge(finding: Finding) -> Badge:
    """The badge of a finding."""
    sign, background, colour = LOOKS[finding.kind]
    return Badge(sign, finding.word, background, colour)


def badge_of(result: StepResult) -> Badge:
    """The badge of a step that ended."""
    return badge(of_result(result))


def badge_of_line(result: Mapping[str, Any]) -> Badge:
    """The badge of a step that ended, from the result in its journal line."""
    return badge(
        of_step(
            str(result["step"]),
            StepOutcome(result["outcome"]),
            result.get("facts") or {},
            str(result.get("next_step") or ""),
        )
    )


def signed(table: Table) -> Grid:
    """A table as texts, with a sign before each verdict, and before each outcome that stands beside one."""
    shown = grid(table)
    names = [name for name, _ in table.schema.columns]
    if "verdict" not in names:
        return shown
    verdict, outcome = names.index("verdict"), names.index("outcome") if "outcome" in names else None
    rows = []
    for row, values in zip(shown.rows, table.rows, strict=True):
        cells = list(row)
        cells[verdict] = signed_verdict(values[verdict])
        if outcome is not None:
            cells[outcome] = signed_outcome(values[outcome], values[verdict])
        rows.append(cells)
    return Grid(shown.columns, rows)


def signed_verdict(verdict: object) -> str:
    """A verdict in a cell of a table, with its sign; nothing for none."""
    return _signed(of_verdict(verdict), verdict)


def signed_outcome(outcome: object, verdict: object) -> str:
    """A run's outcome in a cell, with the sign of its finding; "" without an outcome."""
    return _signed(of_run_words(outcome, verdict), outcome)


def _signed(finding: Finding, word: object) -> str:
    return f"{LOOKS[finding.kind][0]} {visible(str(word))}" if word else ""
