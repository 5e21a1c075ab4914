"""Watching a VM over hours, and starting it when it is asked for: on a stepped clock, in process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.procedure.doubt import in_doubt
from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import PASSWORD, ending
from vergeos_nb.clock import iso
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.settings import spellings
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.views.analysis.frames import frames
from vergeos_nb.views.bundle import static_view

Make = Callable[..., FollowUp]
pytestmark = pytest.mark.usefixtures("plain_pages")

HOURS = {"minutes": 120, "every_s": 60}
SHORT = {"minutes": 2, "every_s": 10}


@pytest.fixture
def forced(rehearse: Make) -> FollowUp:
    """A VM that was stuck and was forced off."""
    run = rehearse("stuck")
    run.force()
    return run


def step(account: Any, name: str) -> StepResult:
    (found,) = [result for result in account.results if result.step == name]
    return found


def rows(result: StepResult, table: str) -> tuple[tuple[Any, ...], ...]:
    (found,) = [t for t in result.tables if t.schema.name == table]
    return found.rows


def power_on_by(run: FollowUp, user: str = "mallory") -> None:
    """Somebody else powers the VM on."""
    from vergeos_nb.simulator.api import actions

    with run.sim.world.lock:
        run.sim.world.settle()
        vm = run.sim.world.tables["vms"][run.sim.world.vm("web-01").key]
        actions.perform(run.sim.world, vm, "poweron", {}, user=user)


# -- it stays off ----------------------------------------------------------------------------------


def test_a_vm_that_stays_off_for_hours_is_off_and_nothing_but_get_was_sent(forced: FollowUp) -> None:
    seen, began = len(forced.requests), forced.clock.now()
    account = forced.watch(**HOURS)
    assert ending(account) == ("done", "off", 0)
    assert forced.clock.now() - began >= 7200
    assert {entry.method for entry in forced.requests[seen:]} == {"GET"}
    assert {name: forced.steps(account)[name] for name in ("watch", "plan", "power_on", "confirm")} == {
        "watch": "passed",
        "plan": "skipped",
        "power_on": "skipped",
        "confirm": "passed",
    }
    assert summary_of(account).headline == "'web-01' stayed off."
    assert step(account, "watch").facts["readings"] == 122


def test_the_machines_log_of_the_last_day_is_kept_in_the_record(forced: FollowUp) -> None:
    machine = forced.sim.world.vm("web-01").machine
    forced.sim.world.log(machine, "disk is slow", level="warning")
    forced.clock.sleep(3600)
    forced.clock.after(1800, lambda: forced.sim.world.log(machine, "backup skipped", user="system"))
    logs = rows(step(forced.watch(**HOURS), "watch"), "logs")
    assert [(level, user, text) for _, level, user, text in logs[:2]] == [
        ("message", "system", "backup skipped"),
        ("warning", "", "disk is slow"),
    ]


def test_two_days_of_watching_stay_small_enough_to_be_read(forced: FollowUp) -> None:
    account = forced.watch(minutes=2880, every_s=600)
    watched = step(account, "watch")
    assert ending(account) == ("done", "off", 0)
    assert watched.facts["readings"] == 290
    assert len(rows(watched, "samples")) <= 201
    calls = len(watched.exchanges)
    shown = static_view(watched)
    assert calls > 500
    assert f"API calls: {calls}" in shown["text/plain"]
    assert f"API calls: {calls}" in shown["text/html"]
    assert shown["text/plain"].count("GET /api/v4/") < 20
    assert len(frames(watched)["calls"]) == calls


def test_a_watch_of_no_time_still_takes_two_readings_a_gap_apart(forced: FollowUp) -> None:
    account = forced.watch(minutes=0)
    first, *_, last = rows(step(account, "watch"), "samples")
    assert ending(account) == ("done", "off", 0)
    assert last[0] - first[0] >= 5.0


@pytest.mark.parametrize("scenario", ["equal_keys", "flaky", "odd_names"])
def test_other_scenarios_stay_off_as_well(rehearse: Make, scenario: str) -> None:
    run = rehearse(scenario)
    run.force()
    assert ending(run.watch(**SHORT)) == ("done", "off", 0)


# -- it comes back ---------------------------------------------------------------------------------


def test_a_restart_by_ha_ends_the_watch_at_once_and_says_where(forced: FollowUp) -> None:
    from vergeos_nb.simulator.world import life

    began, machine = forced.clock.now(), forced.sim.world.vm("web-01").machine
    forced.clock.after(3000, lambda: life.HANDLERS["ha_restart"](forced.sim.world, machine, {}))
    account = forced.watch(**HOURS)
    row = forced.sim.world.status_of("web-01")
    assert ending(account) == ("failed", "alive", 6)
    assert account.decisive is not None
    assert account.decisive.summary == (
        "Verdict: alive. 'web-01' did not stay off: it was restarted elsewhere, as HA does "
        f"(row says running, node {row['node']}, started {iso(row['started'])}; "
        "the log says: VM was restarted on another node)."
    )
    assert 3000 <= forced.clock.now() - began < 3000 + 180
    assert account.decisive.error is not None
    assert account.decisive.error["type"] == "StillAlive"


def test_somebody_who_powers_it_on_is_named(forced: FollowUp) -> None:
    forced.clock.after(600, lambda: power_on_by(forced))
    account = forced.watch(**HOURS)
    assert ending(account) == ("failed", "alive", 6)
    assert account.decisive is not None
    assert "it was powered on by mallory at " in account.decisive.summary


def test_a_process_under_a_row_that_stays_stopped_is_found(forced: FollowUp) -> None:
    def back() -> None:
        forced.sim.world.behave("web-01", rewrite=None)
        forced.sim.world.truth("web-01").copies = [2]

    forced.clock.after(600, back)
    account = forced.watch(**HOURS)
    assert ending(account) == ("failed", "alive", 6)
    assert account.decisive is not None
    assert "freshly reads" in account.decisive.summary


def test_a_vm_that_ran_and_stopped_again_between_two_readings_did_not_stay_off(forced: FollowUp) -> None:
    forced.clock.after(601, lambda: forced.sim.world.set_status_of("web-01", started=int(forced.clock.now())))
    account = forced.watch(**HOURS)
    assert ending(account) == ("failed", "alive", 6)


def test_a_restart_before_the_watch_began_is_found_too(forced: FollowUp) -> None:
    forced.sim.world.revive_process("web-01", node=2)
    account = forced.watch(**HOURS)
    assert ending(account) == ("failed", "alive", 6)


def test_a_vm_that_is_just_starting_when_the_watch_begins_is_not_refused_but_watched(
    forced: FollowUp,
) -> None:
    power_on_by(forced)
    account = forced.watch(**HOURS)
    assert forced.steps(account)["verify"] == "passed"
    assert ending(account) == ("failed", "alive", 6)


# -- nobody can tell -------------------------------------------------------------------------------


def test_a_network_that_is_down_in_the_middle_is_ridden_out_and_told(forced: FollowUp) -> None:
    down = Rule("down", "GET", "/api/v4/*", drop="before")
    forced.clock.after(1000, lambda: forced.sim.faults.add(down))
    forced.clock.after(3000, forced.sim.faults.clear)
    account = forced.watch(**HOURS)
    watched = step(account, "watch")
    assert (ending(account), watched.facts["outages"]) == (("done", "off", 0), 1)
    told = dict(rows(watched, "facts"))["not readable"]
    assert told.count(" to ") == 1
    assert "not readable" in watched.summary


def test_a_restart_while_the_network_was_down_is_found_when_it_is_back(forced: FollowUp) -> None:
    down = Rule("down", "GET", "/api/v4/*", drop="before")
    forced.clock.after(1000, lambda: forced.sim.faults.add(down))
    forced.clock.after(2000, lambda: forced.sim.world.revive_process("web-01", node=3))
    forced.clock.after(3000, forced.sim.faults.clear)
    assert ending(forced.watch(**HOURS)) == ("failed", "alive", 6)


def test_a_network_that_stays_down_ends_unknown(forced: FollowUp) -> None:
    down = Rule("down", "GET", "/api/v4/*", drop="before")
    forced.clock.after(60, lambda: forced.sim.faults.add(down))
    account = forced.watch(**SHORT)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive is not None
    assert "the last reading failed" in account.decisive.summary


@pytest.mark.parametrize("status", [401, 403])
def test_a_watch_that_is_locked_out_ends_unknown(forced: FollowUp, status: int) -> None:
    out = Rule("out", "GET", "/api/v4/*", status=status)
    forced.clock.after(60, lambda: forced.sim.faults.add(out))
    assert ending(forced.watch(**SHORT)) == ("unknown", "unknown", 7)


@pytest.mark.parametrize("scenario", ["node_dead", "node_unreachable"])
def test_a_row_that_stays_stopped_without_evidence_is_unknown(rehearse: Make, scenario: str) -> None:
    run = rehearse(scenario)
    run.sim.world.set_status_of("web-01", running=False, status="stopped", state="offline")
    account = run.watch(**SHORT)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive is not None
    assert "no fresh evidence of death came" in account.decisive.summary


def test_a_vm_that_was_never_forced_off_is_not_watched_for_hours(rehearse: Make) -> None:
    run = rehearse("stuck")
    began = run.clock.now()
    account = run.watch(**HOURS)
    assert ending(account) == ("unknown", "unknown", 7)
    assert run.clock.now() - began < 60
    assert account.decisive is not None
    assert "its record does not say stopped: it says unresponsive" in account.decisive.summary


def test_a_row_that_turns_out_to_be_another_machines_ends_unknown(forced: FollowUp) -> None:
    vm, other = forced.sim.world.vm("web-01"), forced.sim.world.vm("web-02")
    forced.clock.after(
        60, lambda: forced.sim.world.set_row("machine_status", vm.status, machine=other.machine)
    )
    account = forced.watch(**SHORT)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive is not None
    assert f"the status row is of machine {other.machine} now" in account.decisive.summary


def test_a_stop_ends_the_watch_within_seconds_and_is_unknown(forced: FollowUp) -> None:
    began = forced.clock.now()
    forced.clock.after(1000, (forced.outputs / "STOP").touch)
    account = forced.watch(minutes=600, every_s=3600)
    assert ending(account) == ("unknown", "unknown", 7)
    assert forced.clock.now() - began <= 1010
    assert account.decisive is not None
    assert (
        f"the stop file {forced.outputs / 'STOP'} says stop after 16.7 of 600 min" in account.decisive.summary
    )


def test_a_watch_holds_no_lease_so_that_others_can_act(forced: FollowUp) -> None:
    book = forced.open("watch_after_power_off", **SHORT)
    for one in book.engine.steps[:5]:
        book.step(one.id)
    assert not (forced.outputs / "leases").exists()
    forced.end(book)


# -- powering on -----------------------------------------------------------------------------------


def test_without_an_approval_a_start_is_planned_and_not_sent(forced: FollowUp) -> None:
    seen = len(forced.requests)
    account = forced.watch(power_on=True, **SHORT)
    key = forced.sim.world.vm("web-01").key
    assert ending(account) == ("planned", "off", 0)
    assert {entry.method for entry in forced.requests[seen:]} == {"GET"}
    assert [
        {name: request[name] for name in ("method", "path", "body")}
        for request in account.fact("plan")["requests"]
    ] == [{"method": "POST", "path": "/api/v4/vm_actions", "body": {"vm": key, "action": "poweron"}}]
    assert not forced.sim.process_alive("web-01")


def test_an_approved_start_is_sent_once_and_seen_to_run_properly(forced: FollowUp) -> None:
    account = forced.start(**SHORT)
    row = forced.sim.world.status_of("web-01")
    assert ending(account) == ("done", "alive", 0)
    assert forced.sent_since() == [
        ("POST", "vm_actions", {"vm": forced.sim.world.vm("web-01").key, "action": "poweron"})
    ]
    assert forced.sim.process_copies("web-01") == 1
    assert summary_of(account).headline == (
        f"'web-01' started properly: it runs on node {row['node']} since {iso(row['started'])}."
    )


def test_a_vm_that_came_back_by_itself_is_not_powered_on(forced: FollowUp) -> None:
    forced.sim.world.revive_process("web-01", node=2)
    account = forced.watch(power_on=True, approve="0" * 64, **SHORT)
    assert (ending(account), forced.sent_since()) == (("failed", "alive", 6), [])
    assert forced.steps(account)["power_on"] == "skipped"


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_back_to_life_after_the_plan_keeps_the_start_closed(forced: FollowUp, late: bool) -> None:
    def back() -> None:
        forced.sim.world.behave("web-01", rewrite=None)
        forced.sim.world.truth("web-01").copies = [2]  # under a row that stays stopped
        forced.clock.sleep(120)

    def started() -> None:
        forced.sim.world.revive_process("web-01", node=2)

    account = forced.start(before={"power_on": back if late else started}, **SHORT)
    assert forced.sent_since() == []
    assert ending(account) == (("refused", "alive", 6) if late else ("refused", "unknown", 5))
    assert forced.sim.process_copies("web-01") == 1


@pytest.mark.parametrize("scenario", ["node_dead", "node_unreachable"])
def test_where_nobody_knows_no_approval_opens_the_start(rehearse: Make, scenario: str) -> None:
    run = rehearse(scenario)
    run.sim.world.set_status_of("web-01", running=False, status="stopped", state="offline")
    account = run.watch(power_on=True, approve="0" * 64, **SHORT)
    assert (ending(account), run.changes()) == (("unknown", "unknown", 7), [])


def test_an_approval_that_ends_before_the_watch_is_told_before_the_waiting(forced: FollowUp) -> None:
    began = forced.clock.now()
    account = forced.watch(power_on=True, approve="0" * 64, minutes=60)
    assert (ending(account), forced.sent_since()) == (("refused", "unknown", 5), [])
    assert forced.clock.now() - began < 60


@pytest.mark.parametrize("gate", ["stop", "expired", "digest", "window", "list", "two people"])
def test_every_gate_closes_the_start_too(forced: FollowUp, policy: Callable[[str], None], gate: str) -> None:
    code, params = 3, dict(SHORT)
    if gate == "stop":
        params["before"] = {"power_on": (forced.outputs / "STOP").touch}
    elif gate == "expired":
        params["before"], code = {"power_on": lambda: forced.clock.sleep(3600)}, 5
    elif gate == "window":
        policy('[[window]]\ndays = ["tue"]\nfrom = "03:00"\nto = "04:00"\ntimezone = "UTC"')
    elif gate == "list":
        policy('[do_not_touch]\nnames = ["web-*"]')
    elif gate == "two people":
        policy("[approval]\ntwo_people = true")
        params |= {"operator": "jo", "approver": "Jo"}
    if gate in ("digest", "list"):
        code = 5 if gate == "digest" else 3
        account = forced.watch(power_on=True, approve="0" * 64, **params)
    else:
        account = forced.start(**params)
    assert (account.outcome, account.exit_code, forced.sent_since()) == ("refused", code, [])


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("doubt", ["500", "timeout", "dropped after", "dropped in the middle"])
def test_a_start_in_doubt_is_sent_once_and_settled_by_looking(
    forced: FollowUp, doubt: str, executed: bool
) -> None:
    forced.sim.faults.add(Rule("post", "POST", "/api/v4/vm_actions", **in_doubt(doubt, executed)))
    account = forced.start(start_timeout_s=40, **SHORT)
    assert (ending(account), len(forced.sent_since())) == (
        ("done", "alive", 0) if executed else ("unknown", "unknown", 7),
        1,
    )


def test_a_start_that_the_platform_refuses_fails_with_its_code(forced: FollowUp) -> None:
    forced.sim.faults.add(Rule("post", "POST", "/api/v4/vm_actions", status=403))
    account = forced.start(**SHORT)
    assert (ending(account), len(forced.sent_since())) == (("failed", "unknown", 9), 1)


def test_a_start_that_hangs_is_unknown_when_its_time_is_over(forced: FollowUp) -> None:
    forced.sim.world.behave("web-01", poweron=36_000.0)
    account = forced.start(start_timeout_s=60, **SHORT)
    assert ending(account) == ("unknown", "unknown", 7)
    assert account.decisive is not None
    assert "was not seen to start properly: the row says initializing" in account.decisive.summary


def test_a_vm_that_crashes_right_after_its_start_did_not_start_properly(forced: FollowUp) -> None:
    quick = {**SHORT, "start_timeout_s": 60}
    digest = forced.watch(power_on=True, **quick).fact("plan_digest")
    forced.sim.world.behave("web-01", ha_restart=None, unresponsive=None)
    book = forced.open("watch_after_power_off", power_on=True, approve=digest, **quick)
    for one in book.engine.steps[:-1]:
        book.step(one.id)
    forced.clock.after(20, lambda: forced.sim.world.kill_process("web-01"))
    book.step("confirm")
    account = forced.end(book)
    assert account.exit_code == 7
    assert account.outcome == "unknown"


def test_no_way_of_running_on_sends_the_start_again(forced: FollowUp) -> None:
    forced.sim.faults.add(Rule("post", "POST", "/api/v4/vm_actions", drop="before"))
    quick = {**SHORT, "settle_s": 5, "confirm_timeout_s": 9, "start_timeout_s": 9}
    digest = forced.watch(power_on=True, **quick).fact("plan_digest")
    book = forced.open("watch_after_power_off", power_on=True, approve=digest, **quick)
    for _ in range(3):
        for one in (*book.engine.steps, *reversed(book.engine.steps)):
            book.step(one.id)
    assert (ending(forced.end(book)), len(forced.sent_since())) == (("unknown", "unknown", 7), 1)


# -- parameters and secrets ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"approve": "0" * 64}, "a watch changes nothing"),
        (
            {"minutes": 10_080},
            "that makes 20160 readings, at most 5000 fit into a record; set it to 121 or more",
        ),
        ({"minutes": 10_081}, "less than or equal to 10080"),
        ({"minutes": -1}, "greater than or equal to 0"),
        ({"every_s": 0}, "greater than or equal to 1"),
        ({"power_on": "maybe"}, "power_on"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        read_parameters("watch_after_power_off", {"vm_name": "web-01", **given})


def test_no_secret_reaches_a_file_of_a_watch(forced: FollowUp) -> None:
    forced.sim.faults.add(Rule("post", "POST", "/api/v4/vm_actions", status=403, text=f"no: {PASSWORD}"))
    forced.sim.world.log(forced.sim.world.vm("web-01").machine, f"password {PASSWORD} was typed")
    account = forced.start(finish=True, **SHORT)
    assert ending(account) == ("failed", "unknown", 9)
    texts = [path.read_bytes() for path in forced.outputs.rglob("*") if path.is_file()]
    assert [s for s in spellings(PASSWORD, "admin") if any(s.encode() in text for text in texts)] == []
