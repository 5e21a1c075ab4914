"""What a person does at the cards, through the run behind them: no widget is looked at here."""

from __future__ import annotations

from typing import Any

from tests.widgets.sitting import Sitting
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.procedure.approval.consent import Consent
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.values.step_result import StepResult


def case_of(at: Sitting) -> Case:
    """The run's case."""
    case = at.live.case
    assert isinstance(case, Case)
    return case


def plan_again(at: Sitting, **changed: Any) -> StepResult:
    """Make the plan anew, with other parameters."""
    return at.live.perform("plan", changed, again=True)


def approve(at: Sitting) -> StepResult:
    """Say yes to the plan that is shown."""
    case = case_of(at)
    name = case.known_vm().name
    ticks = frozenset(tick for step in at.live.steps for tick in step.ticks)
    return at.live.approve(Consent(case.plan_digest(), name, ticks, "ada", "ada", "it hangs"), {})


def go_on(at: Sitting, *steps: str) -> list[str]:
    """Run these steps, one after the other. Returns how each ended."""
    return [at.live.perform(step, {}).outcome.value for step in steps]


def ended(at: Sitting) -> RunState:
    """Close the run, and hold what it says against the truth."""
    at.live.end()
    account = run_state_of(read_journal(at.run.folder / "journal.jsonl"))
    at.run.hold_to_truth(account)
    return account
