"""The report over the archive: what was forced, by whom, why, how it ended, and what hangs repeatedly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.archive.made import NONE, record
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.record.record_folder import read
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.session.run import Run
from vergeos_nb.views.badges import badge_of
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.cells import COUNTED

POWEROFF = {"method": "POST", "path": "/api/v4/vm_actions", "body": {"vm": 41, "action": "poweroff"}}
OVERRIDE = {"method": "PUT", "path": "/api/v4/machine_status/46", "body": {"running": False}}
SNAPSHOT = {"method": "POST", "path": "/api/v4/machine_snapshots", "body": {}}
WEB = "web-01 (key 41) on lab-east"


def made(outputs: Path, number: int, *calls: dict[str, Any], **fields: Any) -> Path:
    """A sealed record of a run that sent these calls."""
    told = {
        "changing_calls": list(calls), "before": {"node": 2}, "cloud_name": "lab-east", "files": {},
        "approval": {"approver": "Kim"} if calls else None, "reason": "it hangs" if calls else "",
        "outcome": "done" if calls else "planned", **fields,
    }  # fmt: skip
    folder = record(outputs, number, **told)
    seal(folder, NONE)
    return folder


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """Two overrides of one VM, a gentle power-off of another, a plan, a refusal, and something older."""
    outputs = tmp_path / "outputs"
    made(outputs, 1, day="2026-08-01", ticket="INC-1")
    made(outputs, 2, POWEROFF, SNAPSHOT, OVERRIDE, ended_at="2026-10-01T12:01:02.500Z")
    made(
        outputs,
        3,
        POWEROFF,
        vm={"name": "db-01", "key": 42, "machine": 45},
        ticket="INC-8",
        verdict="unknown",
    )
    made(outputs, 4, ticket="INC-8", outcome="refused", vm=None, parameters={"vm_name": "=gone"})
    made(outputs, 5, OVERRIDE, simulated=False, before={"node": None}, day="2026-10-02")
    return outputs


def report(outputs: Path, **given: Any) -> RunState:
    """A report over September and October, run here."""
    folder = outputs / "2026-11-02" / "070000Z-incident_report-all-00000000"
    folder.mkdir(parents=True)
    options = read_parameters("incident_report", {"since": "2026-09-01", "until": "2026-10-31", **given})
    book = Run("incident_report", options, folder, finish_here=True)
    for step in book.engine.steps:
        book.step(step.id)
    return book.end()


def rows(account: RunState, step: str, table: str) -> list[tuple[Any, ...]]:
    result = next(result for result in account.results if result.step == step)
    return [row for found in result.tables if found.schema.name == table for row in found.rows]


def test_it_says_what_was_sent_to_which_vm_by_whom_why_and_how_it_ended(past: Path) -> None:
    account = report(past)
    first = from_iso("2026-10-01T12:00:02.000Z")
    ids = [line["record"] for line in map(json.loads, (past / "ledger.jsonl").read_text().splitlines())]
    assert rows(account, "acted", "acted") == [
        (first, WEB, "node 2 of lab-east", "poweroff → override", "done", "off", 60.5, "jo", "Kim",
         "it hangs", "INC-7", ids[1]),
        (first + 1, "db-01 (key 42) on lab-east", "node 2 of lab-east", "poweroff", "done", "unknown", 0.0,
         "jo", "Kim", "it hangs", "INC-8", ids[2]),
        (first + 86_403, WEB, "no node of lab-east", "override", "done", "off", 0.0, "jo", "Kim", "it hangs",
         "INC-7", ids[4]),
    ]  # fmt: skip
    assert (account.outcome.value, account.exit_code) == ("done", 0)
    assert account.fact("open_ends") == [ids[2]]


def test_a_report_of_runs_of_which_nobody_knows_is_not_green(past: Path) -> None:
    """The step said "Look at those with verdict unknown", under a green "passed", and so did the report."""
    made(past, 6, OVERRIDE, verdict="alive", outcome="failed")
    account = report(past)
    by_step = {result.step: result for result in account.results}
    assert str(badge_of(by_step["acted"])) == "? 1 UNKNOWN"
    assert by_step["acted"].facts["alive"] == [by_step["acted"].tables[0].rows[2][-1]]
    assert str(summary_of(account).badge) == "? done · 1 UNKNOWN"
    assert by_step["gather"].summary.endswith(
        "1 done · verdict unknown, 1 failed · verdict alive, 1 refused · verdict off."
    ), by_step["gather"].summary
    view = static_view(by_step["acted"])["text/plain"]
    assert re.findall(r"(. done|. failed) +(. off|. unknown|. alive)", view) == [
        ("✔ done", "✔ off"), ("? done", "? unknown"), ("♥ failed", "♥ alive"), ("✔ done", "✔ off"),
    ]  # fmt: skip


def test_a_status_row_that_was_restored_is_counted_as_that_and_as_no_forced_power_off(past: Path) -> None:
    """Holds off: restore_status writes a status row, too, and the report called that a forced power-off."""
    ids = [line["record"] for line in map(json.loads, (past / "ledger.jsonl").read_text().splitlines())]
    made(past, 6, OVERRIDE, runbook="restore_status", verdict="off")
    account = report(past)
    assert [row[3] for row in rows(account, "acted", "acted")] == [
        "poweroff → override", "poweroff", "restore", "override",
    ]  # fmt: skip
    assert (account.fact("acted"), account.fact("forced"), account.fact("open_ends")) == (4, 2, [ids[2]])
    assert rows(account, "offenders", "often") == [
        (WEB, "override", 2), (WEB, "poweroff", 1), (WEB, "restore", 1),
    ]  # fmt: skip
    assert "4 changed something and 2 forced a VM off by its status row" in account.results[-1].summary


def test_repeat_offenders_are_counted_by_vm_and_by_node(past: Path) -> None:
    account = report(past)
    assert [row[:5] for row in rows(account, "offenders", "offenders")] == [
        ("VM", WEB, 2, 2, 1),
        ("node", "node 2 of lab-east", 2, 1, 2),
    ]
    assert rows(account, "offenders", "often") == [(WEB, "override", 2), (WEB, "poweroff", 1)]
    assert account.results[-1].summary == (
        "Runs: 4, of which 3 changed something and 2 forced a VM off by its status row. VMs that needed it 2 "
        f"times or more: 1: {WEB}."
    )


def test_runs_that_changed_nothing_are_in_it_too_by_day_and_outcome(past: Path) -> None:
    account = report(past)
    assert rows(account, "gather", "outcomes") == [
        ("2026-10-01", "done", 2),
        ("2026-10-01", "refused", 1),
        ("2026-10-02", "done", 1),
    ]
    assert [row[1] for row in rows(account, "gather", "runs")][2] == "=gone (no key) on lab-east"


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({}, 4),
        ({"since": "2026-07-01"}, 5),
        ({"until": "2026-10-01"}, 3),
        ({"only_ticket": "INC-8"}, 2),
        ({"only_ticket": "INC-9"}, 0),
        ({"rehearsals": False}, 1),
        ({"since": "", "until": "2026-10-02", "days": 1}, 1),
    ],
)
def test_period_ticket_and_rehearsals_choose_what_is_counted(
    past: Path, given: dict[str, Any], count: int
) -> None:
    assert report(past, **given).fact("runs") == count


def test_the_report_leaves_a_sealed_record_with_bars_beside_its_counts(past: Path) -> None:
    account = report(past, ticket="REP-1")
    counted = [len(t.rows) for r in account.results for t in r.tables if t.schema.name in COUNTED]
    checked = verify(past)
    assert (checked.findings, checked.records) == ((), 6)
    (folder,) = past.glob("2026-11-02/*")
    assert (read(folder)["ticket"], read(folder)["outcome"], read(folder)["changing_calls"]) == (
        "REP-1",
        "done",
        [],
    )
    page = (folder / "notebook.html").read_text()
    assert page.count("<img ") == 1
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    steps = [
        cell.outputs[0].data["text/html"]
        for cell in notebook.cells
        if "step" in cell.metadata.get("vergeos_nb", {})
    ]
    assert sum(html.count("print-color-adjust:exact") for html in steps) == sum(counted)
    assert "Runs by day and outcome" in page
    # There is no VM that a verdict could be on.
    assert "verdict" not in str(summary_of(account).badge)


def test_an_archive_that_does_not_verify_has_its_report_and_exit_code_3(past: Path) -> None:
    """Holds off a scheduled report that is green over forged records."""
    (folder,) = past.glob("2026-10-02/*")
    (folder / "journal.jsonl").write_text("forged")
    account = report(past)
    assert (account.outcome.value, account.exit_code) == ("refused", 3)
    assert account.results[0].outcome.value == "failed"
    assert "file-changed" in str(rows(account, "check", "facts"))
    assert len(rows(account, "acted", "acted")) == 3
    assert rows(account, "offenders", "offenders")


def test_a_run_whose_files_are_gone_is_still_counted(past: Path) -> None:
    (folder,) = past.glob("2026-10-02/*")
    (folder / "record.json").unlink()
    account = report(past, verify=False)
    assert (account.fact("runs"), account.fact("acted"), account.exit_code) == (4, 2, 0)
    # It is not said to have sent nothing.
    (done,) = [result for result in account.results if result.step == "acted"]
    assert account.fact("lost") == [folder.name]
    assert "What was sent is not known of 1 run: the record cannot be read." in done.summary


def test_an_empty_archive_has_a_report(tmp_path: Path) -> None:
    account = report(tmp_path / "outputs")
    assert (account.fact("runs"), account.fact("acted"), account.exit_code) == (0, 0, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"since": "last week"}, "since is no day such as"),
        ({"since": "2026-10-02", "until": "2026-10-01"}, "is not before until"),
        ({"repeated": 1}, "repeated"),
        ({"vm_name": "web-01"}, "vm_name is no parameter of incident_report"),
    ],
)
def test_a_period_that_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_parameters("incident_report", given)
    assert said in refused.value.came_back


def test_it_runs_headless_as_a_schedule_would_run_it(past: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "vergeos_nb",
        "run",
        "incident_report",
        "-p",
        "since=2026-09-01",
        "--json",
    ]
    done = subprocess.run(
        [*command, "--outputs", str(past)], capture_output=True, text=True, timeout=120, check=False
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, answer["outcome"], answer["simulated"]) == (0, "done", False)
    assert Path(answer["record"]).name.split("-")[1:3] == ["incident_report", "all"]
    assert verify(past).findings == ()


def test_vms_of_one_name_and_key_on_two_systems_of_one_name_are_counted_apart(tmp_path: Path) -> None:
    """Holds off: a VM that is said to be forced off again and again, but is two."""
    outputs = tmp_path / "outputs"
    for number, own in enumerate(("ab" * 20, "cd" * 20), start=1):
        made(outputs, number, OVERRIDE, simulated=False, system_id=own)
    account = report(outputs)
    assert rows(account, "offenders", "offenders") == []
    acted = repr(rows(account, "acted", "acted"))
    assert (f"{WEB} abababab" in acted, f"{WEB} cdcdcdcd" in acted) == (True, True)
