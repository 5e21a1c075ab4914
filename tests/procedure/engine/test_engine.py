"""The engine: order, repetition, what an exception leaves behind, and no step without a journal."""

from __future__ import annotations

import atexit
import errno
import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rehearsal import Rehearsal, ending
from vergeos_nb.errors import RecordError, UsageError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.procedure.values.outcomes import StepState
from vergeos_nb.session.run import Run

Make = Callable[..., Rehearsal]
IDS = [step.id for step in STEPS]


def events(run: Rehearsal) -> list[str]:
    return [str(line["event"]) for line in read_journal(run.folder / "journal.jsonl").lines]


def outcomes(book: Run, *steps: str) -> list[str]:
    return [str(book.step(step).result.outcome) for step in steps]


@pytest.mark.parametrize("step", IDS[1:])
def test_a_step_before_its_turn_is_refused_and_asks_nothing(rehearse: Make, step: str) -> None:
    run = rehearse("stuck")
    book = run.open()
    result = book.step(step).result
    assert (result.outcome, result.error["exit_code"], run.requests) == ("refused", 3, [])
    assert result.next_step.startswith("run '")
    assert book.engine.state(step) is StepState.WAITING
    assert "step-ended" not in events(run)
    run.end(book)


def test_a_step_that_was_refused_for_its_order_runs_when_its_turn_has_come(rehearse: Make) -> None:
    book = rehearse("stuck").open()
    assert outcomes(book, "locate", "connect", "locate") == ["refused", "passed", "passed"]
    book.end()


def test_a_step_that_passed_is_shown_again_and_not_repeated(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open()
    first = book.step("connect").result
    assert (book.step("connect").result, len(run.requests)) == (first, 3)
    run.end(book)


def test_a_step_that_failed_is_repeated_and_opens_the_rest(rehearse: Make) -> None:
    run = rehearse("twins")
    book = run.open()
    assert outcomes(book, *IDS[:4]) == ["passed", "refused", "skipped", "skipped"]
    other = max(run.sim.world.vms("web-01"), key=lambda vm: vm.key)
    run.sim.world.set_row("vms", other.key, name="web-01-twin")
    assert outcomes(book, "locate") == ["passed"]
    assert [book.engine.state(step).value for step in IDS[:4]] == ["ended", "ended", "ready", "waiting"]
    assert outcomes(book, *IDS[2:6]) == ["passed"] * 4
    assert ending(run.end(book)) == ("planned", "off", 0)


def test_what_was_skipped_under_a_failed_step_is_not_told_of_the_run_that_went_on(rehearse: Make) -> None:
    # Holds off: Confirm was recorded as skipped though it was running when the kernel died.
    run = rehearse("twins")
    digest = ""
    book = run.open(approve=digest)
    outcomes(book, *IDS)
    other = max(run.sim.world.vms("web-01"), key=lambda vm: vm.key)
    run.sim.world.set_row("vms", other.key, name="web-01-twin")
    outcomes(book, "locate", "status_key")
    account = run_state_of(read_journal(run.folder / "journal.jsonl"))
    assert run.steps(account) == {"connect": "passed", "locate": "passed", "status_key": "passed"}
    run.end(book)


def test_every_step_that_was_not_done_names_the_one_that_closed_the_way(rehearse: Make) -> None:
    # Holds off: "Confirm: not done, because 'Force power off' ended skipped", and so on up to the cause.
    run = rehearse("twins")
    book = run.open()
    said = {step: book.step(step).result.summary for step in IDS}
    assert {said[step] for step in IDS[2:]} == {"Not done, because 'Locate the VM' was refused."}
    run.end(book)


def test_a_step_that_does_not_exist_names_the_nearest(rehearse: Make) -> None:
    book = rehearse("stuck").open()
    with pytest.raises(UsageError) as caught:
        book.step("confrim")
    assert str(caught.value) == (
        "running the step 'confrim': there is no such step\n"
        f"What to do: Did you mean 'confirm'? Known: {', '.join(IDS)}."
    )
    book.end()


def test_no_step_runs_inside_another(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open()
    inner = run.sim.transport()
    caught: list[BaseException] = []
    import httpx

    def door(request: httpx.Request) -> httpx.Response:
        try:
            book.step("connect")
        except UsageError as error:
            caught.append(error)
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    book.end()
    book = run.open()
    assert outcomes(book, "connect") == ["passed"]
    assert {error.came_back for error in caught} == {"step 'connect' is running"}
    run.end(book)


class Boom(Exception):  # noqa: N818 — it stands for whatever a bug raises
    """A bug."""


def explode_at(run: Rehearsal, method: str, nth: int, error: BaseException, *, after: bool = False) -> None:
    """The nth request of this method raises, before or after the platform has executed it."""
    import httpx

    inner, seen = run.sim.transport(), itertools.count(1)

    def door(request: httpx.Request) -> httpx.Response:
        if request.method != method or next(seen) != nth:
            return inner.handler(request)
        if after:
            inner.handler(request)
        raise error

    run.transport = httpx.MockTransport(door)


@pytest.mark.parametrize("error", [Boom("a bug"), KeyboardInterrupt(), SystemExit(1)])
def test_an_exception_in_a_reading_step_ends_up_in_the_journal_and_the_step_can_be_repeated(
    rehearse: Make, error: BaseException
) -> None:
    run = rehearse("stuck")
    explode_at(run, "GET", 6, error)
    book = run.open()
    outcomes(book, "connect", "locate")
    with pytest.raises(type(error)):
        book.step("status_key")
    assert events(run)[-1] == ("bug" if isinstance(error, Boom) else "interrupted")
    broken = run_state_of(read_journal(run.folder / "journal.jsonl"))
    assert ending(broken) == (
        ("failed", "unknown", 70) if isinstance(error, Boom) else ("interrupted", "unknown", 7)
    )
    assert broken.running == "status_key"
    assert outcomes(book, *IDS[2:6]) == ["passed"] * 4
    # Holds off: a run that went on after an interruption was called interrupted for ever.
    assert ending(run.end(book)) == ("planned", "off", 0)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("error", [Boom("a bug"), KeyboardInterrupt()])
def test_an_exception_in_the_put_freezes_all_before_it_and_leaves_confirm_to_settle_it(
    rehearse: Make, error: BaseException, after: bool
) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    explode_at(run, "PUT", 1, error, after=after)
    book = run.open(approve=digest)
    outcomes(book, *IDS[:9])
    with pytest.raises(type(error)):
        book.step("force")
    broken = run_state_of(read_journal(run.folder / "journal.jsonl"))
    assert (broken.running, broken.verdict.value, len(broken.changing_calls)) == ("force", "unknown", 1)
    calls = len(run.requests)
    assert outcomes(book, *IDS[:10]) == ["passed"] * 6 + ["skipped"] * 3 + ["unknown"]
    assert len(run.requests) == calls
    assert outcomes(book, "confirm") == ["passed" if after else "unknown"]
    account = run.end(book)
    assert ending(account) == (("done", "off", 0) if after else ("unknown", "unknown", 7))
    assert len(run.sim.changing_requests()) == int(after)


def test_an_interrupted_confirm_can_be_run_again_to_its_verdict(rehearse: Make) -> None:
    run = rehearse("stuck")
    before = len(run.requests)
    digest = run.run().fact("plan_digest")
    reads = len([entry for entry in run.requests[before:] if entry.method == "GET"])
    explode_at(run, "GET", reads + 3, KeyboardInterrupt())
    book = run.open(approve=digest)
    outcomes(book, *IDS[:10])
    with pytest.raises(KeyboardInterrupt):
        book.step("confirm")
    assert outcomes(book, "confirm") == ["passed"]
    assert ending(run.end(book)) == ("done", "off", 0)


def test_a_run_closed_after_the_put_and_before_confirm_is_unknown(rehearse: Make) -> None:
    # Holds off: such a run was called planned, with exit code 0 and "nothing was changed".
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    outcomes(book, *IDS[:10])
    assert ending(run.end(book)) == ("unknown", "unknown", 7)


def test_an_approved_run_closed_before_force_is_not_called_planned(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    outcomes(book, *IDS[:6])
    assert ending(run.end(book)) == ("interrupted", "off", 7)


class FullDisk:
    """A journal file that stops taking text at the nth line of an event."""

    def __init__(self, file: Any, event: str, lasts: bool) -> None:
        self._file, self._event, self._lasts, self._full = file, event, lasts, False

    def write(self, text: str) -> None:
        if json.loads(text)["event"] == self._event or (self._full and self._lasts):
            self._full = True
            if self._event != "never":
                self._event = self._event if self._lasts else "never"
                raise OSError(errno.ENOSPC, "No space left on device")
        self._file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def left_open(book: Run) -> None:
    """Let go of a run that cannot be ended, because the end cannot be written either."""
    atexit.unregister(book._at_exit)
    book.journal._file.close()


@pytest.mark.parametrize("lasts", [True, False])
def test_without_a_journal_line_for_its_intent_the_put_does_not_leave(rehearse: Make, lasts: bool) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    outcomes(book, *IDS[:9])
    book.journal._file = FullDisk(book.journal._file, "intent", lasts)  # type: ignore[assignment]
    if lasts:
        with pytest.raises(RecordError, match="No space left on device"):
            book.step("force")
        left_open(book)
    else:
        assert book.step("force").result.error["type"] == "RecordError"
        assert outcomes(book, "force", "confirm") == ["failed", "skipped"]
        assert ending(book.end()) == ("failed", "off", 10)
    assert run.sim.changing_requests() == []


def test_a_step_that_cannot_be_written_down_does_not_begin(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open()
    book.journal._file = FullDisk(book.journal._file, "step-began", True)  # type: ignore[assignment]
    with pytest.raises(RecordError):
        book.step("connect")
    left_open(book)
    assert run.requests == []


def test_after_the_run_is_closed_no_step_begins(rehearse: Make) -> None:
    # Holds off: a ValueError of the closed file instead of an error that says what to do.
    run = rehearse("stuck")
    book = run.open()
    run.end(book)
    with pytest.raises(RecordError, match="the run was closed, or its kernel is ending"):
        book.step("connect")
    assert run.requests == []


@settings(max_examples=15)
@given(st.lists(st.sampled_from(IDS), max_size=16))
def test_no_order_of_steps_reaches_the_put_without_all_that_go_before_it(
    tmp_path_factory: pytest.TempPathFactory, order: list[str]
) -> None:
    run = Rehearsal("stuck", tmp_path_factory.mktemp("outputs"))
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    for step in order:
        book.step(step)
    reached, left = 0, list(order)
    while reached < 10 and IDS[reached] in left:
        left = left[left.index(IDS[reached]) + 1 :]
        reached += 1
    account = book.end()
    assert len(run.sim.changing_requests()) == int(reached == 10)
    run.hold_to_truth(account)


def test_a_step_that_passed_is_repeated_where_somebody_asks_and_what_came_after_is_forgotten(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    book = run.open()
    outcomes(book, *IDS[:6])
    assert (book.engine.run("verify", again=True).outcome, list(book.engine.results)) == ("passed", IDS[:4])
    assert outcomes(book, *IDS[4:6]) == ["passed", "passed"]
    assert ending(run.end(book)) == ("planned", "off", 0)


def test_whoever_asks_nothing_is_repeated_that_lies_before_what_was_sent(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    outcomes(book, *IDS[:10])
    before = len(run.requests)
    again = [book.engine.run(step, again=True).outcome for step in IDS[:10]]
    assert (again, len(run.requests)) == ([book.engine.results[step].outcome for step in IDS[:10]], before)
    assert [book.engine.is_final(step) for step in IDS] == [True] * 10 + [False]
    run.end(book)


def test_of_two_threads_that_run_a_step_at_once_one_is_told_to_wait(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open()
    refused: list[UsageError] = []

    def another_click(seconds: float) -> None:
        thread = threading.Thread(target=click)
        thread.start()
        thread.join()

    def click() -> None:
        try:
            book.engine.run("connect")
        except UsageError as error:
            refused.append(error)

    outcomes(book, *IDS[:4])
    run.clock.sleep = another_click  # type: ignore[method-assign]
    assert outcomes(book, "alive") == ["passed"]
    assert {error.came_back for error in refused} == {"step 'alive' is running"}
    run.end(book)
