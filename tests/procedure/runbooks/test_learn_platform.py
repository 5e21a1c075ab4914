"""The product finds out how a platform behaves: what it reads, what it tries out, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import SYSTEM, ending
from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.vergeos.measured import SystemMeasured

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
    assert seen == {
        "version": "26.1.3",
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
        "oldest_reading_s": seen["oldest_reading_s"],
        "stats_written_every_s": seen["stats_written_every_s"],
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
        "put_body": "{}",
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
    assert kept.system == SystemMeasured(SYSTEM, "lab-east", "26.1.3", True)
    one = kept.seen["stats_rows_stopped"]
    assert (one.value, one.version, one.record) == ("written", "26.1.3", run.folder.name)
    assert one.how == "2 rows looked at 7 times in 11 s, written 6, 6 times"


def test_a_later_run_adds_to_what_was_kept(learn: Make) -> None:
    run = learn()
    run.try_out()
    first = run.folder.name
    run.learn()
    kept = run.kept().find(SYSTEM).seen
    assert (kept["put_row"].record, kept["no_match"].record) == (first, run.folder.name)
