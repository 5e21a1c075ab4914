"""Every scenario of the simulator, planned and approved, end to end and in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from tests.rehearsal import LADDER, SENTENCE, VENDORS_BODY, Rehearsal, ending
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.simulator import SCENARIOS

Make = Callable[..., Rehearsal]

# scenario: (ending of the planning run, ending of the approved run, changing requests)
ENDINGS = {
    "stuck": (("planned", "off", 0), ("done", "off", 0), 1),
    "equal_keys": (("planned", "off", 0), ("done", "off", 0), 1),
    "slow": (("planned", "off", 0), ("done", "off", 0), 1),
    "flaky": (("planned", "off", 0), ("done", "off", 0), 1),
    "unanswered": (("planned", "off", 0), ("done", "off", 0), 1),
    "maintenance": (("planned", "off", 0), ("done", "off", 0), 1),
    "edited": (("planned", "off", 0), ("done", "off", 0), 1),
    "odd_names": (("planned", "off", 0), ("done", "off", 0), 1),
    "shared_disk": (("planned", "off", 0), ("done", "off", 0), 1),
    "nas_service": (("planned", "off", 0), ("done", "off", 0), 1),
    "relay_refused": (("planned", "off", 0), ("done", "off", 0), 1),
    "relay_hangs": (("planned", "off", 0), ("done", "off", 0), 1),
    "heartbeat_of_the_dead": (("planned", "alive", 0), ("refused", "alive", 6), 0),
    "stuck_stale": (("planned", "unknown", 0), ("refused", "unknown", 7), 0),
    "ha_restart": (("planned", "off", 0), ("failed", "alive", 6), 1),
    "reader": (("planned", "off", 0), ("failed", "unknown", 9), 1),
    "healthy": (("planned", "alive", 0), ("refused", "alive", 6), 0),
    "deaf": (("planned", "alive", 0), ("refused", "alive", 6), 0),
    "kill_stuck": (("planned", "alive", 0), ("refused", "alive", 6), 0),
    "zombie": (("planned", "alive", 0), ("refused", "alive", 6), 0),
    "node_dead": (("planned", "unknown", 0), ("refused", "unknown", 7), 0),
    "node_unreachable": (("planned", "unknown", 0), ("refused", "unknown", 7), 0),
}
# scenario: (ending, the step that stopped it, what it says)
STOPPED = {
    "twins": (("refused", "unknown", 4), "locate", "2 VMs have this name (VM keys 41, "),
    "snapshot_only": (("refused", "unknown", 3), "locate", "only snapshots have this name"),
    "gone": (("failed", "unknown", 4), "status_key", "404 Not Found"),
    "wrong_row": (("refused", "unknown", 3), "status_key", "its row names status row"),
    "status_missing": (("refused", "unknown", 3), "status_key", "that name this machine are: none"),
    "migrating": (("refused", "unknown", 3), "verify", "just now (status 'migrating'"),
    "migration_stalled": (("refused", "unknown", 3), "verify", "just now (status 'migrating'"),
    "hibernating": (("refused", "unknown", 3), "verify", "(status 'hibernating'"),
    "stale_cores": (("nothing-to-do", "off", 0), "", "The record says stopped already"),
}  # fmt: skip


def test_each_scenario_has_its_expected_ending() -> None:
    assert {*ENDINGS, *STOPPED, "expired_token"} == set(SCENARIOS)


@pytest.mark.parametrize("scenario", ENDINGS)
def test_a_scenario_ends_as_its_evidence_supports(rehearse: Make, scenario: str) -> None:
    planned, approved, changes = ENDINGS[scenario]
    run = rehearse(scenario)
    account = run.approve()
    assert (planned, approved, changes) == (
        ending(run.planned),
        ending(account),
        len(run.sim.changing_requests()),
    )


@pytest.mark.parametrize("scenario", STOPPED)
def test_a_scenario_that_needs_no_plan_stops_with_its_reason(rehearse: Make, scenario: str) -> None:
    expected, step, text = STOPPED[scenario]
    run = rehearse(scenario)
    account = run.run(approve="0" * 64)
    stopped = account.decisive.step if account.decisive else ""
    said = account.decisive.summary if account.decisive else run_of(account, "plan")
    assert (expected, step, 0) == (ending(account), stopped, len(run.sim.changing_requests()))
    assert text in said


def run_of(account: object, step: str) -> str:
    return next(result.summary for result in account.results if result.step == step)  # type: ignore[attr-defined]


def test_an_expired_key_is_an_authentication_error_and_is_tried_once(rehearse: Make) -> None:
    run = rehearse("expired_token", kind="bearer")
    assert ending(run.run()) == ("failed", "unknown", 9)
    assert len(run.requests) == 1


@pytest.mark.parametrize("kind", ["bearer", "session"])
def test_the_main_job_ends_alike_with_every_way_to_log_in(rehearse: Make, kind: str) -> None:
    run = rehearse("stuck", kind=kind)
    assert ending(run.approve()) == ("done", "off", 0)


def test_the_put_is_the_vendors_to_the_letter(rehearse: Make) -> None:
    run = rehearse("stuck")
    account = run.approve()
    (entry,) = run.sim.changing_requests()
    key = run.sim.world.vm("web-01").status
    assert ("PUT", f"/api/v4/machine_status/{key}", "") == (entry.method, entry.path, entry.query)
    assert json.loads(entry.body) == VENDORS_BODY
    (call,) = account.changing_calls
    assert (dict(call.body or {}), call.exchange.status if call.exchange else None) == (VENDORS_BODY, 200)


def test_a_planning_run_changes_nothing_and_reads_only(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.run()
    assert {entry.method for entry in run.requests} == {"GET"}


# Read beside the vendor's procedure: what the user may do, witnesses, and what refuses what is no VM.
PROBES = (
    "users",
    "permissions",
    "machine_nics",
    "machine_drives",
    "machine_drive_stats",
    "nodes",
    "machine_logs",
    "tenant_nodes",
)


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_at_most_12_calls_without_the_probes_lead_from_connect_to_the_first_reading_of_confirm(
    rehearse: Make, kind: str
) -> None:
    run = rehearse("stuck", kind=kind)
    digest = run.run().fact("plan_digest")
    planning = len(run.requests)
    run.run(approve=digest)
    calls = [entry.path.split("/")[3] for entry in run.requests[planning:]]
    put = [entry.method for entry in run.requests[planning:]].index("PUT")
    assert calls[put + 1] == "vms"
    counted = [table for table in calls[: put + 2] if table not in PROBES]
    assert (len(counted) <= 12, put + 2 <= 16) == (True, True)


def test_of_a_planning_run_and_an_approved_one_nothing_is_left_in_between(rehearse: Make) -> None:
    run = rehearse("stuck")
    account = run.approve()
    assert run.digest == account.fact("plan_digest")
    left_out = dict.fromkeys(["poweroff", "snapshot", "kill"], "skipped")
    assert run.steps(account) == {**dict.fromkeys([step.id for step in STEPS], "passed"), **left_out}
    assert run.steps(run.planned) == {**run.steps(account), "force": "skipped", "confirm": "skipped"}


def test_the_same_state_gives_the_same_digest_however_often_it_is_planned(rehearse: Make) -> None:
    run = rehearse("stuck")
    digests = {run.run().fact("plan_digest") for _ in range(3)}
    run.clock.sleep(100_000)
    assert len(digests | {run.run().fact("plan_digest")}) == 1


@pytest.mark.parametrize("scenario", ["stuck_stale", "node_dead", "node_unreachable"])
def test_with_an_assertion_an_unknown_vm_is_forced_and_still_never_called_off(
    rehearse: Make, scenario: str
) -> None:
    run = rehearse(scenario)
    account = run.approve(assertion=SENTENCE)
    assert ending(account) == ("unknown", "unknown", 7)
    assert len(run.sim.changing_requests()) == 1
    assert SENTENCE in str(account.fact("plan"))


def test_the_assertion_is_part_of_what_was_approved(rehearse: Make) -> None:
    run = rehearse("node_dead")
    digest = run.run().fact("plan_digest")
    account = run.run(approve=digest, assertion=SENTENCE)
    assert ending(account) == ("refused", "unknown", 5)
    assert account.decisive
    assert "differs in: assertion" in account.decisive.summary


def test_an_assertion_does_not_open_what_is_alive(rehearse: Make) -> None:
    run = rehearse("zombie")
    assert ending(run.approve(assertion=SENTENCE)) == ("refused", "alive", 6)


def test_the_plan_says_what_an_approval_alone_will_not_open(rehearse: Make) -> None:
    hints = {}
    for scenario in ("stuck", "zombie", "node_dead"):
        account = rehearse(scenario).run(**LADDER)
        advice = next(r.next_step for r in account.results if r.step == "plan")
        hints[scenario] = advice.replace(account.fact("plan_digest"), "DIGEST")
    again = "To apply it: run again with approve=DIGEST"
    assert hints == {
        "stuck": again,
        "zombie": "As it stands, this plan does not open Force power off: the process lives, and while it "
        f"lives no approval opens it; Power Off and Kill Power may end it, or its node can. {again}",
        "node_dead": "As it stands, this plan does not open Force power off: nothing shows whether the "
        "process is gone; make sure at the node, and plan again with the parameter assertion: who checked, "
        "and how. "
        f"{again}",
    }


def test_a_stopped_vm_that_nobody_can_vouch_for_is_unknown_and_not_nothing_to_do(rehearse: Make) -> None:
    run = rehearse("node_dead")
    run.sim.world.set_status_of("web-01", running=False, status="stopped", state="offline")
    account = run.run(approve="0" * 64)
    assert (ending(account), run.changes()) == (("unknown", "unknown", 7), [])
    assert account.decisive
    assert account.decisive.summary == (
        "Verdict: unknown. Its record says stopped already, but nothing shows that its process is gone. "
        "Nothing is planned."
    )
    assert account.decisive.next_step == (
        "do not power it on yet; make sure at the node that the process is gone, then run this again"
    )


def test_a_living_process_under_a_stopped_record_is_refused_loudly(rehearse: Make) -> None:
    run = rehearse("zombie")
    run.sim.world.behave("web-01", rewrite=None)
    run.sim.world.set_status_of("web-01", running=False, status="stopped", state="offline")
    account = run.run(approve="0" * 64)
    assert ending(account) == ("refused", "alive", 3)
    assert account.decisive
    assert "its process lives" in account.decisive.summary


def test_what_the_engineer_expects_is_compared_and_refuses(rehearse: Make) -> None:
    run = rehearse("stuck")
    assert ending(run.run(expect_cores=4, expect_ram_mb=8192)) == ("planned", "off", 0)
    assert ending(run.run(expect_cores=5)) == ("refused", "unknown", 3)
    assert ending(run.run(expect_ram_mb=4096)) == ("refused", "unknown", 3)


def test_the_status_row_of_another_machine_stops_verify(rehearse: Make) -> None:
    run = rehearse("stuck")
    vm = run.sim.world.vm("web-01")
    foreign = run.sim.world.vm("web-02").machine
    account = run.run(
        before={"verify": lambda: run.sim.world.set_row("machine_status", vm.status, machine=foreign)}
    )
    assert ending(account) == ("refused", "unknown", 3)
    assert (
        "forcing this row would hit another machine" in account.decisive.next_step
        if account.decisive
        else False
    )


@pytest.mark.parametrize("status", ["maintenance", "leavingmaintenance", "driversreloading"])
def test_a_row_with_a_nodes_status_is_refused(rehearse: Make, status: str) -> None:
    run = rehearse("stuck")
    run.sim.world.set_status_of("web-01", status=status)
    assert ending(run.run()) == ("refused", "unknown", 3)


def test_a_vm_that_is_on_its_way_to_another_node_is_refused(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.sim.world.set_status_of("web-01", migration_destination=2)
    assert ending(run.run()) == ("refused", "unknown", 3)


def test_the_whole_job_goes_through_the_tls_door_as_well(rehearse: Make) -> None:
    from dataclasses import replace
    from pathlib import Path

    run = rehearse("unanswered")
    run.transport = None  # type: ignore[assignment]
    with run.sim.serve() as door:
        run.profile = replace(run.profile, host=door.host, ca_file=Path(door.ca_file))
        assert ending(run.approve()) == ("done", "off", 0)
    assert len(run.sim.changing_requests()) == 1


def test_where_a_real_system_answers_for_the_simulator_nothing_more_is_asked_of_it(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.profile = replace(run.profile, kind="simulator")
    inner = run.sim.transport()

    def nameless(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        del answer.headers["Server"]
        return answer

    run.transport = httpx.MockTransport(nameless)
    account = run.run(approve="0" * 64)
    assert (ending(account), account.simulated) == (("refused", "unknown", 3), False)
    assert [entry.path for entry in run.requests] == ["/api/v4/system"]
    assert account.decisive
    assert account.decisive.summary == (
        "connecting to the profile 'lab': something answered that is not the simulator"
    )
