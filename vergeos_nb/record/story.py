"""The outputs of a record's step cells: a section for a step that acted, a line for one that only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import role_of
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.bundle import plain_view, rendered, static_view
from vergeos_nb.views.folded import folded
from vergeos_nb.views.text import visible

# Steps of these roles only read. Where nothing came up, their line says it all, and unfolds to the evidence.
READING = ("connect", "identify", "judge", "plan")


def story_of(account: RunState, steps: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """The bundle of each step that has something to show.

    Args:
        steps: the ids of the notebook's steps, in order.
    """
    results = {result.step: result for result in account.results}
    shown: dict[str, Mapping[str, str]] = {}
    skipped: list[StepResult] = []
    for number, step in enumerate(steps, start=1):
        result = results.get(step)
        if result is not None and result.outcome is StepOutcome.SKIPPED:
            skipped.append(result)
        elif result is not None:
            shown |= _skipped(skipped)
            skipped = []
            shown[step] = _section(account, number, result)
    return shown | _skipped(skipped)


def _section(account: RunState, number: int, result: StepResult) -> dict[str, str]:
    role = role_of(str(account.opened.get("runbook")), result.step)
    sent = any(call.changing for call in result.exchanges)
    if role in READING and result.outcome is StepOutcome.PASSED and not sent:
        return {"text/html": folded(number, result), "text/plain": plain_view(result)}
    return static_view(result)


def _skipped(results: Sequence[StepResult]) -> dict[str, Mapping[str, str]]:
    """One line for steps that were skipped one after the other, in the place of the first."""
    if not results:
        return {}
    titles, why = ", ".join(result.title for result in results), results[0].summary
    html = rendered("skipped", titles=titles, why=why)
    return {results[0].step: {"text/html": html, "text/plain": f"– {titles}: skipped. {visible(why)}"}}


def defaults_view(defaults: Mapping[str, Any]) -> dict[str, str]:
    """The parameters with their default values, folded."""
    html = rendered("defaults", defaults=_lines(defaults))
    lines = [f"{len(defaults)} parameters had their defaults:", *(f"  {line}" for line in _lines(defaults))]
    return {"text/html": html, "text/plain": "\n".join(lines)}


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{visible(name)} = {visible(repr(value))}" for name, value in values.items()]
