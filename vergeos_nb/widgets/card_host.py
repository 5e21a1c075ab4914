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
        """The parameters that the notebook holds, and what cards have made of them."""

    @property
    def case(self) -> RunCase | None:
        """The run's case; None until the run is open."""

    @property
    def host(self) -> str:
        """Host and port as they are reached, or "" until the run is open."""

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
        """Whether a step has ended so that the next one is open, or is not to be run again."""

    def done(self, step: str) -> bool:
        """Whether nothing is left to do for a step: it is settled, and a person gave what is asked."""

    def here(self) -> str:
        """The id of the card whose turn it is: a step's, ``close``, or "" when the run is over."""

    def blocked(self, step: str) -> str:
        """Why a step cannot be run although it is its turn, in words, or ""."""

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
        """Run every step up to this one again, as long as they pass. Returns the last result."""

    def may_reopen(self, step: str) -> bool:
        """Whether the card of a step that has ended can be opened again: nothing was sent yet."""

    def reopen(self, step: str) -> None:
        """Open the card of this step again, or, for "", leave it as it was. Nothing is run by it.

        Raises:
            Refused: something was sent.
        """

    def reopened(self) -> str:
        """The step whose card was opened again and not run since, or ""."""

    def may_plan_again(self) -> bool:
        """Whether there is a plan that can be made again, for the steps that are still to come."""

    def plan_again(self) -> StepResult:
        """Make the plan again as it is, so that it can be changed. Its approval ends."""

    def replanning(self) -> bool:
        """Whether a person wants to change the plan that was made last."""

    def needs_another_plan(self, step: str) -> bool:
        """Whether this step is closed by the plan of now, so that another one could open it."""

    def approve(self, consent: Consent, said: Mapping[str, Any]) -> StepResult:
        """Make the plan again with this consent as its approval.

        Raises:
            Refused: the consent lacks something; nothing was made.
        """

    def missing(self, consent: Consent) -> Sequence[str]:
        """What this consent lacks to be an approval, in words."""

    def tick(self, ticks: Sequence[str]) -> None:
        """Write down the ticks on the card that compares."""

    def ticked(self) -> frozenset[str]:
        """The ticks on that card."""

    def vms(self) -> Sequence[Listed]:
        """Every VM that there is to choose from."""

    def picture(self) -> str:
        """The run so far as a picture in HTML, or ""."""

    def cancel(self) -> None:
        """Wake the step that waits."""

    def unfinished_said(self) -> str:
        """The description of a run of this notebook that was cut short, or ""."""

    def unfinished_sent(self) -> str:
        """What that run had sent, in words, or ""."""

    def unfinished_waits(self) -> bool:
        """Whether that run can be gone on with, so that nothing else begins before it is decided on."""

    def resume(self) -> StepResult:
        """Resume it: requests stay sent, all is read again. Returns its first step's result."""

    def finish_unfinished(self) -> str:
        """Finish its record, reading only. Returns its outcome in words."""

    def changed(self) -> None:
        """Have every card read the state of its step again."""

    def end(self) -> Ended:
        """End the run and make its record.

        Raises:
            Refused: a step is running.
            RecordError: the record could not be made.
        """
