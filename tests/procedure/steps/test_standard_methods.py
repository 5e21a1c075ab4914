"""The ladder: Power Off, Kill Power, override. What is sent for which VM, and what keeps a rung closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from vergeos_nb.clock import iso
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.procedure.steps.identify import MOVING
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.simulator import SCENARIOS, Rule

Make = Callable[..., Rehearsal]

ALL, STANDARD, NONE = ("poweroff", "kill", "PUT"), ("poweroff", "kill"), ()
OFF = ("done", "off", 0)

# scenario: (ending of the planning run, ending of the approved run, what was sent)
ENDINGS: dict[str, tuple[tuple[str, str, int], tuple[str, str, int], tuple[str, ...]]] = {
    "healthy": (("planned", "alive", 0), OFF, ("poweroff",)),
    "deaf": (("planned", "alive", 0), OFF, STANDARD),
    "stuck": (("planned", "off", 0), OFF, ALL),
    "equal_keys": (("planned", "off", 0), OFF, ALL),
    "slow": (("planned", "off", 0), OFF, ALL),
    "flaky": (("planned", "off", 0), OFF, ALL),
    "unanswered": (("planned", "off", 0), OFF, ALL),
    "maintenance": (("planned", "off", 0), OFF, ALL),
    "edited": (("planned", "off", 0), OFF, ALL),
    "odd_names": (("planned", "off", 0), OFF, ALL),
    "shared_disk": (("planned", "off", 0), OFF, ALL),
    "nas_service": (("planned", "off", 0), OFF, ALL),
    "relay_refused": (("planned", "off", 0), OFF, ALL),
    "relay_hangs": (("planned", "off", 0), OFF, ALL),
    "heartbeat_of_the_dead": (("planned", "alive", 0), ("refused", "alive", 6), STANDARD),
    "stuck_stale": (("planned", "unknown", 0), ("refused", "unknown", 7), STANDARD),
    "kill_stuck": (("planned", "alive", 0), OFF, ALL),
    "zombie": (("planned", "alive", 0), ("refused", "alive", 6), STANDARD),
    "ha_restart": (("planned", "off", 0), ("failed", "alive", 6), ALL),
    "node_dead": (("planned", "unknown", 0), ("refused", "unknown", 7), STANDARD),
    "node_unreachable": (("planned", "unknown", 0), ("refused", "unknown", 7), STANDARD),
    "reader": (("planned", "off", 0), ("failed", "unknown", 9), ("poweroff",)),
    "stale_cores": (("nothing-to-do", "off", 0), ("nothing-to-do", "off", 0), NONE),
    "twins": (("refused", "unknown", 4), ("refused", "unknown", 4), NONE),
    "gone": (("failed", "unknown", 4), ("failed", "unknown", 4), NONE),
    "wrong_row": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "snapshot_only": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "status_missing": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "migrating": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "migration_stalled": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "hibernating": (("refused", "unknown", 3), ("refused", "unknown", 3), NONE),
    "expired_token": (("failed", "unknown", 9), ("failed", "unknown", 9), NONE),
}


def sent(run: Rehearsal) -> tuple[str, ...]:
    """What reached the platform, in order, in short."""
    return tuple(body.get("action") or method for method, _, body in run.changes())


def climb(run: Rehearsal, **params: Any) -> RunState:
    """The whole ladder, planned and approved."""
    return run.approve(**{**LADDER, **params})


def result(account: RunState, step: str) -> StepResult:
    return next(r for r in account.results if r.step == step)


def opened(run: Rehearsal, *, upto: str = "plan", **params: Any) -> Any:
    """A run with the right approval whose steps up to this one have been run."""
    digest = run.run(**{**LADDER, **params}).fact("plan_digest")
    book = run.open(**{**LADDER, "approve": digest, **params})
    for step in book.engine.steps:
        book.step(step.id)
        if step.id == upto:
            return book
    raise AssertionError(upto)


def rest(book: Any) -> None:
    for step in book.engine.steps:
        book.step(step.id)


# -- every scenario ------------------------------------------------------------------------------


def test_each_scenario_has_its_expected_ending() -> None:
    assert set(ENDINGS) == set(SCENARIOS)


@pytest.mark.parametrize("scenario", ENDINGS)
def test_a_scenario_climbs_as_far_as_its_evidence_lets_it_and_sends_exactly_what_was_planned(
    rehearse: Make, scenario: str
) -> None:
    expected = ENDINGS[scenario]
    run = rehearse(scenario, kind="bearer" if scenario == "expired_token" else "basic")
    planned = run.run(**LADDER)
    assert {entry.method for entry in run.requests} == {"GET"}, "a planning run reads only"
    account = run.run(**{**LADDER, "approve": planned.fact("plan_digest") or "0" * 64})
    assert expected == (ending(planned), ending(account), sent(run))
    if expected[2]:
        assert run.changes() == run.rungs(account.fact("vm")["key"])[: len(expected[2])]
        requests = [(r["method"], r["path"].removeprefix("/api/v4/"), r["body"]) for r in plan_of(account)]
        assert requests[: len(expected[2])] == run.changes()


def plan_of(account: RunState) -> list[dict[str, Any]]:
    return list(account.fact("plan")["requests"])


@pytest.mark.parametrize(
    ("scenario", "headline"),
    [
        ("healthy", "Off by a standard method, and there is evidence that it is off."),
        ("deaf", "Off by a standard method, and there is evidence that it is off."),
        ("stuck", "Forced off, and there is evidence that it is off."),
    ],
)
def test_a_finished_run_says_how_it_came_about_and_run_again_finds_nothing_to_do(
    rehearse: Make, scenario: str, headline: str
) -> None:
    run = rehearse(scenario)
    account = climb(run)
    assert summary_of(account).headline == headline
    before = sent(run)
    again = run.run(**{**LADDER, "approve": run.digest})
    assert (ending(again), sent(run)) == (("nothing-to-do", "off", 0), before)


@pytest.mark.parametrize("scenario", ["stuck_stale", "node_dead", "node_unreachable"])
def test_with_an_assertion_the_override_goes_out_over_an_unknown_process_and_the_verdict_stays_unknown(
    rehearse: Make, scenario: str
) -> None:
    run = rehearse(scenario)
    account = climb(run, assertion=SENTENCE)
    assert (ending(account), sent(run)) == (("unknown", "unknown", 7), ALL)


def test_an_assertion_does_not_open_the_override_over_a_living_process(rehearse: Make) -> None:
    run = rehearse("zombie")
    assert (ending(climb(run, assertion=SENTENCE)), sent(run)) == (("refused", "alive", 6), STANDARD)


@pytest.mark.parametrize("status", sorted(MOVING))
def test_a_vm_that_the_platform_is_moving_or_starting_is_refused_before_the_plan(
    rehearse: Make, status: str
) -> None:
    run = rehearse("stuck")
    run.sim.world.set_status_of("web-01", status=status)
    account = run.run(**LADDER, approve="0" * 64)
    assert (ending(account), sent(run)) == (("refused", "unknown", 3), NONE)
    assert f"(status '{status}')" in result(account, "verify").summary


# -- how far -------------------------------------------------------------------------------------

LIMITS = {
    ("healthy", "poweroff"): (OFF, ("poweroff",)),
    ("healthy", "kill"): (OFF, ("poweroff",)),
    ("deaf", "poweroff"): (("refused", "alive", 6), ("poweroff",)),
    ("deaf", "kill"): (OFF, STANDARD),
    ("stuck", "poweroff"): (("refused", "off", 3), ("poweroff",)),
    ("stuck", "kill"): (("refused", "off", 3), STANDARD),
    ("zombie", "poweroff"): (("refused", "alive", 6), ("poweroff",)),
    ("zombie", "kill"): (("refused", "alive", 6), STANDARD),
    ("kill_stuck", "kill"): (("refused", "off", 3), STANDARD),
    ("node_dead", "kill"): (("refused", "unknown", 3), STANDARD),
}


@pytest.mark.parametrize(("scenario", "up_to"), LIMITS)
def test_a_run_goes_no_further_than_it_may(rehearse: Make, scenario: str, up_to: str) -> None:
    run = rehearse(scenario)
    account = climb(run, up_to=up_to)
    assert (ending(account), sent(run)) == LIMITS[scenario, up_to]
    assert [r["rung"] for r in plan_of(account)] == list(
        ("poweroff", "kill", "override")[: 1 + (up_to == "kill")]
    )


def test_each_limit_has_a_plan_of_its_own_so_that_an_approval_cannot_be_stretched(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run(**LADDER, up_to="poweroff").fact("plan_digest")
    account = run.run(**LADDER, up_to="kill", approve=digest)
    assert (ending(account), sent(run)) == (("refused", "off", 5), NONE)
    assert "requests.1.rung" in result(account, "plan").summary


ATTESTED = "Jo sent both at nine, and nothing happened."


def test_an_attestation_that_the_log_bears_out_is_taken_as_it_is(rehearse: Make) -> None:
    run = rehearse("stuck")
    machine = run.sim.world.vm("web-01").machine
    for action in ("poweroff", "kill"):
        run.sim.world.log(machine, f"VM action '{action}' sent", level="audit", user="jo")
    account = climb(run, start_at="override", attest=ATTESTED)
    assert (ending(account), sent(run)) == (OFF, ("PUT",))
    assert account.fact("plan")["contradictions"] == []
    assert result(account, "poweroff").summary.endswith(f"attests: {ATTESTED}")


def test_an_attestation_that_the_log_contradicts_is_named_in_the_plan_and_beside_the_log(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    run.sim.world.log(run.sim.world.vm("web-01").machine, "VM action 'kill' sent", level="audit", user="jo")
    account = climb(run, start_at="override", attest=ATTESTED)
    contradiction = "the machine's log of the last 24 h has no line that poweroff was sent"
    plan = result(account, "plan")
    assert (account.fact("plan")["contradictions"], plan.next_step) == (
        [contradiction],
        f"CONTRADICTED: {contradiction}.",
    )
    assert [table.schema.name for table in plan.tables] == ["facts", "requests", "evidence", "logs"]
    assert result(account, "kill").next_step == contradiction


def test_a_run_that_starts_at_kill_attests_the_power_off_alone(rehearse: Make) -> None:
    run = rehearse("deaf")
    account = climb(run, start_at="kill", attest=ATTESTED)
    assert (ending(account), sent(run)) == (OFF, ("kill",))
    assert len(account.fact("plan")["contradictions"]) == 1


# -- answers -------------------------------------------------------------------------------------

ACTIONS = "/api/v4/vm_actions"


def goes_wrong(run: Rehearsal, nth: int, **rule: Any) -> None:
    run.sim.faults.add(Rule("rung", "POST", ACTIONS, nth=(nth,), **rule))


IN_DOUBT: dict[str, dict[str, Any]] = {
    "dropped": {"drop": "after"},
    "cut": {"drop": "truncate"},
    "late": {"delay": 3600.0},
    "408": {"status": 408, "execute": True},
    "500": {"status": 500, "execute": True},
    "504": {"status": 504, "execute": True},
    "409": {"status": 409, "execute": True},
}


@pytest.mark.parametrize("doubt", IN_DOUBT)
@pytest.mark.parametrize(
    ("scenario", "nth", "expected"), [("healthy", 1, ("poweroff",)), ("deaf", 2, STANDARD)]
)
def test_a_rung_without_a_good_answer_is_settled_by_watching_and_never_sent_again(
    rehearse: Make, doubt: str, scenario: str, nth: int, expected: tuple[str, ...]
) -> None:
    run = rehearse(scenario)
    goes_wrong(run, nth, **IN_DOUBT[doubt])
    assert (ending(climb(run)), sent(run)) == (OFF, expected)


@pytest.mark.parametrize("doubt", [{"drop": "before"}, {"status": 502}, {"status": 409}])
def test_a_rung_that_was_not_carried_out_is_watched_to_its_end_and_opens_the_next(
    rehearse: Make, doubt: dict[str, Any]
) -> None:
    run = rehearse("healthy")
    goes_wrong(run, 1, **doubt)
    account = climb(run)
    assert (ending(account), sent(run)) == (OFF, STANDARD)
    assert result(account, "poweroff").ended_at - result(account, "poweroff").began_at >= 60


@pytest.mark.parametrize(("nth", "expected"), [(1, ("poweroff",)), (2, STANDARD)])
@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 8), (401, 9), (403, 9), (404, 4), (405, 8), (422, 8), (429, 8)]
)
def test_a_rung_that_the_platform_refuses_stops_the_ladder(
    rehearse: Make, nth: int, expected: tuple[str, ...], status: int, exit_code: int
) -> None:
    run = rehearse("stuck")
    goes_wrong(run, nth, status=status)
    assert (ending(climb(run)), sent(run)) == (("failed", "unknown", exit_code), expected)


@pytest.mark.parametrize("step", ["poweroff", "kill"])
def test_a_rung_whose_watch_could_read_nothing_at_its_end_opens_nothing(rehearse: Make, step: str) -> None:
    # Holds off: a rung was called failed though nobody had seen that it failed, and the next was sent.
    run = rehearse("stuck")
    book = opened(run, upto={"poweroff": "plan", "kill": "snapshot"}[step])
    run.sim.faults.add(Rule("down", "GET", "/api/v4/vms/*", nth=tuple(range(2, 500)), drop="before"))
    book.step(step)
    run.sim.faults.clear()
    rest(book)
    account = run.end(book)
    assert (ending(account), sent(run)) == (("unknown", "unknown", 7), STANDARD[: STANDARD.index(step) + 1])
    assert "nothing more is sent" in result(account, step).next_step


def test_what_was_read_before_the_network_went_is_not_believed_at_the_end_of_a_rung(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = opened(run)
    down = Rule("down", "GET", "/api/v4/vms/*", drop="before")
    run.clock.after(8, lambda: run.sim.faults.add(down))
    book.step("poweroff")
    assert ending(run.end(book)) == ("unknown", "unknown", 7)


@pytest.mark.parametrize("status", [401, 403])
def test_a_rung_that_is_locked_out_of_reading_stops_the_ladder(rehearse: Make, status: int) -> None:
    run = rehearse("stuck")
    book = opened(run)
    run.sim.faults.add(Rule("out", "GET", "/api/v4/machine_logs", nth=(2,), status=status))
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (("failed", "unknown", 9), ("poweroff",))


def test_a_row_that_follows_its_process_is_waited_for(rehearse: Make) -> None:
    # Holds off: the row's time was counted from the sending, so a slow but willing guest was killed.
    run = rehearse("healthy")
    run.sim.world.behave("web-01", acpi=30.0, row_follows=False)
    book = opened(run)
    stopped = {"running": False, "powerstate": False, "status": "stopped", "state": "offline", "node": None}
    run.clock.after(37, lambda: run.sim.world.set_status_of("web-01", **stopped))
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, ("poweroff",))


def test_a_rung_that_was_interrupted_is_watched_on_and_not_sent_again(rehearse: Make) -> None:
    # Holds off: the run was at a dead end, with a VM that had gone off and nobody to confirm it.
    run = rehearse("healthy")
    book = opened(run)

    def stop() -> None:
        raise KeyboardInterrupt

    run.clock.after(2, stop)
    with pytest.raises(KeyboardInterrupt):
        book.step("poweroff")
    broken = run_state_of(read_journal(run.folder / "journal.jsonl"))
    assert (ending(broken), broken.running) == (("interrupted", "unknown", 7), "poweroff")
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, ("poweroff",))


# -- guards that are asked each time -------------------------------------------------------------


def shut(account: RunState, step: str) -> tuple[str, str]:
    """How a step was refused: the error's class, and what came back."""
    error = result(account, step).error
    assert error is not None
    return str(error["type"]), str(error["came_back"])


@pytest.mark.parametrize("seconds", [10.0, 65.0])
def test_a_stop_file_that_appears_during_a_wait_ends_the_ladder(rehearse: Make, seconds: float) -> None:
    run = rehearse("zombie")
    book = opened(run)
    run.clock.after(seconds, lambda: (run.outputs / "STOP").touch())
    rest(book)
    account = run.end(book)
    step = "poweroff" if seconds < 60 else "kill"
    assert (ending(account), sent(run)) == (("refused", "alive", 3), STANDARD[: STANDARD.index(step) + 1])
    assert shut(account, step) == ("Refused", f"the stop file {run.outputs / 'STOP'} says stop")


def test_a_stop_file_between_two_steps_keeps_the_next_rung_closed_until_it_is_gone(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = opened(run, upto="poweroff")
    (run.outputs / "STOP").touch()
    book.step("snapshot")
    assert (book.step("kill").result.outcome, sent(run)) == ("refused", ("poweroff",))
    (run.outputs / "STOP").unlink()
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, ALL)


def test_the_policys_own_stop_file_counts_as_well(rehearse: Make, policy: Callable[[str], None]) -> None:
    run = rehearse("stuck")
    file = run.outputs.parent / "halt"
    policy(f'stop_file = "{file}"')
    book = opened(run)
    file.parent.mkdir(exist_ok=True)
    file.touch()
    rest(book)
    account = run.end(book)
    assert (ending(account), sent(run)) == (("refused", "off", 3), NONE)
    assert str(file) in shut(account, "poweroff")[1]


def test_a_window_that_closes_during_a_wait_keeps_the_next_rung_closed(
    rehearse: Make, policy: Callable[[str], None]
) -> None:
    # The stepped clock begins on a Tuesday at 15:13:20 UTC.
    policy('[[window]]\ndays = ["tue"]\nfrom = "15:00"\nto = "15:14"\ntimezone = "UTC"')
    run = rehearse("zombie")
    account = climb(run, poweroff_wait_s=45)
    assert (ending(account), sent(run)) == (("refused", "alive", 3), ("poweroff",))
    assert "is outside the maintenance windows" in shut(account, "kill")[1]


def test_outside_a_window_a_plan_can_be_made_and_nothing_is_sent(
    rehearse: Make, policy: Callable[[str], None]
) -> None:
    policy('[[window]]\ndays = ["tue"]\nfrom = "03:00"\nto = "04:00"\ntimezone = "UTC"')
    run = rehearse("stuck")
    account = climb(run)
    assert (ending(run.planned), ending(account), sent(run)) == (
        ("planned", "off", 0),
        ("refused", "off", 3),
        NONE,
    )


def test_an_approval_that_ends_in_the_middle_of_the_ladder_opens_no_further_rung(rehearse: Make) -> None:
    run = rehearse("zombie")
    until = iso(run.clock.now() + 40)
    account = climb(run, approve_until=until, poweroff_wait_s=45)
    assert (ending(account), sent(run)) == (("refused", "alive", 5), ("poweroff",))
    assert shut(account, "kill") == ("ApprovalExpired", f"the approval ended at {until}")


def test_an_approval_that_comes_after_the_plan_opens_no_rung_unless_it_is_for_it(rehearse: Make) -> None:
    # Holds off: only the override looked at the digest again; the rungs below took any approval.
    run = rehearse("deaf")
    book = run.open(**LADDER)
    for step in book.engine.steps[:6]:
        book.step(step.id)
    now = run.clock.now()
    book.engine._case.approval = Approval("a" * 64, "jo", now, now + 900)
    assert (book.step("poweroff").result.error or {})["type"] == "Drift"
    book.engine._case.approval = Approval(book.engine._case.plan.digest, "jo", now, now + 900)
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, STANDARD)


def test_where_two_people_are_demanded_the_operators_own_approval_opens_nothing(
    rehearse: Make, policy: Callable[[str], None]
) -> None:
    policy("[approval]\ntwo_people = true")
    endings = {}
    for approver in ("", " JO ", "sam"):
        run = rehearse("deaf")
        account = climb(run, operator="jo", approver=approver)
        endings[approver] = (ending(account), sent(run))
    refused = (("refused", "alive", 3), NONE)
    assert endings == {"": refused, " JO ": refused, "sam": (OFF, STANDARD)}


def test_where_two_people_are_demanded_an_approval_that_comes_later_is_held_to_it_too(
    rehearse: Make, policy: Callable[[str], None]
) -> None:
    # Holds off: the plan step alone asked who had approved.
    policy("[approval]\ntwo_people = true")
    run = rehearse("deaf")
    book = run.open(**LADDER, operator="jo")
    for step in book.engine.steps[:6]:
        book.step(step.id)
    now = run.clock.now()
    book.engine._case.approval = Approval(book.engine._case.plan.digest, "Jo", now, now + 900)
    assert "two people are demanded" in book.step("poweroff").result.summary
    run.end(book)
    assert sent(run) == NONE


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ('names = ["WEB-*"]', "its name is on it as 'WEB-*'"),
        ("keys = [41]", "its key 41 is on it"),
        ('tags = ["hands-off"]', "its tag 'Hands-Off' is on it as 'hands-off'"),
    ],
)
def test_a_vm_on_the_do_not_touch_list_gets_no_plan(
    rehearse: Make, policy: Callable[[str], None], listed: str, reason: str
) -> None:
    policy(f"[do_not_touch]\n{listed}")
    run = rehearse("stuck")
    world = run.sim.world
    world.set_row("tags", 5, name="Hands-Off")
    world.set_row("tag_members", 6, tag=5, member=f"vms/{world.vm('web-01').key}")
    account = run.run(**LADDER, approve="0" * 64)
    assert (ending(account), account.fact("plan"), sent(run)) == (("refused", "off", 3), None, NONE)
    assert reason in shut(account, "plan")[1]


def test_a_vm_that_is_not_on_the_do_not_touch_list_is_planned_for(
    rehearse: Make, policy: Callable[[str], None]
) -> None:
    policy('[do_not_touch]\nnames = ["db-*"]\nkeys = [44]\ntags = ["hands-off"]')
    assert ending(rehearse("stuck").run(**LADDER)) == ("planned", "off", 0)


def test_the_machine_of_a_node_is_never_forced_off(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.sim.world.set_row("nodes", 3, machine=run.sim.world.vm("web-01").machine)
    account = run.run(**LADDER, approve="0" * 64)
    assert (ending(account), account.fact("plan"), sent(run)) == (("refused", "off", 3), None, NONE)
    assert shut(account, "plan")[1].endswith("is that of node 'node3'")


def test_the_machine_of_a_tenants_node_is_never_forced_off(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.sim.world.set_row("tenant_nodes", 7, name="acme-1", machine=run.sim.world.vm("web-01").machine)
    account = run.run(**LADDER, approve="0" * 64)
    assert (ending(account), account.fact("plan"), sent(run)) == (("refused", "off", 3), None, NONE)
    assert shut(account, "plan")[1].endswith("is that of tenant node 'acme-1'")


def test_a_system_that_shows_no_tenants_nodes_is_planned_for_and_the_gap_is_noted(rehearse: Make) -> None:
    for status in (403, 404):
        run = rehearse("stuck")
        run.sim.faults.add(Rule("no tenants", "GET", "/api/v4/tenant_nodes", status=status))
        assert ending(run.run(**LADDER)) == ("planned", "off", 0)
        assert "tenants' nodes could not be looked at" in (run.folder / "journal.jsonl").read_text()


# -- one at a time -------------------------------------------------------------------------------


def test_a_second_run_is_refused_while_the_first_holds_the_lease_and_is_told_who(rehearse: Make) -> None:
    run = rehearse("stuck")
    first = opened(run, operator="jo")
    second = run.open(**LADDER, operator="sam", approve=first.engine._case.plan.digest)
    rest(second)
    account = run.end(second)
    assert (ending(account), sent(run)) == (("refused", "off", 3), NONE)
    assert shut(account, "plan")[1].startswith("jo")
    assert first.folder.name in shut(account, "plan")[1]
    run.end(first)
    third = run.run(**LADDER, operator="sam", approve=first.engine._case.plan.digest)
    assert (ending(third), sent(run)) == (OFF, ALL)


def test_a_planning_run_takes_no_lease_and_is_kept_out_by_none(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = opened(run)
    assert ending(run.run(**LADDER)) == ("planned", "off", 0)
    run.end(book)


def test_a_lease_that_ran_out_is_taken_over_and_the_first_owner_sends_nothing_more(rehearse: Make) -> None:
    run = rehearse("zombie")
    first = opened(run, upto="poweroff", operator="jo")
    for path in (run.outputs / "leases").glob("*.lease"):
        # As if the first ran on another machine: one on this machine keeps its lease while it lives.
        path.write_text(json.dumps({**json.loads(path.read_text()), "machine": "another pid:[4026532000]"}))
    run.clock.sleep(181)
    second = run.open(**LADDER, operator="sam", approve=first.engine._case.plan.digest)
    for step in second.engine.steps[:6]:
        assert second.step(step.id).result.outcome == "passed"
    rest(first)
    account = first.end()
    assert (ending(account), sent(run)) == (("refused", "alive", 3), ("poweroff",))
    assert shut(account, "kill")[1].startswith("sam")
    second.end()


def test_the_lease_of_one_vm_does_not_keep_another_waiting(rehearse: Make) -> None:
    run = rehearse("twins")
    names = ["web-02", "db-01"]
    books = []
    for name in names:
        digest = run.run(**LADDER, vm_name=name).fact("plan_digest")
        book = run.open(**LADDER, vm_name=name, approve=digest)
        books.append(book)
        outcomes = [book.step(step.id).result.outcome for step in book.engine.steps[:6]]
        assert outcomes == ["passed"] * 6
    for book in books:
        book.end()


# -- others act, too -----------------------------------------------------------------------------


def by_hand(run: Rehearsal) -> None:
    run.sim.world.truth("web-01").stop(run.clock.now())
    off = {"running": False, "powerstate": False, "status": "stopped", "state": "offline", "node": None}
    run.sim.world.set_status_of("web-01", **off)


@pytest.mark.parametrize("upto", ["poweroff", "snapshot", "kill"])
def test_a_vm_that_somebody_else_switched_off_between_two_rungs_is_not_hit_again(
    rehearse: Make, upto: str
) -> None:
    run = rehearse("zombie")
    book = opened(run, upto=upto)
    before = sent(run)
    by_hand(run)
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, before)


def test_a_vm_that_was_switched_off_before_the_first_rung_is_drift(rehearse: Make) -> None:
    run = rehearse("zombie")
    book = opened(run)
    by_hand(run)
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (("refused", "unknown", 5), NONE)


MEANWHILE: dict[str, dict[str, Any]] = {
    "hibernating": {"status": "hibernating"},
    "migrating": {"status": "migrating", "migration_destination": 2},
    "starting": {"status": "starting"},
    "on another node": {"node": 3},
    "started anew": {"started": 1_790_090_007},
}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("upto", ["poweroff", "kill"])
def test_what_no_rung_of_ours_brings_about_is_drift_between_two_rungs(
    rehearse: Make, what: str, upto: str
) -> None:
    # Holds off: after the first rung a hibernation that somebody had begun was taken for our doing.
    run = rehearse("stuck")
    book = opened(run, upto=upto)
    before = sent(run)
    run.sim.world.set_status_of("web-01", **MEANWHILE[what])
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (("refused", "unknown", 5), before)


def test_a_vm_that_comes_back_after_a_rung_had_worked_is_called_alive(rehearse: Make) -> None:
    run = rehearse("deaf")
    book = opened(run, upto="kill")
    run.sim.world.revive_process("web-01", node=2)
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (("failed", "alive", 6), STANDARD)


def test_a_row_that_has_not_settled_when_confirming_gives_up_is_not_called_off(rehearse: Make) -> None:
    # Holds off: at the end of its patience Confirm took a row that had said stopped for a second.
    run = rehearse("stuck")
    run.sim.world.behave("web-01", override_lag=29.0)
    account = climb(run, settle_s=30, confirm_timeout_s=31)
    assert (ending(account), sent(run)) == (("unknown", "unknown", 7), ALL)
    assert "has not stayed stopped for 30 s" in result(account, "confirm").summary


# -- the snapshot --------------------------------------------------------------------------------


def snapshot_body(run: Rehearsal, at: float, days: int = 7) -> dict[str, Any]:
    vm = run.sim.world.vm("web-01")
    return {
        "machine": vm.machine,
        "name": f"before-force-off-{run.sim.world.row('machine_status', vm.status)['started']}",
        "created_manually": True,
        "quiesce": False,
        "expires": int(at + days * 86_400),
        "expires_type": "date",
        "description": "taken before the VM was forced off",
    }


def test_a_snapshot_is_taken_before_the_first_forceful_rung_with_an_end_and_without_quiescing(
    rehearse: Make,
) -> None:
    run = rehearse("deaf")
    body = snapshot_body(run, 0)
    account = climb(run, snapshot=True, snapshot_days=3)
    taken = result(account, "snapshot")
    row = run.sim.world.tables["machine_snapshots"][account.fact("snapshot")]
    assert (ending(account), sent(run)) == (OFF, ("poweroff", "POST", "kill"))
    wanted = {**body, "expires": row["expires"]}
    assert run.changes()[1] == ("POST", "machine_snapshots", wanted)
    assert abs(row["expires"] - (taken.began_at + 3 * 86_400)) <= 2
    planned = {r["rung"]: r["body"] for r in plan_of(account)}
    assert planned["snapshot"] == {**body, "expires": "now + 3 days"}


def test_where_the_power_off_works_no_snapshot_is_taken(rehearse: Make) -> None:
    run = rehearse("healthy")
    account = climb(run, snapshot=True, snapshot_required=True)
    assert (ending(account), sent(run)) == (OFF, ("poweroff",))
    assert result(account, "snapshot").summary == "No snapshot: the VM is off already."


@pytest.mark.parametrize("status", [409, 422])
def test_a_snapshot_that_is_there_already_is_found_by_its_name(rehearse: Make, status: int) -> None:
    run = rehearse("deaf")
    body = snapshot_body(run, run.clock.now())
    machine = body["machine"]
    run.sim.world.set_row(
        "machine_snapshots", 88, machine=machine, name=body["name"], expires=body["expires"]
    )
    run.sim.faults.add(Rule("exists", "POST", "/api/v4/machine_snapshots", status=status))
    account = climb(run, snapshot=True, snapshot_required=True)
    assert (ending(account), account.fact("snapshot")) == (OFF, 88)


FAILING: dict[str, dict[str, Any]] = {
    "no room": {"status": 507},
    "not permitted": {"status": 403},
    "refused": {"status": 409},
    "dropped": {"drop": "before"},
}


@pytest.mark.parametrize("why", FAILING)
@pytest.mark.parametrize("required", [True, False])
def test_a_snapshot_that_fails_is_shown_and_blocks_only_where_it_was_demanded(
    rehearse: Make, why: str, required: bool
) -> None:
    run = rehearse("deaf")
    run.sim.faults.add(Rule("fails", "POST", "/api/v4/machine_snapshots", **FAILING[why]))
    account = climb(run, snapshot=True, snapshot_required=required)
    code = 9 if why == "not permitted" else 8
    expected = (
        (("failed", "alive", code), ("poweroff", "POST")) if required else (OFF, ("poweroff", "POST", "kill"))
    )
    assert (ending(account), sent(run)) == expected
    assert result(account, "snapshot").outcome == "failed"
    advice = result(account, "snapshot").next_step
    assert advice.startswith("Going on without it") is not required


def test_a_snapshot_whose_answer_is_lost_is_found_by_looking(rehearse: Make) -> None:
    run = rehearse("deaf")
    run.sim.faults.add(Rule("lost", "POST", "/api/v4/machine_snapshots", drop="after"))
    account = climb(run, snapshot=True, snapshot_required=True)
    assert (ending(account), result(account, "snapshot").outcome) == (OFF, "passed")


def test_a_demanded_snapshot_that_was_interrupted_is_looked_for_and_not_passed_over(rehearse: Make) -> None:
    # Holds off: run again, the step went on to the kill although a snapshot had been demanded.
    run = rehearse("deaf")
    run.sim.faults.add(Rule("fails", "POST", "/api/v4/machine_snapshots", drop="before"))
    book = opened(run, upto="poweroff", snapshot=True, snapshot_required=True)

    def stop() -> None:
        raise KeyboardInterrupt

    run.clock.after(3, stop)
    with pytest.raises(KeyboardInterrupt):
        book.step("snapshot")
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (("failed", "alive", 8), ("poweroff", "POST"))


# -- the node's process list ---------------------------------------------------------------------


def queries(run: Rehearsal) -> list[dict[str, Any]]:
    return [body for _, path, body in run.changes() if path == "node_queries"]


def test_a_node_is_asked_only_on_demand_and_asking_it_changes_no_ending(rehearse: Make) -> None:
    # Holds off: a planning run that had asked a node was called unknown, as if something had been sent.
    run = rehearse("stuck")
    run.run(**LADDER)
    assert queries(run) == []
    planned = run.run(**LADDER, probe_node=True)
    assert (ending(planned), queries(run)) == (("planned", "off", 0), [{"node": 1, "query": "top"}])
    assert [call.path for call in planned.changing_calls] == ["/api/v4/node_queries"]
    votes = {row[0]: row[1:3] for row in result(planned, "alive").tables[0].rows}
    assert votes["node_queries"] == (
        "silent",
        "the node's process list does not name the VM, which proves nothing",
    )


def test_a_process_list_that_names_the_vm_is_a_sign_of_life(rehearse: Make) -> None:
    run = rehearse("stuck")
    answer = '{"$key":"%s","id":"%s","status":"complete","result":"4711 qemu web-01"}'
    import httpx

    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        path, _, key = request.url.path.rpartition("/")
        if path.endswith("node_queries"):
            return httpx.Response(200, text=answer % (key, key))
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    account = run.run(**LADDER, probe_node=True)
    assert ending(account) == ("planned", "alive", 0)


@pytest.mark.parametrize("rule", [{"status": 403}, {"status": 422}, {"status": 500}, {"drop": "after"}])
def test_a_node_that_may_not_be_asked_is_done_without(rehearse: Make, rule: dict[str, Any]) -> None:
    run = rehearse("stuck")
    run.sim.faults.add(Rule("probe", "POST", "/api/v4/node_queries", **rule))
    assert ending(run.run(**LADDER, probe_node=True)) == ("planned", "off", 0)
    assert len(queries(run)) == 1


def test_a_node_is_not_asked_twice_where_the_first_asking_was_interrupted(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open(**LADDER, probe_node=True, sample_gap_s=1)
    for step in book.engine.steps[:4]:
        book.step(step.id)

    def stop() -> None:
        raise KeyboardInterrupt

    run.clock.after(2.0, stop)
    with pytest.raises(KeyboardInterrupt):
        book.step("alive")
    rest(book)
    assert (ending(run.end(book)), len(queries(run))) == (("planned", "off", 0), 1)


def test_a_node_is_not_asked_while_a_stop_file_says_stop(rehearse: Make) -> None:
    # Holds off: a POST went out of a run that had been told to stop.
    run = rehearse("stuck")
    run.outputs.mkdir(parents=True)
    (run.outputs / "STOP").touch()
    assert (ending(run.run(**LADDER, probe_node=True)), queries(run)) == (("planned", "off", 0), [])


def test_a_wait_too_short_for_a_verdict_does_not_keep_the_override_from_looking_for_itself(
    rehearse: Make,
) -> None:
    # Holds off: with one reading nobody can judge, and the override stayed closed over a dead process.
    run = rehearse("stuck")
    assert (ending(climb(run, poweroff_wait_s=0, kill_wait_s=0)), sent(run)) == (OFF, ALL)


@pytest.mark.parametrize("wait_s", [0, 1, 2.5, 5])
def test_a_process_that_ends_in_a_short_wait_is_looked_at_once_more_before_it_is_called_alive(
    rehearse: Make, wait_s: float
) -> None:
    # Holds off: the first reading, from before Kill Power took effect, called a dead process alive.
    run = rehearse("kill_stuck")
    assert (ending(climb(run, kill_wait_s=wait_s)), sent(run)) == (OFF, ALL)


@pytest.mark.parametrize("wait_s", [0, 1, 2.5, 5])
def test_a_process_that_lives_on_after_a_short_wait_is_called_alive(rehearse: Make, wait_s: float) -> None:
    run = rehearse("zombie")
    account = climb(run, poweroff_wait_s=wait_s, kill_wait_s=wait_s)
    assert (ending(account), sent(run)) == (("refused", "alive", 6), STANDARD)


def test_a_reading_that_fails_in_the_wait_makes_no_dead_process_alive(rehearse: Make) -> None:
    # Holds off: the readings on both sides of the failed ones spanned the end of the process.
    run = rehearse("kill_stuck")
    book = opened(run, upto="snapshot")
    down = Rule("down", "GET", "/api/v4/vms/*", drop="before")
    run.clock.after(0.5, lambda: run.sim.faults.add(down))
    run.clock.after(13, run.sim.faults.clear)
    book.step("kill")
    rest(book)
    assert (ending(run.end(book)), sent(run)) == (OFF, ALL)
