"""The product finds out how a platform behaves: what it reads, what it tries out, and what it keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import SYSTEM, ending
from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.simulator import Simulator, SteppedClock
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.world import life
from vergeos_nb.vergeos.measured import SystemMeasured

# The version that the simulator says it has.
VERSION = str(next(iter(Simulator("healthy", clock=SteppedClock()).world.rows("system")))["yb_version"])
Make = Callable[..., "Learning"]


class Learning(FollowUp):
    """Runs that learn about one simulated system."""

    def hold_to_truth(self, account: RunState) -> None:
        sent = self.changes()
        assert all(sent.count(request) == 1 for request in sent), f"sent twice: {sent}"
        row = self.sim.world.vm(self.vm_name)
        assert {(m, p) for m, p, _ in sent} <= {
            ("POST", "vm_actions"),
            ("PUT", f"machine_status/{row.status}"),
        }
        assert {body["vm"] for _, path, body in sent if path == "vm_actions"} <= {row.key}

    def learn(self, **params: Any) -> dict[str, str]:
        """A run that only reads. Returns what was seen."""
        self.account = self.follow("learn_platform", vm_name="", **params)
        return self.seen()

    def try_out(self, **params: Any) -> dict[str, str]:
        """Plan with the test VM, and apply it. Returns what was seen."""
        self.planned = self.follow("learn_platform", **params)
        digest = self.planned.fact("plan_digest")
        self.began, self.calls_before = self.clock.now(), len(self.requests)
        self.account = self.follow("learn_platform", **params, approve=digest)
        return self.seen()

    def seen(self) -> dict[str, str]:
        return {name: one["value"] for name, one in self.account.fact("seen").items()}

    def assumptions(self) -> dict[str, str]:
        """What the run says of each assumption."""
        return {name: one["is"] for name, one in self.account.fact("assumptions").items()}

    def kept(self) -> PlatformFiles:
        return PlatformFiles(self.outputs, self.clock)


@pytest.fixture
def learn(tmp_path: Path) -> Make:
    def make(scenario: str = "healthy", **options: Any) -> Learning:
        return Learning(scenario, tmp_path / "outputs", **options)

    return make


def test_without_a_vm_it_reads_only_and_says_what_it_saw(learn: Make) -> None:
    run = learn()
    seen = run.learn()
    assert (ending(run.account), run.changes()) == (("done", "unknown", 0), [])
    columns = {name: seen.pop(name) for name in list(seen) if name.startswith("columns_of_")}
    assert set(columns.values()) == {"as expected", "no rows"}
    assert columns["columns_of_machine_status"] == "as expected"
    assert seen == {
        "version": VERSION,
        "may_change": "everything",
        "no_match": "[]",
        "unknown_column": "matches nothing",
        "unknown_column_with_braces": "matches all",
        "latency_ms": "0",
        "status_rows_running": "written",
        "stats_rows_running": "written",
        "status_rows_stopped": "not written",
        "stats_rows_stopped": "written",
        "status_rows_node": "written",
        "stats_rows_node": "written",
        "ram_of_stopped": "zero",
        "ram_of_running": "in use",
        "oldest_reading_s": "0",
        "longest_gap_s": "3",
        "state_with_vm": "same",
        "rows_with_vm": "same",
    }


def test_a_test_vm_is_only_planned_for_without_an_approval_and_what_was_read_is_kept(learn: Make) -> None:
    run = learn()
    account = run.follow("learn_platform")
    assert (ending(account), run.changes()) == (("planned", "alive", 0), [])
    assert [(r["rung"], r["method"], r["body"]) for r in account.fact("plan")["requests"]] == [
        ("poweroff", "POST", {"vm": run.subject.key, "action": "poweroff"}),
        ("kill", "POST", {"vm": run.subject.key, "action": "kill"}),
        (
            "write",
            "PUT",
            {"running": False, "migratable": True, "status": "stopped", "state": "offline"},
        ),
        ("write powerstate", "PUT", {"powerstate": False}),
        ("write node", "PUT", {"node": None}),
    ]
    assert "put_body" not in run.kept().find(SYSTEM).seen
    assert run.kept().find(SYSTEM).seen["no_match"].value == "[]"


def test_with_an_approval_each_request_of_the_plan_is_sent_once_and_the_vm_stays_stopped(
    learn: Make,
) -> None:
    run = learn()
    seen = run.try_out()
    assert ending(run.account) == ("done", "off", 0)
    planned = [(r["method"], r["path"], r["body"]) for r in run.planned.fact("plan")["requests"]]
    assert [(m, f"/api/v4/{p}", b) for m, p, b in run.changes()] == planned
    assert not run.sim.process_alive(run.subject.key)
    assert {name: value for name, value in seen.items() if name not in run.learn()} == {
        "poweroff_of_running": "accepted",
        "poweroff_took_s": seen["poweroff_took_s"],
        "kill_of_stopped": "accepted",
        "status_row_of_test_vm": "not written",
        "stats_row_of_test_vm": "written",
        "ram_of_test_vm": "zero",
        "write": "accepted",
        "put_body": {"object": "{}", "list": "[]", "nothing": "null"}[Switches().put_answers],
        "put_row": "stays",
        "put_last_update": "moves",
        "put_log": "no line",
        "write_powerstate": "accepted",
        "write_node": "accepted",
    }


def test_it_takes_a_minute_and_a_hundred_calls_at_most(learn: Make) -> None:
    run = learn()
    run.try_out()
    assert run.clock.now() - run.began <= 60
    assert len(run.requests) - run.calls_before <= 100


def test_a_guest_that_ignores_power_off_is_killed_and_the_rest_is_measured(learn: Make) -> None:
    run = learn("deaf")
    seen = run.try_out()
    assert ending(run.account) == ("done", "off", 0)
    assert (seen["poweroff_took_s"], seen["kill_of_running"]) == ("never", "accepted")
    assert seen["stats_row_of_test_vm"] == "written"
    assert "kill_of_stopped" not in seen


def test_a_row_that_does_not_say_stopped_is_never_written(learn: Make) -> None:
    run = learn("zombie")
    seen = run.try_out()
    assert ending(run.account) == ("done", "alive", 0)
    assert [(method, path) for method, path, _ in run.changes()] == [("POST", "vm_actions")] * 2
    assert "write" not in seen


def test_a_vm_that_the_policy_protects_is_not_tried_out(learn: Make, policy: Callable[[str], None]) -> None:
    policy('[do_not_touch]\nnames = ["web-*"]\n')
    run = learn()
    account = run.follow("learn_platform")
    assert (ending(account), run.changes()) == (("refused", "alive", 3), [])


def test_a_user_who_may_only_read_is_told_so_and_nothing_is_measured_with_the_vm(learn: Make) -> None:
    run = learn("reader")
    run.try_out()
    assert ending(run.account)[::2] == ("failed", 9)
    assert run.account.decisive is not None
    assert run.account.decisive.step == "stop"


def test_what_was_kept_names_system_version_time_and_record(learn: Make) -> None:
    run = learn()
    run.learn()
    kept = run.kept().find(SYSTEM)
    assert kept.system == SystemMeasured(SYSTEM, "lab-east", VERSION, True)
    one = kept.seen["stats_rows_stopped"]
    assert (one.value, one.version, one.record) == ("written", VERSION, run.folder.name)
    assert re.fullmatch("2 rows looked at 6 times in 1[12] s, written 5, 5 times", one.how)


def test_a_later_run_adds_to_what_was_kept(learn: Make) -> None:
    run = learn()
    run.try_out()
    first = run.folder.name
    run.learn()
    kept = run.kept().find(SYSTEM).seen
    assert (kept["put_row"].record, kept["no_match"].record) == (first, run.folder.name)


def test_reading_alone_measures_six_of_ten_assumptions_and_says_what_the_others_need(learn: Make) -> None:
    run = learn()
    run.learn()
    needs_vm = "not measured"
    assert run.assumptions() == {
        "statistics_of_a_stopped_machine_are_written": "measured true",
        "status_of_a_stopped_machine_is_written": "measured false",
        "rows_of_a_running_machine_are_written_within_5_s": "measured true",
        "last_statistics_of_a_stopped_machine_hold_no_ram": "measured true",
        "rows_come_together_with_a_vm": "measured true",
        "no_match_is_an_empty_list": "measured true",
        "kill_of_a_stopped_machine_is_refused": needs_vm,
        "status_row_takes_powerstate_and_node": needs_vm,
        "status_row_stays_as_it_was_written": needs_vm,
        "writing_the_status_row_is_logged": needs_vm,
    }
    kept = run.kept().find(SYSTEM).assumptions
    assert {name: one.value for name, one in kept.items()} == run.assumptions()
    assert kept["kill_of_a_stopped_machine_is_refused"].how == (
        "no stopped test VM was killed; this needs a test VM and an approved plan"
    )


def test_what_a_later_run_did_not_measure_stays_measured(learn: Make) -> None:
    run = learn()
    run.try_out()
    with_vm = run.assumptions()
    run.learn()
    kept = {name: one.value for name, one in run.kept().find(SYSTEM).assumptions.items()}
    assert kept == with_vm
    assert "not measured" not in kept.values()


def test_connect_says_how_much_is_known_of_this_system_and_version(learn: Make) -> None:
    run = learn()

    def told() -> str:
        connect = run.follow("force_power_off").results[0]
        return next(str(row[1]) for row in connect.tables[0].rows if row[0] == "platform")

    assert told() == f"none of 10 assumptions measured on {VERSION}"
    run.learn()
    assert told() == f"6 of 10 assumptions measured on {VERSION}, less than a day ago"
    run.clock.sleep(12 * 86_400)
    assert told() == f"6 of 10 assumptions measured on {VERSION}, 12 days ago"


def test_what_was_measured_on_another_version_counts_for_nothing_and_is_said(learn: Make) -> None:
    run = learn("stuck", switches=Switches(heartbeat_of_the_dead="goes_on"))
    run.learn()
    path = run.outputs / "platform" / f"{SYSTEM}.toml"
    path.write_text(path.read_text().replace(VERSION, "26.0.2"))
    account = run.follow("force_power_off")
    assert account.verdict == "alive"
    told = dict(account.results[0].tables[0].rows)["platform"]
    assert told == (
        f"none of 10 assumptions measured on {VERSION}; what was measured on 26.0.2 does not count for this "
        "version"
    )


def test_a_heartbeat_that_goes_on_over_a_stopped_machine_is_no_life_once_it_was_measured(learn: Make) -> None:
    run = learn("stuck", switches=Switches(heartbeat_of_the_dead="goes_on"))
    before = run.follow("force_power_off")
    run.learn()
    after = run.follow("force_power_off")
    assert (before.verdict, after.verdict) == ("alive", "off")
    done = run.follow("force_power_off", approve=after.fact("plan_digest"))
    assert ending(done) == ("done", "off", 0)
    (alive,) = [one for one in done.results if one.step == "alive"]
    said = {row[0]: row[2] for table in alive.tables if table.schema.name == "evidence" for row in table.rows}
    assert f"so does the row of a stopped machine, as measured here (measured true on {VERSION}" in str(
        said["machine_status"]
    )
    assert done.fact("measured")["status_of_a_stopped_machine_is_written"]["record"]


def test_fresh_zeros_are_no_death_once_stopped_machines_were_seen_without_fresh_statistics(
    learn: Make,
) -> None:
    run = learn("stuck")
    assert run.follow("force_power_off").verdict == "off"
    # The dead VM's statistics go on, and those of stopped VMs do not: nobody knows who writes them.
    world = run.sim.world
    for machine, vitals in world.vitals.items():
        if not vitals.alive and machine != run.subject.machine:
            vitals.freeze(world.now)
    run.learn()
    assert run.assumptions()["statistics_of_a_stopped_machine_are_written"] == "measured false"
    assert run.follow("force_power_off").verdict == "unknown"


STATISTICS = "statistics_of_a_stopped_machine_are_written"
STATUS = "status_of_a_stopped_machine_is_written"
TOGETHER = "rows_come_together_with_a_vm"
LOGGED = "writing_the_status_row_is_logged"
YES, NO = "measured true", "measured false"
# Each position of a switch, what is seen of it, and what it says of an assumption.
POSITIONS: list[tuple[dict[str, Any], dict[str, str], dict[str, str]]] = [
    ({"statistics_of_the_dead": "zeros"}, {"stats_row_of_test_vm": "written"}, {STATISTICS: YES}),
    ({"statistics_of_the_dead": "stale"}, {"stats_row_of_test_vm": "not written"}, {STATISTICS: NO}),
    ({"statistics_of_the_dead": "gone"}, {"stats_row_of_test_vm": "no row"}, {STATISTICS: NO}),
    ({"heartbeat_of_the_dead": "stops"}, {"status_row_of_test_vm": "not written"}, {STATUS: NO}),
    ({"heartbeat_of_the_dead": "goes_on"}, {"status_row_of_test_vm": "written"}, {STATUS: YES}),
    ({"rows_behind_a_vm": "come"}, {"rows_with_vm": "same"}, {TOGETHER: YES}),
    ({"rows_behind_a_vm": "old"}, {"rows_with_vm": "differ"}, {TOGETHER: NO}),
    ({"rows_behind_a_vm": "null"}, {"rows_with_vm": "missing"}, {TOGETHER: NO}),
    ({"rows_behind_a_vm": "dropped"}, {"rows_with_vm": "missing"}, {TOGETHER: NO}),
    ({"rows_behind_a_vm": "refused"}, {"rows_with_vm": "missing"}, {TOGETHER: NO}),
    ({"no_match": "list"}, {"no_match": "[]"}, {"no_match_is_an_empty_list": YES}),
    ({"no_match": "count"}, {"no_match": '{"$count": 0}'}, {"no_match_is_an_empty_list": NO}),
    (
        {"read_only_status_columns": "none"},
        {"write_powerstate": "accepted", "write_node": "accepted"},
        {"status_row_takes_powerstate_and_node": YES},
    ),
    (
        {"read_only_status_columns": "powerstate_and_node"},
        {"write_powerstate": "refused", "write_node": "refused"},
        {"status_row_takes_powerstate_and_node": NO},
    ),
    (
        {"kill_on_stopped_is_accepted": True},
        {"kill_of_stopped": "accepted"},
        {"kill_of_a_stopped_machine_is_refused": NO},
    ),
    (
        {"kill_on_stopped_is_accepted": False},
        {"kill_of_stopped": "answered 409"},
        {"kill_of_a_stopped_machine_is_refused": YES},
    ),
    ({"put_answers": "object"}, {"put_body": "{}"}, {}),
    ({"put_answers": "list"}, {"put_body": "[]"}, {}),
    ({"put_answers": "nothing"}, {"put_body": "null"}, {}),
    ({"override_is_logged": True}, {"put_log": "a line"}, {LOGGED: YES}),
    ({"override_is_logged": False}, {"put_log": "no line"}, {LOGGED: NO}),
    ({"override_bumps_last_update": True}, {"put_last_update": "moves"}, {}),
    ({"override_bumps_last_update": False}, {"put_last_update": "stays"}, {}),
    ({"unknown_column_in_filter_matches_nothing": True}, {"unknown_column": "matches nothing"}, {}),
    ({"unknown_column_with_braces_matches_all": True}, {"unknown_column_with_braces": "matches all"}, {}),
    (
        {"unknown_column_with_braces_matches_all": False},
        {"unknown_column_with_braces": "matches nothing"},
        {},
    ),
]  # fmt: skip


def _called(position: Any) -> str:
    return (
        "-".join(f"{name}={value}" for name, value in position.items()) if isinstance(position, dict) else ""
    )


def measure(run: Learning) -> None:
    """Plan and apply, within a minute and a hundred calls."""
    run.try_out()
    assert run.account.outcome == "done"
    assert run.clock.now() - run.began <= 60
    assert len(run.requests) - run.calls_before <= 100


@pytest.mark.parametrize(
    ("position", "seen", "assumed"),
    [
        # By day the positions that change a verdict, and one of each other kind.
        pytest.param(*one, marks=[] if at < 11 or at % 5 == 0 else pytest.mark.nightly, id=_called(one[0]))
        for at, one in enumerate(POSITIONS)
    ],
)
def test_the_position_of_a_switch_of_the_platform_is_found(
    learn: Make, position: dict[str, Any], seen: dict[str, str], assumed: dict[str, str]
) -> None:
    run = learn("healthy", switches=Switches(**position))
    measure(run)
    assert {name: run.seen().get(name) for name in seen} == seen
    assert {name: run.assumptions()[name] for name in assumed} == assumed


def test_where_no_vm_runs_nothing_is_said_of_rows_that_come_together_and_the_way_on_is(learn: Make) -> None:
    run = learn()
    world = run.sim.world
    for row in world.rows("vms"):
        if not row.get("is_snapshot") and row["machine"] in world.vitals:
            life.end_process(world, row["machine"])
    run.learn()
    kept = run.kept().find(SYSTEM).assumptions[TOGETHER]
    assert (kept.value, kept.how) == (
        "not measured",
        "rows_with_vm: not shown (no running VM was there); "
        "run it again while a VM runs that has a NIC and a drive",
    )


def test_where_only_some_rows_come_together_each_run_reads_the_others_by_their_own_calls(learn: Make) -> None:
    run = learn()
    inner: Any = run.transport

    def without_statistics(request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = inner.handler(request)
        row = json.loads(answer.content)
        if isinstance(row, dict) and isinstance(row.get("behind"), dict):
            row["behind"]["stats"] = None
        return httpx.Response(answer.status_code, headers={"server": answer.headers["server"]}, json=row)

    run.transport = httpx.MockTransport(without_statistics)
    run.learn()
    kept = run.kept().find(SYSTEM).assumptions[TOGETHER]
    assert (kept.value, kept.how) == (
        "not measured",
        "rows_with_vm: some missing (web-01: status same, statistics missing, counters same); "
        "each run reads the missing rows by their own calls",
    )


def test_rows_that_are_known_not_to_come_together_are_asked_for_one_by_one_alone(learn: Make) -> None:
    def together(run: Learning) -> int:
        since = len(run.requests)
        account = run.follow("force_power_off")
        assert ending(account) == ("planned", "off", 0)
        return sum("as behind" in unquote_plus(call.query) for call in run.requests[since:])

    run = learn("stuck", switches=Switches(rows_behind_a_vm="refused"))
    before = together(run)
    run.learn()
    assert (before > 0, together(run)) == (True, 0)


@pytest.mark.nightly
@pytest.mark.parametrize(("refuses", "answer"), [(True, "answered 409"), (False, "accepted")])
def test_the_answer_to_a_power_off_of_a_stopped_vm_is_found(learn: Make, refuses: bool, answer: str) -> None:
    run = learn("healthy", switches=Switches(conflict_in_wrong_state=refuses))
    run.vm_name = "test-01"
    measure(run)
    assert run.seen()["poweroff_of_stopped"] == answer


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("relay", "answer"),
    [
        ("accepted", "accepted"),
        ("refused", "answered 422"),
        ("failed", "answered 503"),
        ("hangs", "AnswerTimeout"),
    ],
)
@pytest.mark.parametrize("carried_out", [False, True])
def test_the_answer_of_a_node_that_takes_no_actions_is_found(
    learn: Make, relay: Any, answer: str, carried_out: bool
) -> None:
    run = learn("healthy", switches=Switches(relay_to_a_dead_node=relay, relay_is_carried_out=carried_out))
    run.sim.world.behave("web-01", takes_actions=False)
    run.try_out()
    assert (run.account.outcome, run.seen()["poweroff_of_running"]) == ("done", answer)
    assert run.seen()["poweroff_took_s"] == "never"


def test_the_verdict_says_whether_its_ground_was_measured_here_or_is_assumed(learn: Make) -> None:
    run = learn("stuck")

    def ground() -> str:
        (alive,) = [one for one in run.follow("force_power_off").results if one.step == "alive"]
        rows = [row for table in alive.tables if table.schema.name == "evidence" for row in table.rows]
        return next(f"{row[2]} / {row[3]}" for row in rows if row[0] == "machine_stats")

    assert ground().endswith("that such a row means death is assumed / assumed")
    run.learn()
    assert ground().endswith("that such a row means death is measured here / measured")


def test_a_column_that_is_missing_or_cannot_be_read_is_named(learn: Make) -> None:
    run = learn()
    inner: Any = run.transport

    def other_version(request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = inner.handler(request)
        content = answer.content.replace(b'"running_cores"', b'"cores_running"')
        content = re.sub(rb'"ram_used": ?\d+', b'"ram_used": "much"', content)
        headers = {name: answer.headers[name] for name in ("server", "date")}
        return httpx.Response(answer.status_code, headers=headers, content=content)

    run.transport = httpx.MockTransport(other_version)
    seen = run.learn()
    assert (seen["columns_of_machine_status"], seen["columns_of_machine_stats"]) == ("differ", "differ")
    (tables,) = [one for one in run.account.results if one.step == "tables"]
    assert tables.next_step == "machine_status: lacks running_cores; machine_stats: cannot be read: ram_used"
