"""The engine: runs one step at a time, keeps its result, and writes its beginning and end into the journal.

The guards are here and in the steps, so the order in which a notebook's cells are run does not matter: a step
whose predecessors have not passed does not act, and a step that has changed something never acts again.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from vergeos_nb.clock import Clock
from vergeos_nb.errors import (
    Drift,
    NotOneVm,
    Refused,
    StillAlive,
    UsageError,
    VerdictUnknown,
    VergeNbError,
)
from vergeos_nb.machine import lacking
from vergeos_nb.masking import cut
from vergeos_nb.procedure.values.outcomes import Role, StepOutcome, StepState
from vergeos_nb.procedure.values.protocols import Calls, Journal, Platform
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import Scalar, Table
from vergeos_nb.words import did_you_mean

LONGEST_CELL = 4000
"""Letters of a text in a step's table. The journal has the answers themselves."""

C = TypeVar("C")
# Contravariant: a step for any case on a system can be used in a run over a VM.
C_contra = TypeVar("C_contra", contravariant=True)
# A call of the platform that a preview makes: it builds the request and sends nothing.
Ask = Callable[[Platform], object]
# The kind of card that shows a step: an ordinary one, or one that also chooses the system, finds the VM,
# compares the VM's record with its status row, or takes the approval.
Card = Literal["step", "connection", "vm", "comparison", "approval"]

_HOW_ENDED = {
    StepOutcome.NOTHING_TO_DO: "had nothing to do",
    StepOutcome.REFUSED: "was refused",
    StepOutcome.FAILED: "failed",
    StepOutcome.UNKNOWN: "did not find out what holds",
    StepOutcome.SKIPPED: "was skipped",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """The return value of a step's act. The engine adds times and calls to make it a ``StepResult``."""

    outcome: StepOutcome
    summary: str
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: VergeNbError | None = None


def ended_by(error: VergeNbError, *tables: Table, **facts: Any) -> Draft:
    """The end of a step by this error, with tables and facts."""
    return Draft(
        outcome=outcome_of(error),
        summary=f"{error.asked}: {error.came_back}",
        next_step=error.next_step,
        tables=tables,
        facts=facts,
        error=error,
    )


def outcome_of(error: VergeNbError) -> StepOutcome:
    """``refused`` for an error of our guards, ``failed`` for an error of the platform or the network."""
    if isinstance(error, Refused | NotOneVm | Drift | UsageError | StillAlive | VerdictUnknown):
        return StepOutcome.REFUSED
    return StepOutcome.FAILED


def no_requests(case: Any) -> Sequence[Ask]:
    """No request that could be shown before it is sent."""
    return ()


@dataclass(frozen=True, slots=True)
class Step(Generic[C_contra]):
    """One unit of a procedure.

    It acts if the step before it has passed, or if the facts of that step say that it ``opens`` this one.

    Attributes:
        role: its task in the run. Code outside the runbook's file asks for the role, not for the id.
        changing: whether it can send a changing call.
        verb: the words on its button, with ``{vm}`` for the VM's name; without one, the title.
        requests: the requests that it will send, as far as they are known before. Repeated reads while
            waiting, and requests that depend on an answer, are left out.
        latches: the changes that it sends at most once in a run, by the words in ``case.sent``.
        card: the kind of card that shows it.
        ticks: the sentences that a person ticks on its card, by a short name.
    """

    id: str
    title: str
    vendor_step: str
    why: str
    act: Callable[[C_contra], Draft]
    changing: bool = False
    role: Role = field(kw_only=True)
    verb: str = field(kw_only=True, default="")
    requests: Callable[[C_contra], Sequence[Ask]] = field(kw_only=True, default=no_requests)
    latches: tuple[str, ...] = field(kw_only=True, default=())
    card: Card = field(kw_only=True, default="step")
    ticks: Mapping[str, str] = field(kw_only=True, default_factory=dict)


class Engine(Generic[C]):
    """Runs the steps of one procedure over one case."""

    def __init__(
        self,
        steps: Sequence[Step[C]],
        case: C,
        *,
        system: Callable[[], str],
        sent_by: Callable[[], str],
        clock: Clock,
        journal: Journal,
        calls: Calls,
    ) -> None:
        self.steps = tuple(steps)
        self.results: dict[str, StepResult] = {}
        self._case = case
        self._system = system
        self._sent_by = sent_by
        self._clock = clock
        self._journal = journal
        self._calls = calls
        self._running: str | None = None
        # Two clicks can come from two threads.
        self._one_at_a_time = threading.Lock()

    @property
    def case(self) -> C:
        """The run's case."""
        return self._case

    def step(self, step_id: str) -> Step[C]:
        """The step with this id.

        Raises:
            UsageError: the procedure has no such step.
        """
        for step in self.steps:
            if step.id == step_id:
                return step
        hint = did_you_mean(step_id, [step.id for step in self.steps])
        raise UsageError(f"running the step {step_id!r}", "there is no such step", hint)

    def state(self, step_id: str) -> StepState:
        """Where a step is."""
        step = self.step(step_id)
        if step.id in self.results:
            return StepState.ENDED
        if step.id == self._running:
            return StepState.RUNNING
        before = self._before(step)
        return StepState.READY if before is None or before in self.results else StepState.WAITING

    def run(self, step_id: str, *, again: bool = False) -> StepResult:
        """Run a step, or return its result if it must not be run again.

        A step that has passed is not repeated, unless `again` is set. After a changing call was sent, no step
        up to the one that sent it acts again, not even with `again`. Only the plan can be made again, for the
        steps that follow. A step whose predecessor has not ended is refused, and stays open.

        Args:
            again: repeat the step even if it has passed. The results of later steps are dropped.

        Raises:
            UsageError: there is no such step, or another one is running.
            RecordError: the journal cannot be written. Then nothing is sent.
        """
        step = self.step(step_id)
        if not self._one_at_a_time.acquire(blocking=False):
            raise UsageError(
                f"running the step {step_id!r}", f"step {self._running!r} is running", "wait for it to end"
            )
        try:
            return self._run(step, again)
        finally:
            self._one_at_a_time.release()

    def is_final(self, step_id: str) -> bool:
        """Whether the step has ended and is never run again."""
        step = self.step(step_id)
        return step.id in self.results and self._frozen(step)

    def _run(self, step: Step[C], again: bool) -> StepResult:
        earlier = self.results.get(step.id)
        passed = earlier is not None and earlier.outcome is StepOutcome.PASSED and not again
        if earlier is not None and (passed or self._frozen(step)):
            return earlier
        before = self._before(step)
        if before is not None:
            if before not in self.results:
                return self._not_yet(step, before)
            if not opens(self.results[before]):
                return self._end(step, self._skipped(before), self._clock.now(), len(self._calls))
        for later in self.steps[self.steps.index(step) :]:
            if later is step or not self._before_the_send(later):
                self.results.pop(later.id, None)
        return self._act(step)

    def _act(self, step: Step[C]) -> StepResult:
        began, first_call = self._clock.now(), len(self._calls)
        self._journal.write("step-began", step=step.id, title=step.title)
        self._running = step.id
        try:
            draft = step.act(self._case)
        except VergeNbError as error:
            draft = ended_by(error)
        except Exception as error:
            if (lacks := lacking(error, step.title)) is not None:
                self._journal.write("interrupted", step=step.id, by=lacks.came_back)
                raise lacks from error
            self._journal.write(
                "bug", step=step.id, error=repr(error), traceback="".join(traceback.format_exception(error))
            )
            raise
        except BaseException as error:
            self._journal.write("interrupted", step=step.id, by=type(error).__name__)
            raise
        finally:
            self._running = None
        return self._end(step, draft, began, first_call)

    def _end(self, step: Step[C], draft: Draft, began: float, first_call: int) -> StepResult:
        result = self._result(step, draft, began, first_call)
        self._journal.write("step-ended", result=result.as_dict())
        self.results[step.id] = result
        return result

    def _result(self, step: Step[C], draft: Draft, began: float, first_call: int) -> StepResult:
        return StepResult(
            step=step.id,
            title=step.title,
            vendor_step=step.vendor_step,
            system=self._system(),
            outcome=draft.outcome,
            summary=draft.summary,
            next_step=draft.next_step,
            began_at=began,
            ended_at=self._clock.now(),
            tables=tuple(_with_short_cells(table) for table in draft.tables),
            facts=draft.facts,
            exchanges=tuple(self._calls.since(first_call)),
            error=draft.error.as_dict() if draft.error else None,
        )

    def _not_yet(self, step: Step[C], before: str) -> StepResult:
        title = self.step(before).title
        error = Refused(
            f"running the step {step.title!r}",
            f"{title!r} has not been run",
            f"run {title!r} first, then this again",
        )
        return self._result(step, ended_by(error), self._clock.now(), len(self._calls))

    def _skipped(self, before: str) -> Draft:
        """The draft of a step that may not act. It names the step that closed the way."""
        closed = self.results[before]
        while (earlier := self._before(self.step(closed.step))) and not opens(self.results[earlier]):
            closed = self.results[earlier]
        return Draft(StepOutcome.SKIPPED, f"Not done, because {closed.title!r} {_HOW_ENDED[closed.outcome]}.")

    def _before(self, step: Step[C]) -> str | None:
        index = self.steps.index(step)
        return self.steps[index - 1].id if index else None

    def _frozen(self, step: Step[C]) -> bool:
        """True for all steps up to the last one that sent a change, except the plan for what comes after."""
        if not self._before_the_send(step):
            return False
        sender = self.steps.index(self.step(self._sent_by()))
        return step.role != "plan" or not any(later.changing for later in self.steps[sender + 1 :])

    def _before_the_send(self, step: Step[C]) -> bool:
        """True for every step up to and including the last one that sent a change."""
        sender = self._sent_by()
        return bool(sender) and self.steps.index(step) <= self.steps.index(self.step(sender))


def _with_short_cells(table: Table) -> Table:
    """The table with long texts cut. Otherwise each reading would repeat an endless text of the platform."""

    def short(cell: Scalar) -> Scalar:
        return cut(cell, LONGEST_CELL) if isinstance(cell, str) and len(cell) > LONGEST_CELL else cell

    return table.schema.table(*(tuple(short(cell) for cell in row) for row in table.rows))


def opens(result: StepResult) -> bool:
    """Whether the step after the one with this result may act."""
    return result.outcome is StepOutcome.PASSED or bool(result.facts.get("opens"))


def first_of(steps: Sequence[Step[Any]], role: Role) -> Step[Any] | None:
    """The first step with this role, or None."""
    return next((step for step in steps if step.role == role), None)


def last_of(steps: Sequence[Step[Any]], role: Role) -> Step[Any] | None:
    """The last step with this role, or None."""
    return first_of(steps[::-1], role)
