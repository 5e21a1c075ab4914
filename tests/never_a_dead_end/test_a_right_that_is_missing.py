"""A request that was answered 403 is sent again once the right was granted, in the same run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.procedure.steps.test_standard_methods import sent
from tests.rehearsal import LADDER, Rehearsal, ending
from tests.widgets.sitting import Sitting
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.vergeos.rights import Permission, Rights

Make = Callable[..., Rehearsal]
Sit = Callable[..., Sitting]


def test_the_step_says_that_nothing_was_done_and_that_it_can_be_run_again(rehearse: Make) -> None:
    run = rehearse("reader")
    account = run.approve(**LADDER)
    assert ending(account) == ("failed", "unknown", 9)
    assert account.decisive is not None
    assert account.decisive.next_step == (
        "The platform refused the change, so nothing has changed. Then: ask an administrator of the system "
        "for the permission (list, read, and for the power-off modify), or use a profile that has it. Then "
        "run this step again in the notebook, or begin a new run."
    )
    assert account.decisive.facts["again"] is True


def test_a_run_goes_on_from_the_refused_step_after_the_right_was_granted(rehearse: Make) -> None:
    run = rehearse("reader")
    digest = run.run(**LADDER).fact("plan_digest")
    book = run.open(**LADDER, approve=digest)
    for step in book.engine.steps:
        book.step(step.id)
    assert book.engine.results["poweroff"].error["type"] == "PermissionDenied"
    assert book.engine.is_final("poweroff") is False
    run.sim.set_role("admin")
    for step in book.engine.steps[6:]:
        book.step(step.id)
    assert ending(run.end(book)) == ("done", "off", 0)
    assert sent(run) == ("poweroff", "poweroff", "kill", "PUT")


@pytest.mark.parametrize(("step", "method", "path"), [("kill", "POST", "vm_actions"), ("force", "PUT", "*")])
def test_a_later_step_goes_on_where_it_was_refused_and_what_was_sent_before_stays_sent(
    rehearse: Make, step: str, method: str, path: str
) -> None:
    run = rehearse("stuck")
    digest = run.run(**LADDER).fact("plan_digest")
    book = run.open(**LADDER, approve=digest)
    nth = (2,) if step == "kill" else (1,)
    run.sim.faults.add(Rule("403", method, f"/api/v4/{path}", nth=nth, status=403, text="Access denied"))
    for one in book.engine.steps:
        book.step(one.id)
    assert book.engine.results[step].error["type"] == "PermissionDenied"
    assert (book.engine.is_final("poweroff"), book.engine.is_final(step)) == (True, False)
    ids = [one.id for one in book.engine.steps]
    for one in ids[ids.index(step) :]:
        book.step(one)
    assert ending(run.end(book)) == ("done", "off", 0)
    (again,) = {name for name in sent(run) if sent(run).count(name) == 2}
    assert again == ("kill" if step == "kill" else "PUT")


def test_a_run_that_was_cut_short_after_a_403_can_send_it_when_it_goes_on(rehearse: Make) -> None:
    run = rehearse("reader")
    digest = run.run(**LADDER).fact("plan_digest")
    book = run.open(**LADDER, approve=digest)
    for step in book.engine.steps[:7]:
        book.step(step.id)
    # As its process dies: its lease is nobody's then.
    book._resources.close()
    book.journal.close()
    run.sim.set_role("admin")
    again = run.open(**LADDER, approve=digest, resume=True)
    for step in again.engine.steps:
        again.step(step.id)
    assert ending(run.end(again)) == ("done", "off", 0)
    assert sent(run) == ("poweroff", "poweroff", "kill", "PUT")


def test_in_a_notebook_the_same_button_sends_it_once_the_right_was_granted(sit: Sit) -> None:
    at = sit("reader")
    at.until("poweroff")
    assert at.live.result("poweroff").error["type"] == "PermissionDenied"
    at.run.sim.set_role("admin")
    for step in ("poweroff", "snapshot", "kill", "force", "confirm"):
        at.click(step)
    at.close()
    assert ending(run_state_of(read_journal(at.run.folder / "journal.jsonl"))) == ("done", "off", 0)
    assert sent(at.run) == ("poweroff", "poweroff", "kill", "PUT")


@pytest.mark.parametrize(
    ("scenario", "kind", "may", "words"),
    [
        ("stuck", "basic", True, "yes: its own permissions allow changes everywhere"),
        ("reader", "basic", False, "its own permissions are for reading only; a group of it may have more"),
        ("reader", "bearer", None, "not told by the API"),
    ],
)
def test_connect_says_what_the_user_may_do_as_far_as_the_api_tells(
    rehearse: Make, scenario: str, kind: str, may: bool | None, words: str
) -> None:
    run = rehearse(scenario, kind=kind)
    book = run.open()
    result = book.step("connect").result
    (table,) = result.tables
    assert (result.outcome.value, result.facts["may_change"]) == ("passed", may)
    assert ("may change something", words) in table.rows
    assert ("403" in result.next_step) is (may is False)
    book.end()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_platform_that_does_not_tell_permissions_stops_nothing(rehearse: Make, status: int) -> None:
    run = rehearse("reader")
    run.sim.faults.add(Rule("untold", "GET", "/api/v4/permissions*", status=status, text="no"))
    book = run.open()
    assert (book.step("connect").result.next_step, book.engine.results["connect"].facts["may_change"]) == (
        "",
        None,
    )
    book.end()


def test_permissions_in_some_tables_are_told_by_name() -> None:
    some = Rights((Permission("vms", 0, True), Permission("/", 0, False), Permission("/", 7, True)))
    assert (some.may_change, some.words) == (
        None,
        "in part: its own permissions allow changes in /, vms; a group of it may have more",
    )
