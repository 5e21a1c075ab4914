"""Everything that cards and the header may ask of their run. The notebook's live run answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from vergeos_nb.procedure.approval.consent import Consent
from vergeos_nb.procedure.engine.case import RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.settings import Secret, ServedFile
from vergeos_nb.vergeos.rows import Listed
from vergeos_nb.widgets.ways_on.ended import Ended


class Desk(Protocol):
    """The run, as cards see it. Whatever can take time is called from a worker thread."""

    runbook: str
    steps: Sequence[Step[Any]]

    @property
    def given(self) -> Mapping[str, Any]:
        """The parameters from the notebook, with the changes that were made on cards."""

    @property
    def case(self) -> RunCase | None:
        """The run's case; None until the run is open."""

    @property
    def host(self) -> str:
        """Host and port of the connection, or "" until the run is open."""

    def state(self, step: str) -> StepState:
        """Where a step is."""

    def result(self, step: str) -> StepResult | None:
        """The result of a step, if it has ended."""

    def folder(self) -> Path | None:
        """The folder of the record; None until the run is open."""

    def page(self) -> ServedFile | None:
        """The record's page as a link finds it, as soon as the record is made."""

    def masked(self, text: str) -> str:
        """A text as it may be shown, without secrets."""

    def over(self) -> str:
        """Why nothing can be run any more, or ""."""

    def busy(self) -> bool:
        """Whether a step is running."""

    def settled(self, step: str) -> bool:
        """Whether a step has ended, and the next one is open or this one cannot be run again."""

    def done(self, step: str) -> bool:
        """Whether nothing is left to do for a step: it is settled, and all that it asks was answered."""

    def here(self) -> str:
        """The id of the card whose turn it is: a step's, ``close``, or "" when the run is over."""

    def blocked(self, step: str) -> str:
        """Why a step whose turn it is cannot be run, in words, or ""."""

    def connect(self, step: str, changed: Mapping[str, Any], password: Secret | None) -> StepResult:
        """Open the run with these parameters and run its first step.

        Raises:
            VergeNbError: a parameter is not valid, or the profile cannot be used.
        """

    def perform(self, step: str, changed: Mapping[str, Any], *, again: bool = False) -> StepResult:
        """Run a step with these parameters.

        Raises:
            VergeNbError: a parameter is not valid, or the run cannot be opened.
        """

    def begin_again(self, step: str, changed: Mapping[str, Any]) -> StepResult:
        """Run all steps up to this one again, until one does not pass. Returns the last result."""

    def may_reopen(self, step: str) -> bool:
        """Whether the card of a step that has ended can be opened again, because nothing was sent yet."""

    def reopen(self, step: str) -> None:
        """Open the card of this step again; "" closes it again. Runs nothing.

        Raises:
            Refused: something was sent.
        """

    def reopened(self) -> str:
        """The step whose card was opened again and that was not run since, or ""."""

    def may_plan_again(self) -> bool:
        """Whether there is a plan that can be made again for the remaining steps."""

    def plan_again(self) -> StepResult:
        """Make the same plan again, so that it can be changed. Its approval ends."""

    def replanning(self) -> bool:
        """Whether a person is changing the plan that was made last."""

    def needs_another_plan(self, step: str) -> bool:
        """Whether the present plan closes this step, so that another plan could open it."""

    def approve(self, consent: Consent, said: Mapping[str, Any]) -> StepResult:
        """Make the plan again with this consent as its approval.

        Raises:
            Refused: the consent lacks something. No plan was made.
        """

    def missing(self, consent: Consent) -> Sequence[str]:
        """What this consent still lacks to be an approval, in words."""

    def tick(self, ticks: Sequence[str]) -> None:
        """Write the ticks of the comparison card into the journal."""

    def ticked(self) -> frozenset[str]:
        """The ticks of the comparison card."""

    def vms(self) -> Sequence[Listed]:
        """Every VM of the system, to choose from."""

    def picture(self) -> str:
        """The run so far as a picture in HTML, or ""."""

    def cancel(self) -> None:
        """Cancel the wait of the running step."""

    def unfinished_said(self) -> str:
        """The description of a run of this notebook that was cut short, or ""."""

    def unfinished_sent(self) -> str:
        """What that run had sent, in words, or ""."""

    def unfinished_waits(self) -> bool:
        """Whether that run can be continued. Then nothing else begins before a person has decided."""

    def resume(self) -> StepResult:
        """Continue that run: requests stay sent, and everything is read again. Returns the first result."""

    def finish_unfinished(self) -> str:
        """Finish the record of that run. Only reads. Returns the outcome in words."""

    def changed(self) -> None:
        """Have every card show the state of its step again."""

    def end(self) -> Ended:
        """End the run and make its record.

        Raises:
            Refused: a step is running.
            RecordError: the record could not be made.
        """
