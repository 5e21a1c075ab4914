"""A run that a person steps through: cards ask, the engine decides, the journal remembers.

Running a notebook's cells shows cards and sends nothing. A click runs a step in a thread of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from vergeos_nb import settings
from vergeos_nb.clock import CancellableClock, SystemClock
from vergeos_nb.errors import Refused, UsageError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.layout import JOURNAL
from vergeos_nb.notebook.end_of_run import end_of
from vergeos_nb.notebook.interrupted import CutShort, cut_short, finish
from vergeos_nb.notebook.live_state import LiveState
from vergeos_nb.procedure.approval.consent import (
    Consent,
    approval_of,
    still_missing,
)
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import last_of, opens
from vergeos_nb.procedure.runbooks.catalog import read_parameters, runbook_of
from vergeos_nb.procedure.values.differences import parameters_changed
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.record_folder import new_folder
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.session.run import Run
from vergeos_nb.settings import Secret
from vergeos_nb.vergeos.rows import Listed
from vergeos_nb.views.bundle import rendered
from vergeos_nb.views.folded import static
from vergeos_nb.views.timeline import headline
from vergeos_nb.views.timeline_drawing import timeline_png
from vergeos_nb.widgets.cards.by_step import card_for
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.cards.closing_card import ClosingCard
from vergeos_nb.widgets.comms import keep_comms_in_the_main_shell
from vergeos_nb.widgets.guide import Guide
from vergeos_nb.widgets.screen import live, show
from vergeos_nb.widgets.sticky_header import CLOSE, announced, header
from vergeos_nb.widgets.ways_on.ended import Ended
from vergeos_nb.words import did_you_mean

# Longer than headless, where the digest is typed and all follows at once: here a person reads and waits.
APPROVAL_LASTS_S = 30 * 60.0

OpenRun = Callable[..., Run]


class LiveRun(LiveState):
    """The run that ``open_runbook`` returns if a browser is attached. Cells and cards call its methods.

    Args:
        given: the parameters that the notebook holds; cards show them and let them be changed.
        outputs: the archive's folder.
        open_run: makes the run; stands in for ``Run`` over a new folder.
    """

    def __init__(
        self, name: str, given: Mapping[str, Any], outputs: Path, *, open_run: OpenRun | None = None
    ) -> None:
        # Before the first widget is made.
        keep_comms_in_the_main_shell()
        super().__init__(runbook_of(name).steps)
        self.runbook = name
        self.given: Mapping[str, Any] = dict(given)
        self._outputs = outputs
        self._open_run = open_run or self._new_run
        self._waits = CancellableClock()
        self._cards: dict[str, StepCard] = {}
        self._closing: ClosingCard | None = None
        self._guide = Guide()
        self._lines: list[Mapping[str, Any]] = []
        self.unfinished: CutShort | None = cut_short(outputs, name, settings.session_name())

    # Called by cells.

    def step(self, step_id: str) -> StepCard:
        """The card of a step, where it stands. Showing it runs nothing.

        Raises:
            UsageError: the procedure has no such step.
        """
        if step_id not in self._cards:
            known = {step.id: step for step in self.steps}
            if step_id not in known:
                hint = did_you_mean(step_id, known)
                raise UsageError(f"running the step {step_id!r}", "there is no such step", hint)
            self._cards[step_id] = card_for(self, known[step_id])
        return self._cards[step_id]

    def close(self) -> ClosingCard:
        """The card that closes the run. Showing it closes nothing."""
        if self._closing is None:
            self._closing = ClosingCard(self, shown=self._all_shown)
        return self._closing

    def __repr__(self) -> str:
        return repr(self.run) if self.run is not None else f"<runbook {self.runbook}, not connected yet>"

    # Asked by cards (widgets.card_host).

    def running(self) -> str:
        return next((card.step.id for card in list(self._cards.values()) if card.running), "")

    def connect(self, step: str, changed: Mapping[str, Any], password: Secret | None) -> StepResult:
        self._waits.rearm()
        self.given = {**self.given, **changed}
        run = self.run
        if run is not None and (password is not None or run.profile_name != changed.get("profile")):
            # Another system is another run. The record of this run says how it ended.
            self.run = None
            run.end()
            run = None
        if run is None:
            profile = settings.load_profile(str(changed["profile"]), password=password)
            self._begin(profile=profile)
        return self.perform(step, {k: v for k, v in changed.items() if k != "profile"}, again=True)

    def perform(self, step: str, changed: Mapping[str, Any], *, again: bool = False) -> StepResult:
        self._waits.rearm()
        if self.run is None:
            if step != self.steps[0].id:
                asked = f"running the step {step!r}"
                raise Refused(asked, "the run is not open", f"run {self.steps[0].title!r} first")
            self.given = {**self.given, **changed}
            self._begin()
        run = self._opened()
        # The buttons are disabled then, but a click may have been on its way.
        if blocked := self.over() or self.blocked(step):
            raise Refused(f"running the step {step!r}", "an earlier step has to end first", blocked)
        self._reopened = ""
        run.change(changed)
        if self._step(step).role == "plan" and isinstance(run.case, Case):
            run.case.approval = None
            self._replanning = False
        result = run.engine.run(step, again=again)
        case = run.case
        if isinstance(case, Case) and case.plan and parameters_changed(case.plan, case.options) is not None:
            # It was given to other parameters than these.
            case.approval = None
        if self._step(step).card == "comparison":
            self._compare(result)
        return result

    def plan_again(self) -> StepResult:
        plans = last_of(self.steps, "plan")
        assert plans is not None
        if not self.may_plan_again():
            asked = f"making the plan again ({plans.title})"
            raise Refused(asked, "nothing is left that it could open", "close the run, and begin a new one")
        result = self.perform(plans.id, {}, again=True)
        self._replanning = True
        return result

    def begin_again(self, step: str, changed: Mapping[str, Any]) -> StepResult:
        case = self.case
        if isinstance(case, Case) and case.sent_by:
            # The steps that read the evidence are not run again then. The plan takes two readings anew.
            case.samples = case.samples[-1:]
        result = self.perform(self.steps[0].id, {}, again=True)
        for one in self.steps[1:]:
            if not opens(result) or self.blocked(one.id):
                break
            result = self.perform(one.id, changed if one.id == step else {}, again=True)
            if one.id == step:
                break
        return result

    def approve(self, consent: Consent, said: Mapping[str, Any]) -> StepResult:
        self._waits.rearm()
        run = self._opened()
        case, plans = run.case, last_of(self.steps, "plan")
        assert isinstance(case, Case)
        assert plans is not None
        run.change(said)
        case.approval = approval_of(case, consent, self._needed(), APPROVAL_LASTS_S)
        try:
            run.journal.write("consent", **consent.as_dict())
            result = run.engine.run(plans.id, again=True)
        except BaseException:
            case.approval = None
            raise
        if result.outcome is not StepOutcome.PASSED:
            case.approval = None
        return result

    def missing(self, consent: Consent) -> Sequence[str]:
        case = self.case
        assert isinstance(case, Case)
        return still_missing(case, consent, self._needed())

    def tick(self, ticks: Sequence[str]) -> None:
        self._opened().journal.write("consent", ticks=sorted(ticks))
        self._ticked = frozenset(ticks)

    def vms(self) -> Sequence[Listed]:
        case = self._opened().case
        assert isinstance(case, Case)
        return case.platform.vms_listed()

    def picture(self) -> str:
        picture = timeline_of(tuple(self._lines), now=SystemClock().now())
        encoded = base64.b64encode(timeline_png(picture)).decode()
        return rendered("picture", png=encoded, text=headline(picture))

    def cancel(self) -> None:
        self._waits.cancel()

    def changed(self) -> None:
        for card in list(self._cards.values()):
            card.changed()
        if self._closing is not None:
            self._closing.changed()
        self._guided()

    def show_header(self) -> None:
        """Show the header of the run in the cell that runs."""
        self._guide.show(header(self))
        name = uuid4().hex[:8]
        # Where no kernel answers, its style hides the place of the header, which would be an error message.
        show(static("", "Run this notebook in JupyterLab to use it."), f"vergeos-nb-no-header-{name}")
        show(live(self._guide), f"vergeos-nb-header-{name}")

    def _all_shown(self) -> None:
        """The last cell was run. JupyterLab goes to it; the first card whose turn it is is somewhere else."""
        self._guide.bring(self.here())

    def _guided(self) -> None:
        here, case = self.here(), self.case
        result = self.result(here) if here not in ("", CLOSE) else None
        self._guide.show(header(self))
        approved = isinstance(case, Case) and case.approval is not None
        # The end of a run is looked at, too: its card says what to do next.
        asked = (self._over, id(result), approved, len(self._ticked))
        self._guide.lead(here or CLOSE, asked, announced(self))

    def end(self) -> Ended:
        """End the run and make its record."""
        run = self._opened()
        if self.busy():
            raise Refused(
                "closing the run", "a step is running", "cancel it, or wait until it ends; then close"
            )
        self._over = True
        return end_of(run, run.end())

    def unfinished_said(self) -> str:
        return self.unfinished.said if self.unfinished is not None and self.run is None else ""

    def unfinished_sent(self) -> str:
        return self.unfinished.sent if self.unfinished is not None and self.run is None else ""

    def unfinished_waits(self) -> bool:
        return self.unfinished is not None and self.run is None and not self.unfinished.damaged

    def resume(self) -> StepResult:
        """Resume the run that was cut short. Its requests stay sent, and everything is read again."""
        unfinished = self._cut_short()
        self.given = {**self.given, **unfinished.parameters}
        self._begin(folder=unfinished.folder, resume=True)
        for card in list(self._cards.values()):
            card.fill(self.given)
        self.unfinished = None
        return self.perform(self.steps[0].id, {}, again=True)

    def finish_unfinished(self) -> str:
        """Finish the record of the run that was cut short. Reads only. Returns its finding in words."""
        unfinished = self._cut_short()
        said = finish(unfinished.folder)
        self.unfinished = None
        return said

    def _cut_short(self) -> CutShort:
        if self.unfinished is None:
            raise UsageError("going on", "no run was cut short here", "begin a new one")
        now = cut_short(self._outputs, self.runbook, settings.session_name())
        if now is None or now.folder != self.unfinished.folder:
            # Another kernel or `audit recover` was faster: the state has changed since the cell ran.
            self.unfinished = None
            asked = "going on with the run that was cut short"
            raise Refused(
                asked, "somebody has it open, or has closed it", "begin a new run, or continue it there"
            )
        return self.unfinished

    def _begin(self, **how: Any) -> None:
        given = {**self.given, **({"approve": ""} if "approve" in self.given else {})}
        options = read_parameters(self.runbook, given, undecided=True)
        folder = how.get("folder")
        self._lines = list(read_journal(folder / JOURNAL).lines) if folder else []
        self.run = self._open_run(options, waits=self._waits, on_line=self._heard, **how)
        if isinstance(self.run.case, Case):
            self.run.case.on_cards = True
        self._nothing_compared()

    def _new_run(self, options: Any, *, folder: Path | None = None, **how: Any) -> Run:
        # Do this first: a text that was typed as a name can be the profile's password.
        settings.secrets_known(getattr(options, "profile", None))
        subject = options.subject_of(options.model_dump())
        made = folder or new_folder(self._outputs, self.runbook, subject, SystemClock().now())
        session = settings.session_name()
        return Run(self.runbook, options, made, finish_here=True, session=session, **how)

    def _heard(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        for card in list(self._cards.values()):
            if card.running:
                try:
                    card.heard(line)
                except Exception as error:  # what a screen raises keeps no line from the journal
                    card.troubled(error)
