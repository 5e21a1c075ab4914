"""What is there is not what was approved: between two runs, between two steps, and after the time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal import LONG_AGO, SENTENCE, Rehearsal, ending
from vergeos_nb.procedure.values.table import Table

Make = Callable[..., Rehearsal]
Change = Callable[[Rehearsal], object]


def vm(run: Rehearsal) -> Any:
    return run.sim.world.vm("web-01")


CHANGES: dict[str, Change] = {
    "started again": lambda run: run.sim.world.revive_process("web-01"),
    "on another node": lambda run: run.sim.world.move("web-01", 2),
    "another status": lambda run: run.sim.world.set_status_of("web-01", status="stopping"),
    "another state": lambda run: run.sim.world.set_status_of("web-01", state="error"),
    "a later start": lambda run: run.sim.world.set_status_of("web-01", started=1_790_000_001),
    "no powerstate": lambda run: run.sim.world.set_status_of("web-01", powerstate=False),
    "a migration": lambda run: run.sim.world.set_status_of("web-01", migration_destination=3),
    "renamed": lambda run: run.sim.world.set_row("vms", vm(run).key, name="web-01-old"),
    "became a snapshot": lambda run: run.sim.world.set_row("vms", vm(run).key, is_snapshot=True),
    "another status row": lambda run: run.sim.world.set_row(
        "machines", vm(run).machine, status=run.sim.world.vm("web-02").status
    ),
    "another machine": lambda run: run.sim.world.set_row(
        "vms", vm(run).key, machine=run.sim.world.vm("web-02").machine
    ),
    "the row is another machine's": lambda run: run.sim.world.set_row(
        "machine_status", vm(run).status, machine=run.sim.world.vm("web-02").machine
    ),
}
STATE_CHANGES = list(CHANGES)[:7]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_plan_and_force_sends_nothing_and_ends_in_drift(rehearse: Make, change: str) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    for step in book.engine.steps[:9]:
        book.step(step.id)
    CHANGES[change](run)
    book.step("force")
    book.step("confirm")
    account = book.end()
    # The verdict from before is about a state that has passed: holds off `off` over a VM started meanwhile.
    assert (ending(account), run.sim.changing_requests()) == (("refused", "unknown", 5), [])
    assert run.steps(account)["force"] == "refused"


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_the_evidence_and_the_plan_makes_no_plan(rehearse: Make, change: str) -> None:
    # Holds off: a VM that was restarted after it was judged got a plan that called it off.
    run = rehearse("stuck")
    book = run.open()
    for step in book.engine.steps[:5]:
        book.step(step.id)
    CHANGES[change](run)
    for step in book.engine.steps[5:]:
        book.step(step.id)
    account = book.end()
    assert (ending(account), account.fact("plan")) == (("refused", "unknown", 5), None)
    assert run.steps(account)["plan"] == "refused"


@pytest.mark.parametrize("change", STATE_CHANGES[1:5])
def test_a_change_between_two_runs_refuses_the_old_digest_and_shows_the_difference(
    rehearse: Make, change: str
) -> None:
    run = rehearse("stuck")
    before = run.run().fact("plan")["before"]
    digest = run.run().fact("plan_digest")
    CHANGES[change](run)
    account = run.run(approve=digest)
    assert ending(account) == ("refused", "off", 5)
    now = account.fact("plan")["before"]
    changed = {f"before.{name}" for name in before if before[name] != now[name]}
    (table,) = tables(account, "plan", "difference")
    assert {row[0] for row in table.rows} == changed
    assert all(row[1] != row[2] for row in table.rows)
    assert changed
    assert run.sim.changing_requests() == []


def tables(account: Any, step: str, name: str) -> list[Table]:
    (result,) = [r for r in account.results if r.step == step]
    return [table for table in result.tables if table.schema.name == name]


def test_a_restart_between_two_runs_is_refused_and_said_to_live(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    run.sim.world.revive_process("web-01")
    assert ending(run.run(approve=digest)) == ("refused", "alive", 5)


def test_a_digest_that_nobody_kept_is_refused_and_names_the_plan_of_now(rehearse: Make) -> None:
    run = rehearse("stuck")
    account = run.run(approve="f" * 64)
    assert ending(account) == ("refused", "off", 5)
    assert account.decisive
    assert "no plan with this digest was kept here" in account.decisive.summary
    assert account.decisive.next_step.endswith(account.fact("plan_digest"))
    assert tables(account, "plan", "difference") == []


def test_a_kept_plan_that_was_tampered_with_is_as_good_as_none(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    kept = run.outputs / "plans" / f"{digest}.json"
    kept.write_text(kept.read_text().replace("web-01", "web-02"))
    CHANGES["another state"](run)
    account = run.run(approve=digest)
    assert account.decisive
    assert "no plan with this digest was kept here" in account.decisive.summary


def test_an_approval_of_another_vms_plan_is_refused_with_both_vms_shown(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run(vm_name="web-02").fact("plan_digest")
    account = run.run(approve=digest)
    (table,) = tables(account, "plan", "difference")
    assert ("vm.name", '"web-02"', '"web-01"') in table.rows
    assert ending(account) == ("refused", "off", 5)


def test_an_approval_that_has_ended_opens_nothing(rehearse: Make) -> None:
    run = rehearse("stuck")
    account = run.approve(approve_until=LONG_AGO)
    assert (ending(account), run.sim.changing_requests()) == (("refused", "off", 5), [])
    assert account.decisive
    assert "the approval ended at 2000-01-01T00:00:00.000Z" in account.decisive.summary


def test_an_approval_lasts_fifteen_minutes_unless_it_says_otherwise(rehearse: Make) -> None:
    endings = {}
    for wait in (800.0, 901.0):
        run = rehearse("stuck")
        digest = run.run().fact("plan_digest")
        account = run.run(before={"force": lambda run=run, wait=wait: run.clock.sleep(wait)}, approve=digest)
        endings[wait] = ending(account)
    assert endings == {800.0: ("done", "off", 0), 901.0: ("refused", "off", 5)}


def test_an_approval_that_ends_during_the_last_reading_opens_nothing(rehearse: Make) -> None:
    # Holds off: the time was looked at before a reading that can take a minute.
    from vergeos_nb.simulator.faults.rules import Rule

    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    slow = Rule("slow", "GET", f"/api/v4/vms/{vm(run).key}", delay=20.0)
    ends = "2026-09-22T15:13:40Z"
    account = run.run(before={"force": lambda: run.sim.faults.add(slow)}, approve=digest, approve_until=ends)
    assert (ending(account), run.sim.changing_requests()) == (("refused", "off", 5), [])


def test_evidence_that_has_grown_old_is_taken_anew_before_anything_is_sent(rehearse: Make) -> None:
    # Holds off: a person waits between two cells, and meanwhile a process lives under an unchanged row.
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")

    def lunch() -> None:
        run.clock.sleep(600)
        run.sim.world.truth("web-01").copies = [1]

    account = run.run(before={"force": lunch}, approve=digest)
    assert (ending(account), run.sim.changing_requests()) == (("refused", "alive", 6), [])


def test_evidence_that_went_away_meanwhile_is_drift(rehearse: Make) -> None:
    run = rehearse("node_dead")
    digest = run.run(assertion=SENTENCE).fact("plan_digest")

    def news() -> None:
        run.clock.sleep(600)
        run.sim.world.truth("web-01").frozen_at = None

    account = run.run(before={"force": news}, approve=digest, assertion=SENTENCE)
    assert (ending(account), run.sim.changing_requests()) == (("refused", "off", 5), [])
    assert account.decisive
    assert account.decisive.summary.endswith("the verdict was unknown when it was planned, and is off now")


def test_an_approval_that_is_put_in_after_the_plan_still_has_to_be_for_it(rehearse: Make) -> None:
    # The engine must not lean on the plan step alone for this: an approval can come after it.
    from vergeos_nb.procedure.values.given_approval import Approval

    run = rehearse("stuck")
    book = run.open()
    for step in book.engine.steps[:6]:
        book.step(step.id)
    now = run.clock.now()
    book.engine._case.approval = Approval("a" * 64, "jo", now, now + 60)
    for step in book.engine.steps[6:]:
        book.step(step.id)
    assert (book.engine.results["force"].error or {})["type"] == "Drift"
    assert run.sim.changing_requests() == []
    book.end()
