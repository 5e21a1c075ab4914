"""What a card may ask of the run it belongs to. The notebook's run is one; a test's double may be another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from vergeos_nb.procedure.approval.consent import Consent
from vergeos_nb.procedure.engine.case import RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.model import StepResult, StepState
from vergeos_nb.settings import Secret
from vergeos_nb.vergeos.rows import Listed


class Desk(Protocol):
    """The run, as cards see it. Whatever can take time is called from a worker thread."""

    runbook: str
    steps: Sequence[Step[Any]]

    @property
    def given(self) -> Mapping[str, Any]:
        """The parameters that the notebook holds, and what cards have made of them."""

    @property
    def case(self) -> RunCase | None:
        """What the run knows so far; None until it is open."""

    @property
    def host(self) -> str:
        """Host and port as they are reached, or "" until the run is open."""

    def state(self, step: str) -> StepState:
        """Where a step is."""

    def result(self, step: str) -> StepResult | None:
        """What came out of a step, if it has ended."""

    def masked(self, text: str) -> str:
        """A text as it may be shown, without secrets."""

    def over(self) -> str:
        """Why nothing can be run any more, or ""."""

    def busy(self) -> bool:
        """Whether a step is running."""

    def settled(self, step: str) -> bool:
        """Whether a step has ended so that the next one is open, or is not to be run again."""

    def blocked(self, step: str) -> str:
        """What else than its place keeps a step from being run, in words, or ""."""

    def connect(self, step: str, changed: Mapping[str, Any], password: Secret | None) -> StepResult:
        """Open the run with these parameters and run its first step.

        Raises:
            VergeNbError: a parameter cannot be meant, or the profile cannot be used.
        """

    def perform(self, step: str, changed: Mapping[str, Any], *, again: bool = False) -> StepResult:
        """Run a step with these parameters.

        Raises:
            VergeNbError: a parameter cannot be meant, or the run cannot be opened.
        """

    def begin_again(self, step: str, changed: Mapping[str, Any]) -> StepResult:
        """Run every step up to this one anew, as far as they pass. The last result."""

    def approve(self, consent: Consent, said: Mapping[str, Any]) -> StepResult:
        """Make the plan anew with this consent as its approval.

        Raises:
            Refused: the consent lacks something; nothing was made.
        """

    def missing(self, consent: Consent) -> Sequence[str]:
        """What keeps this consent from being an approval, in words."""

    def tick(self, ticks: Sequence[str]) -> None:
        """Write down what a person ticked on the card that compares."""

    def ticked(self) -> frozenset[str]:
        """What was ticked there."""

    def vms(self) -> Sequence[Listed]:
        """Every VM that there is to choose from."""

    def picture(self) -> str:
        """The run so far as a picture in HTML, or ""."""

    def cancel(self) -> None:
        """Wake the step that waits."""

    def unfinished_said(self) -> str:
        """What is known of a run of this notebook that was cut short, or ""."""

    def resume(self) -> StepResult:
        """Go on with it: what it has sent stays sent, all is read anew. The result of its first step."""

    def finish_unfinished(self) -> str:
        """Finish its record, reading only. What became of it, in words."""

    def changed(self) -> None:
        """Have every card look anew at where its step is."""


class Closable(Protocol):
    """The run, as its closing card sees it."""

    @property
    def case(self) -> RunCase | None:
        """None until the run is open."""

    def over(self) -> str:
        """Why nothing can be run any more, or ""."""

    def busy(self) -> bool:
        """Whether a step is running."""

    def masked(self, text: str) -> str:
        """A text as it may be shown, without secrets."""

    def end(self) -> Mapping[str, str]:
        """End the run and make its record. Its summary as a bundle.

        Raises:
            Refused: a step is running.
            RecordError: the record could not be made.
        """

    def changed(self) -> None:
        """Have every card look anew at where its step is."""
