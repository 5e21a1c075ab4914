"""Where a live run stands: each step's state, whose turn it is, and why a step cannot be run. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vergeos_nb.errors import Refused
from vergeos_nb.notebook.end_of_run import page_of
from vergeos_nb.procedure.engine.case import Case, RunCase
from vergeos_nb.procedure.engine.engine import Step, last_of, opens
from vergeos_nb.procedure.values.outcomes import StepOutcome, StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import IDENTITY
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.session.journal_frames import frames_of
from vergeos_nb.session.run import Run
from vergeos_nb.settings import ServedFile
from vergeos_nb.views.analysis.run_frames import RunFrames
from vergeos_nb.widgets.sticky_header import CLOSE

OVER = "This run is closed. Run the cell that opens it again to begin a new one."


class LiveState:
    """A live run as it is read. Its methods are those of `widgets.card_host.Desk`.

    Attributes:
        run: None until it is open.
    """

    def __init__(self, steps: Sequence[Step[Any]]) -> None:
        self.steps = steps
        self.run: Run | None = None
        self._over = False
        self._replanning = False
        self._reopened = ""
        self._ticked: frozenset[str] = frozenset()
        self._compared: Sequence[Table] = ()
        self._clean: dict[str, tuple[StepResult, StepResult]] = {}

    def running(self) -> str:
        """The id of the step that runs, or ""."""
        return ""

    @property
    def is_over(self) -> bool:
        """Whether the run was closed."""
        return self._over

    @property
    def case(self) -> RunCase | None:
        return self.run.case if self.run is not None else None

    @property
    def host(self) -> str:
        return self.run.host if self.run is not None else ""

    def folder(self) -> Path | None:
        """The folder of the record, once the run is open."""
        return self.run.folder if self.run is not None else None

    def page(self) -> ServedFile | None:
        """The record's page as a link finds it, as soon as the record is made."""
        return page_of(self.run.folder) if self.run is not None and self._over else None

    @property
    def frames(self) -> RunFrames:
        """All that the run has read, as DataFrames; empty ones before it is connected."""
        return self.run.frames if self.run is not None else frames_of(None)

    def state(self, step: str) -> StepState:
        state = self.run.engine.state(step) if self.run is not None else StepState.READY
        if state is StepState.READY and step != self.here():
            return StepState.WAITING
        return state

    def result(self, step: str) -> StepResult | None:
        raw = self.run.engine.results.get(step) if self.run is not None else None
        if raw is None or self.run is None:
            return None
        kept = self._clean.get(step)
        if kept is None or kept[0] is not raw:
            self._clean[step] = kept = (raw, self.run.clean(raw))
        return kept[1]

    def masked(self, text: str) -> str:
        return self.run.masked(text) if self.run is not None else text

    def over(self) -> str:
        return OVER if self._over else ""

    def busy(self) -> bool:
        return bool(self.running())

    def settled(self, step: str) -> bool:
        result = self.result(step)
        if result is None or self.run is None:
            return False
        return opens(result) or self.run.engine.is_final(step)

    def done(self, step: str) -> bool:
        declared, case, result = self._step(step), self.case, self.result(step)
        if not self.settled(step) or step == self._reopened:
            return False
        if declared.role == "identify" and declared.ticks:
            return set(declared.ticks) <= self._ticked
        # A plan without requests needs no approval.
        planned = declared.role == "plan" and result is not None and result.outcome is StepOutcome.PASSED
        return not (planned and isinstance(case, Case) and case.plan is not None and case.approval is None)

    def here(self) -> str:
        if self._over:
            return ""
        return self.running() or next((step.id for step in self.steps if not self.done(step.id)), CLOSE)

    def blocked(self, step: str) -> str:
        ids = [one.id for one in self.steps]
        compares = last_of(self.steps, "identify")
        if compares and ids.index(step) > ids.index(compares.id) and not self._has_ticked():
            return f"First compare and tick the four lines of the card {compares.title!r}."
        changing = self._step(step).changing
        case = self.case
        if changing and isinstance(case, Case) and case.plan is not None and case.approval is None:
            plans = last_of(self.steps, "plan")
            planned = self.result(plans.id) if plans else None
            if planned is not None and planned.outcome is StepOutcome.PASSED:
                return "First approve the plan on its card."
        return ""

    def may_plan_again(self) -> bool:
        plans, case = last_of(self.steps, "plan"), self.case
        if plans is None or self.run is None or self._over:
            return False
        made = isinstance(case, Case) and case.plan is not None
        return made and not self.run.engine.is_final(plans.id)

    def may_reopen(self, step: str) -> bool:
        sent = self.case is None or bool(self.case.sent_by)
        return not sent and not self._over and not self.busy() and self.result(step) is not None

    def reopen(self, step: str) -> None:
        if step and not self.may_reopen(step):
            hint = "close the run, and begin a new one"
            raise Refused(f"opening the step {step!r} again", "this run has sent something", hint)
        self._reopened = step

    def reopened(self) -> str:
        return self._reopened

    def replanning(self) -> bool:
        return self._replanning

    def needs_another_plan(self, step: str) -> bool:
        plans = last_of(self.steps, "plan")
        planned = self.result(plans.id) if plans is not None else None
        if planned is None or not planned.facts.get("plan"):
            return False
        latches = set(self._step(step).latches)
        closed = bool(planned.facts.get("needs")) and latches & set(planned.facts.get("stays_closed") or ())
        return bool(closed or latches - {one["rung"] for one in planned.facts["plan"]["requests"]})

    def ticked(self) -> frozenset[str]:
        return self._ticked

    def _opened(self) -> Run:
        if self.run is None:
            raise Refused("asking the run", "it is not open", f"run {self.steps[0].title!r} first")
        return self.run

    def _has_ticked(self) -> bool:
        return {tick for step in self.steps if step.role == "identify" for tick in step.ticks} <= self._ticked

    def _needed(self) -> list[str]:
        return [tick for step in self.steps for tick in step.ticks]

    def _step(self, step: str) -> Step[Any]:
        return next(one for one in self.steps if one.id == step)

    def _compare(self, result: StepResult) -> None:
        """Drop ticks that were set for another comparison."""
        compared = [table for table in result.tables if table.schema is IDENTITY]
        if compared != self._compared:
            self._compared, self._ticked = compared, frozenset()

    def _nothing_compared(self) -> None:
        self._compared, self._ticked = (), frozenset()
