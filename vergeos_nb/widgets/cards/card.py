"""The card of a step: previews its requests, sends them, waits with a Cancel button, shows the result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

import ipywidgets as w

from vergeos_nb.procedure.engine.case import Case, SystemCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepOutcome, StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.analysis.frames import frames
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.folded import folded, line, static
from vergeos_nb.widgets.card_head import STATES, Said, head, said_of_result, unfolded
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.two_places import TwoPlaces
from vergeos_nb.widgets.cards.waiting import Waiting
from vergeos_nb.widgets.cards.ways_out import Way, WaysOut, lit_of, offered_on, where_of
from vergeos_nb.widgets.forms import ParameterForm
from vergeos_nb.widgets.guarded_button import PressButton
from vergeos_nb.widgets.job import CardJob
from vergeos_nb.widgets.message import Message, said_of
from vergeos_nb.widgets.parts import button, column, row, says
from vergeos_nb.widgets.request_previews import calls_of
from vergeos_nb.widgets.teaching import NOT_TAUGHT, teaching

T = TypeVar("T")


class StepCard:
    """One step of a live run.

    Before its turn it is a line. At its turn it is open. When nothing is left to do it is a line again, which
    unfolds to the whole evidence. All of this derives from the run, so every page shows the same.

    Args:
        names: the parameters that are asked for here.
    """

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ()) -> None:
        self.desk = desk
        self.step = step
        self.number = [one.id for one in desk.steps].index(step.id) + 1
        self.form = ParameterForm(desk.runbook, names, desk.given)
        self.job: CardJob[StepResult] | None = None
        self.job_aside: CardJob[Any] | None = None
        self.places = TwoPlaces(step.id, self._static, self._static_of)
        self.waiting = Waiting(self._now, desk.picture, desk.masked)
        self._busy = threading.Lock()
        self._looking = threading.RLock()
        self._running = False
        self._beside = ""
        self._said = Message()
        self._evidence_of: object = None
        self._fold_of: object = None
        self.head, self.message = w.HTML(), w.HTML()
        self.evidence, self.fold = w.HTML(), w.HTML()
        self.go = PressButton(self.verb()) if step.changing else button(self.verb(), strong=True)
        self.cancel = button("Cancel", disabled=True)
        self.ways = WaysOut(
            plan=self.guarded(lambda: self.start(self.desk.plan_again)),
            anew=self.guarded(lambda: self.start(self._begin_again)),
        )
        self.go.on_click(self.guarded(lambda: self.start(self.work)))
        self.cancel.on_click(self.guarded(self._cancel))
        self.buttons = row(self.go, self.cancel, self.ways.replan, self.ways.anew, self.ways.leave)
        self.body = column(self.head, *self.inputs(), self.buttons)
        self.rest = column(self.waiting.panel, *self.below(), self.evidence)
        self.panel = column(self.fold, self.body, self.message, self.rest)
        for name in ("card", f"step-{step.id}"):
            self.panel.add_class(f"vnb-{name}")
        self.message.add_class("vnb-message")
        for field in self.form.fields.values():
            field.observe(lambda change: self.changed(), "value")
        self.refresh()

    # Methods that other kinds of cards override.

    def verb(self) -> str:
        """The text of the button."""
        case = self.desk.case
        known = isinstance(case, Case) and case.vm is not None
        vm = case.vm.name if known and isinstance(case, Case) and case.vm else "the VM"
        return (self.step.verb or self.step.title).format(vm=vm)

    def inputs(self) -> Sequence[w.Widget]:
        """The fields above the button."""
        return [self.form.box] if self.form.fields else []

    def below(self) -> Sequence[w.Widget]:
        """The widgets below the result."""
        return []

    def work(self) -> StepResult:
        """Run the step. Called in a thread of its own when the button is pressed."""
        return self.desk.perform(self.step.id, self.form.values(), again=self.result is not None)

    def is_done(self) -> bool:
        """Whether nothing is left to do on this card after its step has ended."""
        return self.desk.done(self.step.id)

    def is_open(self) -> bool:
        """Whether it is this card's turn. Only one card is open."""
        return self._running or self.desk.here() == self.step.id

    def asks(self) -> bool:
        """Whether the card now has a more important button than the one that runs its step."""
        return False

    def said(self, result: StepResult) -> Said:
        """The texts of the open card about the step's result."""
        said = said_of_result(result)
        stands = self.step.role in ("plan", "act", "confirm") and not self._passed()
        return replace(said, where=where_of(self.desk.case)) if stands else said

    def ended(self, result: StepResult) -> None:
        """Called when the step has just ended, before that is shown."""

    def asked(self) -> object:
        """What a person has entered on this card. A message about a click ends when this changes."""
        return self.form.values()

    def look(self) -> None:
        """Show the present state of the step. Called by `refresh`, one thread at a time."""
        state, result = self._state(), self.result
        blocked = self.desk.over() or self.desk.blocked(self.step.id)
        done = result is not None and self.is_done()
        open_now = state in (StepState.READY, StepState.ENDED) and not done
        self._show_fold(state, result)
        self.head.value = self._head(state)
        self.go.disabled = self._running or bool(blocked) or not open_now
        self.cancel.disabled = not self._running
        self.cancel.layout.display = "" if self._running else "none"
        # The fields of a step that has passed are hidden.
        self.form.box.layout.display = "none" if self._passed() and not self._running else ""
        self._show_ways(result if open_now and not self._running else None, open_now, bool(blocked))
        self.message.value = self._message(blocked if open_now else "")
        if not self._running:
            self.waiting.end()
        self._show_evidence(None if self._running else result)

    def fill(self, given: Mapping[str, Any]) -> None:
        """Show the values of those parameters that this card asks for."""
        self.form.fill(given)

    def lock(self, locked: bool) -> None:
        """Lock the fields while the step runs with their values."""
        self.form.lock(locked)

    # What all cards do.

    @property
    def result(self) -> StepResult | None:
        """The step's result, if it has ended."""
        return self.desk.result(self.step.id)

    @property
    def frames(self) -> dict[str, Any]:
        """The step's tables by name, and its API calls under ``calls``, as DataFrames."""
        return {} if self.result is None else frames(self.result)

    @property
    def running(self) -> bool:
        """Whether the step runs by this card."""
        return self._running

    def start(self, work: Callable[[], StepResult]) -> None:
        """Do this in a thread of its own, unless this card is busy. The card shows it before it begins."""
        if not self._busy.acquire(blocking=False):
            return  # the second click of a double click
        try:
            self._running = True
            self._said.drop()
            self.waiting.begin()
            self.lock(True)
            self.refresh()
            self.job = CardJob(work, self._over, on_tick=self.waiting.tick, on_trouble=self.troubled).start()
        except BaseException:
            self._running = False
            self._busy.release()
            self.lock(False)
            raise

    def aside(self, saying: str, work: Callable[[], T], show: Callable[[T], None]) -> None:
        """Do other work than the step in a thread of its own, one piece at a time.

        Args:
            saying: the card's message while the work is done.
            show: called with its result.
        """
        if self._beside:
            return
        self._beside = saying
        self._said.drop()
        self.refresh()

        def over(result: T | None, failure: BaseException | None) -> None:
            try:
                if failure is not None:
                    self.tell(said_of(failure))
                else:
                    show(cast("T", result))
            finally:
                self._beside = ""
                self.refresh()

        self.job_aside = CardJob(work, over, on_trouble=self.troubled).start()

    @property
    def is_aside(self) -> bool:
        """Whether other work than the step is being done."""
        return bool(self._beside)

    def tell(self, html: str) -> None:
        """Show this message until the situation that it is about changes."""
        self._said.say(self.desk.masked(html), self._situation())
        self.changed()

    def heard(self, line: Mapping[str, Any]) -> None:
        """Take a new line of the run's journal while the step runs."""
        self.waiting.heard(line)

    def refresh(self) -> None:
        """Show the present state of the step. Can be called from any thread."""
        with self._looking:
            self.look()

    def changed(self) -> None:
        """Show a change in the run. If this fails, other cards are not affected."""
        try:
            self.refresh()
            self.settle()
        except Exception as error:
            self.troubled(error)

    def settle(self) -> None:
        """Update what a saved notebook keeps, if the state of the step has changed."""
        self.places.settle()

    def guarded(self, act: Callable[[], object]) -> Callable[[Any], None]:
        """A callback whose failure is shown on the card, because nobody would see it elsewhere."""

        def called(_: Any) -> None:
            try:
                act()
            except Exception as error:
                self.tell(said_of(error))

        return called

    def _ipython_display_(self) -> None:
        self.places.show(self.panel)

    def _static_of(self) -> tuple[object, ...]:
        """What the static view depends on."""
        result = None if self._running else self.result
        return (result, self._state() if result is None else None)

    def _static(self) -> Mapping[str, Any]:
        """What a saved notebook keeps of this card: the step's static view, or where the step is."""
        result = None if self._running else self.result
        if result is not None:
            return static(folded(self.number, result), static_view(result)["text/plain"])
        sign, word = STATES[self._state()]
        text = f"{self.number}. {self.step.title}: {sign} {word}. Run this notebook in JupyterLab to use it."
        return static(line(self.number, self.step.title, sign, word), text)

    def _passed(self) -> bool:
        result = self.result
        return result is not None and result.outcome is StepOutcome.PASSED

    def _state(self) -> StepState:
        return StepState.RUNNING if self._running else self.desk.state(self.step.id)

    def _head(self, state: StepState) -> str:
        if not self.is_open():
            return ""
        case, result = self.desk.case, self.result
        known = case if isinstance(case, SystemCase) else None
        return head(
            self.number,
            self.step,
            state,
            None if self._running else result,
            None if self._running or result is None else self.said(result),
            () if self._passed() else calls_of(self.step, case),
            host=self.desk.host,
            bearer=known is not None and known.target.who.startswith("the owner of"),
            taught=teaching(self.desk.runbook).get(self.step.id, NOT_TAUGHT),
        )

    def _now(self) -> float:
        """The run's clock, which tests step."""
        case = self.desk.case
        return time.time() if case is None else case.clock.now()

    def _begin_again(self) -> StepResult:
        return self.desk.begin_again(self.step.id, self.form.values())

    def _show_ways(self, result: StepResult | None, open_now: bool, blocked: bool) -> None:
        """Show the button of the step; if the step has ended and did not pass, also the other ways out.

        Args:
            result: of the step, if it has ended and it is still this card's turn.
        """
        asks = self.asks()
        closed = result is not None and not asks
        idle = open_now and not self._running
        offered = offered_on(self.desk, self.step, closed and not blocked) if idle else frozenset()
        lit = None
        if closed and result is not None:
            sent = self.desk.case is not None and bool(self.desk.case.sent_by)
            lit = lit_of(result, offered, sent=sent, planned=not self.desk.needs_another_plan(self.step.id))
        verb = self.verb()
        self.go.description = "Try again" if closed else verb if self.result is None else f"Again: {verb}"
        # After a failure the button is not red. Enter still does not press it.
        lit_go: Literal["danger", "strong"] = "danger" if self.step.changing and not closed else "strong"
        self.go.look = "plain" if asks or lit not in (None, Way.AGAIN) else lit_go
        self.ways.show(offered, lit, closed=closed and self.desk.case is not None)

    def _cancel(self) -> None:
        self.cancel.disabled = True
        self.waiting.cancelling()
        self.desk.cancel()

    def _over(self, result: StepResult | None, failure: BaseException | None) -> None:
        try:
            try:
                self.lock(False)
            finally:
                # Before any button is enabled: a press before this line would have no effect.
                self._running = False
                self._busy.release()
            if failure is not None:
                self.tell(said_of(failure))
            elif result is not None:
                self.ended(result)
            self.settle()
        except Exception as error:
            self.tell(said_of(error))
        finally:
            self.desk.changed()

    def troubled(self, error: Exception) -> None:
        """Say on the card that a part of it could not be shown, without using that part."""
        said = (
            f"A part of this card cannot be shown ({error!r}). The run itself goes on; its journal holds all."
        )
        (self.waiting.progress if self._running else self.message).value = self.desk.masked(
            says(said, alert=True)
        )

    def _message(self, blocked: str) -> str:
        """The card's message as HTML. It is made anew each time, so that no message outlives its reason.

        Args:
            blocked: why a step whose turn it is cannot be run, or "".
        """
        if html := self._said.now(self._situation()):
            return html
        if self._beside:
            return says(self._beside)
        return says(blocked) if blocked and not self._running else ""

    def _situation(self) -> Sequence[object]:
        """Everything that a message can be about."""
        desk, blocked = self.desk, self.desk.blocked(self.step.id)
        return (desk.case, self.result, self._state(), desk.over(), desk.busy(), blocked, self.asked())

    def _show_fold(self, state: StepState, result: StepResult | None) -> None:
        """Fold the card to a line, unless it is its turn."""
        is_open = self.is_open()
        shown = (is_open, state, result)
        if shown == self._fold_of:
            return
        self._fold_of = shown
        for part in (self.body, self.rest):
            part.layout.display = "" if is_open else "none"
        (self.panel.add_class if is_open else self.panel.remove_class)("vnb-open")
        if is_open:
            self.fold.value = ""
        elif result is not None:
            self.fold.value = folded(self.number, result)
        else:
            self.fold.value = line(self.number, self.step.title, *STATES[state])

    def _show_evidence(self, result: StepResult | None) -> None:
        """Show the whole result, folded, while the card is open. It can be long, so it is made only once."""
        shown = result if self.is_open() else None
        if shown is not self._evidence_of:
            self._evidence_of = shown
            self.evidence.value = unfolded(shown) if shown is not None else ""
