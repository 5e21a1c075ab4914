"""The one changing call: sent once whatever comes back, and settled by reading back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.procedure.doubt import IN_DOUBT, in_doubt
from tests.rehearsal import Rehearsal, ending
from vergeos_nb.simulator.faults.rules import Rule

Make = Callable[..., Rehearsal]

# What the PUT is answered with, and how the run ends then.
REFUSED_BY_PLATFORM = {400: 8, 401: 9, 403: 9, 404: 4, 405: 8, 409: 8, 422: 8, 429: 8, 410: 8}


@pytest.mark.parametrize("status", REFUSED_BY_PLATFORM)
def test_a_put_that_the_platform_refuses_is_sent_once_and_fails_with_its_code(
    rehearse: Make, status: int
) -> None:
    run = rehearse("stuck")
    run.put_answers(status=status)
    account = run.approve()
    assert (ending(account), len(run.sim.changing_requests())) == (
        ("failed", "unknown", REFUSED_BY_PLATFORM[status]),
        1,
    )
    assert run.steps(account)["confirm"] == "skipped"
    assert run.sim.world.status_of("web-01")["status"] == "unresponsive"


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("doubt", IN_DOUBT)
def test_a_put_in_doubt_is_sent_once_and_settled_by_reading_back(
    rehearse: Make, doubt: str, executed: bool
) -> None:
    run = rehearse("stuck")
    run.put_answers(**in_doubt(doubt, executed))
    account = run.approve()
    assert (ending(account), len(run.sim.changing_requests())) == (
        ("done", "off", 0) if executed else ("unknown", "unknown", 7),
        1,
    )
    assert run.steps(account)["force"] == "unknown"


def test_an_answer_that_is_no_json_is_an_answer_all_the_same(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.put_answers(not_json=True, execute=True)
    assert ending(run.approve()) == ("done", "off", 0)


def test_a_put_that_never_left_is_told_as_such_and_not_as_answered(rehearse: Make) -> None:
    # Holds off: a refused connection was recorded as an answered call.
    import httpx

    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            raise httpx.ConnectError("refused", request=request)
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    account = run.run(approve=digest)
    (force,) = [r for r in account.results if r.step == "force"]
    assert (ending(account), dict(force.facts)) == (
        ("failed", "unknown", 8),
        {"sent": False, "again": True, "answered": False},
    )
    assert "Nothing was sent" in force.next_step
    assert run.sim.changing_requests() == []


def test_no_way_of_running_on_after_a_put_in_doubt_sends_it_again(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.put_answers(drop="before")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    for _ in range(3):
        for step in book.engine.steps:
            book.step(step.id)
        for step in reversed(book.engine.steps):
            book.step(step.id)
    assert len(run.sim.changing_requests()) == 1
    assert ending(run.end(book)) == ("unknown", "unknown", 7)


def test_confirm_rides_out_a_network_that_is_down_for_a_while(rehearse: Make) -> None:
    run = rehearse("stuck")
    down = Rule("down", "GET", "/api/v4/vms/*", nth=tuple(range(3, 13)), drop="before")
    digest = run.run().fact("plan_digest")
    account = run.run(before={"confirm": lambda: run.sim.faults.add(down)}, approve=digest)
    assert ending(account) == ("done", "off", 0)
    assert "the last reading failed" in (run.folder / "journal.jsonl").read_text()


def test_confirm_without_any_reading_is_unknown_and_says_why(rehearse: Make) -> None:
    run = rehearse("stuck")
    down = Rule("down", "GET", "/api/v4/vms/*", drop="before")
    digest = run.run().fact("plan_digest")
    account = run.run(before={"confirm": lambda: run.sim.faults.add(down)}, approve=digest)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive
    assert "the last reading failed" in account.decisive.summary


def test_confirm_whose_last_reading_failed_does_not_say_off(rehearse: Make) -> None:
    run = rehearse("stuck")
    down = Rule("down", "GET", "/api/v4/*", nth=tuple(range(6, 500)), status=503)
    digest = run.run().fact("plan_digest")
    account = run.run(before={"confirm": lambda: run.sim.faults.add(down)}, approve=digest)
    assert ending(account) == ("unknown", "unknown", 7)


@pytest.mark.parametrize("status", [401, 403])
def test_confirm_that_is_locked_out_ends_at_once_without_a_verdict(rehearse: Make, status: int) -> None:
    run = rehearse("stuck")
    out = Rule("out", "GET", "/api/v4/*", nth=tuple(range(4, 500)), status=status)
    digest = run.run().fact("plan_digest")
    account = run.run(before={"confirm": lambda: run.sim.faults.add(out)}, approve=digest)
    assert ending(account) == ("unknown", "unknown", 7)


@pytest.mark.parametrize("wait", [0.0, 1.0, 10.0, 29.0])
def test_a_process_that_comes_back_while_it_is_confirmed_is_alive(rehearse: Make, wait: float) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    sim = run.sim
    inner = sim.transport()
    import httpx

    put_at: list[float] = []

    def door(request: httpx.Request) -> httpx.Response:
        if put_at and run.clock.now() - put_at[0] >= wait and not sim.process_alive("web-01"):
            sim.world.revive_process("web-01", node=2)
        answer = inner.handler(request)
        if request.method == "PUT":
            put_at.append(run.clock.now())
        return answer

    run.transport = httpx.MockTransport(door)
    account = run.run(approve=digest)
    assert ending(account) == ("failed", "alive", 6)
    assert account.decisive
    assert "do NOT power it on" in account.decisive.next_step


def test_a_process_that_lives_under_a_row_that_stays_stopped_is_alive(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")

    def back_from_the_dead() -> None:
        run.sim.world.behave("web-01", rewrite=None)
        run.sim.world.truth("web-01").copies = [1]

    account = run.run(before={"confirm": back_from_the_dead}, approve=digest)
    assert ending(account) == ("failed", "alive", 6)


def test_a_row_that_leaves_stopped_for_something_else_is_not_off(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    import httpx

    inner, seen = run.sim.transport(), []

    def door(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if seen.count("PUT") and seen[::-1].index("PUT") == 3:
            run.sim.world.set_status_of("web-01", status="error", state="error")
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    account = run.run(approve=digest)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive
    assert "the row went from stopped to error" in account.decisive.summary


def test_a_row_that_turns_out_to_be_another_machines_is_not_off(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    vm, other = run.sim.world.vm("web-01"), run.sim.world.vm("web-02")
    book = run.open(approve=digest)
    for step in book.engine.steps[:10]:
        book.step(step.id)
    run.sim.world.set_row("machine_status", vm.status, machine=other.machine)
    result = book.step("confirm").result
    assert (result.outcome, result.facts["verdict"]) == ("unknown", "unknown")
    assert f"the status row is of machine {other.machine} now" in result.summary
    book.end()


def test_a_verdict_of_off_takes_two_readings_even_where_no_settling_is_wanted(rehearse: Make) -> None:
    run = rehearse("stuck")
    account = run.approve(settle_s=0, confirm_timeout_s=0, poll_s=0.05)
    assert ending(account) == ("unknown", "unknown", 7)
    again = rehearse("stuck").approve(settle_s=0)
    assert ending(again) == ("done", "off", 0)


def test_confirm_can_be_run_again_after_it_could_not_tell(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    for step in book.engine.steps[:10]:
        book.step(step.id)
    run.sim.faults.add(Rule("down", "GET", "/api/v4/vms/*", drop="before"))
    assert book.step("confirm").result.outcome == "unknown"
    run.sim.faults.clear()
    assert book.step("confirm").result.outcome == "passed"
    assert ending(run.end(book)) == ("done", "off", 0)


def test_ha_that_restarts_the_vm_between_the_last_reading_and_the_put_is_found_out(rehearse: Make) -> None:
    run = rehearse("ha_restart")
    account = run.approve()
    assert ending(account) == ("failed", "alive", 6)
    assert run.sim.process_alive("web-01")


def test_evidence_grows_no_younger_when_the_clock_is_set_back(rehearse: Make) -> None:
    """Holds off: a PUT that rests on evidence of an hour ago, because the clock says it is from just now."""
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")

    def an_hour_that_no_clock_shows() -> None:
        run.clock.sleep(600)
        run.clock.set_by -= 600

    account = run.run(approve=digest, before={"force": an_hour_that_no_clock_shows})
    (force,) = [result for result in account.results if result.step == "force"]
    assert [e.path for e in force.exchanges if e.path.startswith("/api/v4/vms/")][2:] != []
    assert ending(account) == ("done", "off", 0)


@pytest.mark.parametrize(
    ("slept", "back", "said"),
    [(600, 3600, "the clock shows"), (1200, 1000, "the time of the approval is over")],
)
def test_an_approval_lasts_no_longer_when_the_clock_is_set_back(
    rehearse: Make, slept: float, back: float, said: str
) -> None:
    """Holds off: a yes for a quarter of an hour that still holds an hour later."""
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")

    def set_back() -> None:
        run.clock.sleep(slept)
        run.clock.set_by -= back

    account = run.run(approve=digest, before={"force": set_back})
    assert (ending(account), run.changes()) == (("refused", "off", 5), [])
    assert account.decisive
    assert said in account.decisive.summary
