"""Send a changing request: set its latch, send it once, and return the result. No other code sends one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct

from vergeos_nb.errors import CAN_PASS, ApiError, AuthError, NotConnected, Refused
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.values.outcomes import StepOutcome

T = TypeVar("T")


class Known(StrEnum):
    """What is known of a request after it was sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # nothing was done
    NOT_YET = "not yet"  # nothing was done, and what refused it can pass: it can be tried again
    IN_DOUBT = "in doubt"  # it may have been carried out: read back, never send again


class Sent(Struct, Generic[T], frozen=True):
    """The result of a request.

    Attributes:
        answer: the platform's answer if it accepted.
        error: the platform's refusal, or how the request failed.
    """

    known: Known
    answer: T | None = None
    error: ApiError | AuthError | None = None

    @property
    def left(self) -> bool:
        """Whether the request left this machine."""
        return not isinstance(self.error, NotConnected)


def send_once(
    case: Case,
    step: str,
    latch: str | None,
    send: Callable[[], T],
    *,
    look_after: tuple[type[ApiError], ...] = (),
) -> Sent[T]:
    """Send a changing request. If its effect is in doubt, it is read back later and never sent again.

    A refusal that can pass, such as a missing right, frees the latch, so that a person can run the step
    again.

    Args:
        step: the step that sends.
        latch: the change, one of the step's ``latches``. None for a node query, which acts on no VM: the
            client refuses to send the same query twice.
        look_after: refusals by the platform after which the step reads back, too. A conflict, for example,
            says that the VM is in another state than expected, but does not prove it.

    Raises:
        Refused: this run has sent it before. Nothing was sent now.
        RecordError: the intent could not be written. Nothing was sent.
    """
    before = case.sent_by
    if latch is not None:
        if latch in case.sent:
            asked = f"sending {latch} in the step {step!r}"
            raise Refused(
                asked,
                "this run has sent it before",
                "it is not sent again; look at the VM, and begin a new run if something is left to do",
            )
        case.sending(step, latch)
    try:
        answer = send()
    except (ApiError, AuthError) as error:
        if error.may_have_executed or isinstance(error, look_after):
            return Sent(Known.IN_DOUBT, error=error)
        if not isinstance(error, CAN_PASS):
            return Sent(Known.REFUSED, error=error)
        if latch is not None:
            case.not_done(latch, before)
        return Sent(Known.NOT_YET, error=error)
    return Sent(Known.ACCEPTED, answer)


def refused(sent: Sent[Any]) -> Draft | None:
    """The end of a step whose request was refused; None if it was accepted or is in doubt."""
    if sent.error is None or sent.known not in (Known.REFUSED, Known.NOT_YET):
        return None
    if sent.known is Known.REFUSED:
        return ended_by(sent.error, sent=sent.left)
    hint = sent.error.next_step.rstrip(". ")
    again = ended_by(sent.error, sent=sent.left, again=True)
    return replace(again, next_step=f"{hint}. Then run this step again in the notebook, or begin a new run.")


def already_sent(subject: str, confirms: str) -> Draft:
    """The end of a step whose request was sent before, by this or an earlier process of the run.

    Args:
        subject: what was sent, such as "The PUT".
        confirms: what Confirm does about it.
    """
    summary = f"{subject} was sent earlier in this run and is not sent again."
    return Draft(StepOutcome.UNKNOWN, summary, confirms, facts={"sent": True, "opens": True})


def sent_draft(
    sent: Sent[None],
    *,
    accepted: str,
    confirms: str,
    in_doubt: str,
    answers: tuple[type[ApiError], ...],
) -> Draft:
    """The end of a step that sends a request whose effect Confirm reads back.

    Args:
        accepted: the summary if the platform accepted.
        confirms: what Confirm does after that.
        in_doubt: what Confirm does if the request may have been carried out.
        answers: errors in doubt that are an answer of the platform, and not a missing answer.
    """
    if sent.error is None:
        return Draft(StepOutcome.PASSED, accepted, confirms, facts={"sent": True, "answered": True})
    if (no := refused(sent)) is not None:
        return replace(no, facts={**no.facts, "answered": sent.left})
    return Draft(
        StepOutcome.UNKNOWN,
        f"Sent, without an answer that can be relied on: {sent.error.came_back}",
        f"Not sent again. {in_doubt}",
        facts={"sent": True, "answered": isinstance(sent.error, answers), "opens": True},
    )
