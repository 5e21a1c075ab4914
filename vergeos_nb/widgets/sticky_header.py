"""The header of a live run: real or simulated, which VM, its verdict, its steps, and where its record is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vergeos_nb.procedure.engine.case import Case, SystemCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.finding import of_verdict
from vergeos_nb.procedure.values.outcomes import StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.badges import badge, badge_of
from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.card_head import STATES
from vergeos_nb.widgets.card_host import Desk

# The id of the closing card, beside those of the steps.
CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Mark:
    """One step in the header.

    Attributes:
        word: where it is, or how it ended.
    """

    id: str
    title: str
    sign: str
    word: str
    here: bool
    later: bool
    background: str = ""
    colour: str = ""


def header(run: Desk) -> str:
    """The header as HTML, escaped and without secrets."""
    case = run.case
    system = case if isinstance(case, SystemCase) else None
    info = system.info if system is not None else None
    vm = case.vm if isinstance(case, Case) else None
    approval = case.approval if isinstance(case, Case) else None
    told = [fact for step in run.steps if (fact := _verdict(run.result(step.id)))]
    folder = run.folder()
    return rendered(
        "header",
        kind="" if info is None else "simulated" if info.simulated else "real",
        where="" if info is None or system is None else f"{info.cloud_name}, {system.target.host}",
        unverified=system is not None and not system.target.verified,
        vm=vm,
        verdict=badge(of_verdict(told[-1])) if told else None,
        until=approval.until if approval is not None and not run.over() else None,
        record=folder.name if folder is not None else "",
        place=str(folder) if folder is not None else "",
        page=run.page(),
        marks=[*(_mark(run, step) for step in run.steps), _closing(run)],
    )


def announced(run: Desk) -> str:
    """The text for a screen reader when it is another card's turn: what ended, and what is next."""
    ended = [result for step in run.steps if (result := run.result(step.id)) is not None]
    last = max(ended, key=lambda result: result.ended_at, default=None)
    here = next((step.title for step in run.steps if step.id == run.here()), "")
    told = f"{last.title}: {badge_of(last).word}." if last is not None else ""
    following = f"Next: {here}." if here else "The run is closed." if run.over() else ""
    return run.masked(f"{told} {following}").strip()


def _mark(run: Desk, step: Step[Any]) -> Mark:
    result, state = run.result(step.id), run.state(step.id)
    is_here = run.here() == step.id
    if result is not None and state is not StepState.RUNNING:
        ended = badge_of(result)
        return Mark(
            step.id, step.title, ended.sign, ended.word, is_here, False, ended.background, ended.colour
        )
    sign, word = STATES[state]
    return Mark(step.id, step.title, sign, word, is_here, not is_here)


def _closing(run: Desk) -> Mark:
    if run.over():
        return Mark(CLOSE, "Close", "■", "closed", False, False)
    is_here = run.here() == CLOSE
    return Mark(CLOSE, "Close", "●" if is_here else "○", "open", is_here, not is_here)


def _verdict(result: StepResult | None) -> str:
    facts: Mapping[str, Any] = result.facts if result is not None else {}
    return str(facts.get("verdict") or "")
