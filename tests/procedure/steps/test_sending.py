"""Every changing request goes out through one function: latched first, sent once, told in one value."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

import vergeos_nb.procedure
from tests.rehearsal import Rehearsal
from vergeos_nb.errors import (
    AnswerTimeout,
    ApiError,
    AuthError,
    BadRequest,
    Conflict,
    ConnectionRefused,
    ErrorInAnswer,
    InvalidValue,
    LoginFailed,
    PermissionDenied,
    PowerTimeout,
    RateLimited,
    RecordError,
    Refused,
    RelayFailed,
    ServerError,
)
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.steps.sending import Known, send_once

Make = Callable[..., Rehearsal]
PROCEDURE = Path(vergeos_nb.procedure.__path__[0])
CHANGING = {"override_status", "vm_action", "create_snapshot", "ask_node", "ask_network"}

NOTHING_DONE = (BadRequest, Conflict, InvalidValue)
CAN_PASS = (ConnectionRefused, LoginFailed, PermissionDenied, RateLimited)
MAY_HAVE_BEEN_DONE = (AnswerTimeout, ErrorInAnswer, PowerTimeout, RelayFailed, ServerError)


@pytest.fixture
def case(rehearse: Make) -> Case:
    case = rehearse("stuck").open().case
    assert isinstance(case, Case)
    return case


def failing(error: ApiError | AuthError) -> Callable[[], None]:
    def send() -> None:
        raise error

    return send


def test_the_latch_is_set_before_the_request_leaves(case: Case) -> None:
    """Holds off: a process that dies between the two, and sends again when it goes on."""
    seen: list[tuple[list[str], str]] = []
    send_once(case, "force", "override", lambda: seen.append((list(case.sent), case.sent_by)))
    assert seen == [(["override"], "force")]


def test_a_second_request_behind_the_same_latch_never_leaves(case: Case) -> None:
    sent: list[str] = []
    send_once(case, "kill", "kill", lambda: sent.append("first"))
    with pytest.raises(Refused, match="this run has sent it before"):
        send_once(case, "kill", "kill", lambda: sent.append("second"))
    assert sent == ["first"]


def test_a_request_that_an_earlier_process_of_the_run_has_sent_never_leaves_again(case: Case) -> None:
    sent: list[str] = []
    case.resume(["override"])
    with pytest.raises(Refused, match="this run has sent it before"):
        send_once(case, "force", "override", lambda: sent.append("again"))
    assert sent == []


@pytest.mark.parametrize("error", NOTHING_DONE)
def test_a_request_that_was_refused_is_known_to_have_done_nothing(
    case: Case, error: type[ApiError | AuthError]
) -> None:
    said = error("sending", "no")
    sent = send_once(case, "force", "override", failing(said))
    assert (sent.known, sent.error, sent.answer) == (Known.REFUSED, said, None)
    assert (sent.left, case.sent) == (True, ["override"])


@pytest.mark.parametrize("error", CAN_PASS)
def test_a_request_that_was_refused_for_a_reason_that_can_pass_can_be_sent_again(
    case: Case, error: type[ApiError | AuthError]
) -> None:
    case.sending("poweroff", "poweroff")
    said = error("sending", "not yet")
    sent = send_once(case, "force", "override", failing(said))
    assert (sent.known, sent.error, sent.left) == (Known.NOT_YET, said, error is not ConnectionRefused)
    assert (case.sent, case.sent_by) == (["poweroff"], "poweroff")
    assert send_once(case, "force", "override", lambda: "took it").answer == "took it"
    assert (case.sent, case.sent_by) == (["poweroff", "override"], "force")


@pytest.mark.parametrize("error", MAY_HAVE_BEEN_DONE)
def test_a_request_that_may_have_been_carried_out_is_in_doubt_and_stays_sent(
    case: Case, error: type[ApiError]
) -> None:
    said = error("sending", "who knows")
    sent = send_once(case, "force", "override", failing(said))
    assert (sent.known, sent.error) == (Known.IN_DOUBT, said)
    assert case.sent == ["override"]


def test_a_refusal_that_the_step_looks_after_is_in_doubt_for_it_alone(case: Case) -> None:
    sent = send_once(case, "kill", "kill", failing(Conflict("kill", "not running")), look_after=(Conflict,))
    assert sent.known is Known.IN_DOUBT
    sent = send_once(case, "force", "override", failing(BadRequest("put", "no")), look_after=(Conflict,))
    assert sent.known is Known.REFUSED


def test_a_request_whose_intent_cannot_be_written_is_no_answer_of_the_platform(case: Case) -> None:
    def send() -> None:
        raise RecordError("writing the intent", "the disk is full")

    with pytest.raises(RecordError):
        send_once(case, "force", "override", send)
    assert case.sent == ["override"]


def test_no_step_sends_a_changing_request_by_itself() -> None:
    """Holds off: a runbook with a try/except of its own, in which doubt means something else."""
    for path in sorted(PROCEDURE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        handed_over = {
            id(inner)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "send_once"
            for inner in ast.walk(call)
        }
        by_itself = [
            f"{path.name}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr in CHANGING
            and getattr(node.value, "attr", "") == "platform"
            and id(node) not in handed_over
        ]
        assert by_itself == []
