"""What a reader of a record sees first, in a Chromium of 1280 x 800: the incident, for every runbook."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import needs_chromium
from tests.fleet.stuck_fleet import StuckFleet
from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import LADDER
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.session.run import Run

WHY = {"reason": "it hangs since the backup", "ticket": "INC-7", "operator": "ada"}
# The text of the elements that lie wholly within the first screen.
FIRST_SCREEN = """() => [...document.querySelectorAll('p, td, th, caption, h1, h2')]
  .filter(e => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().bottom <= innerHeight)
  .map(e => e.innerText).join('\\n')"""
VM = ("VM", "done by", "why", "began", "ended", "sent", "proved", "not known")


@contextmanager
def first_screen(browser: Any, folder: Path) -> Any:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    try:
        page = context.new_page()
        page.goto((folder / "notebook.html").as_uri())
        yield page.evaluate(FIRST_SCREEN)
    finally:
        context.close()


def over_no_vm(run: FollowUp, runbook: str, **params: Any) -> tuple[Path, RunState]:
    folder = run.outputs / "2026-09-22" / runbook
    folder.mkdir(parents=True)
    options = read_parameters(runbook, {**WHY, **params})
    book = Run(
        runbook,
        options,
        folder,
        finish_here=True,
        clock=run.clock,
        transport=run.transport,
        profile=run.profile,
    )
    for step in book.engine.steps:
        book.step(step.id)
    return folder, book.end()


def forced(run: FollowUp) -> tuple[Path, RunState]:
    digest = run.run(**LADDER).fact("plan_digest")
    return run.folder, run.run(finish=True, approve=digest, approver="Jo", **WHY, **LADDER)


def planned(run: FollowUp) -> tuple[Path, RunState]:
    return run.folder, run.run(finish=True, **WHY)


def restored(run: FollowUp) -> tuple[Path, RunState]:
    return run.folder, run.restore(run.force(), finish=True, **WHY)


def watched(run: FollowUp) -> tuple[Path, RunState]:
    run.force()
    return run.folder, run.watch(finish=True, minutes=5.0, **WHY)


def found(run: FollowUp) -> tuple[Path, RunState]:
    return over_no_vm(run, "find_stuck_vms")


def reported(run: FollowUp) -> tuple[Path, RunState]:
    forced(run)
    return over_no_vm(run, "incident_report", since="2000-01-01")


# Runbook or ending → (scenario, the run, what else its first screen shows).
RUNS: dict[str, tuple[str, Callable[[FollowUp], tuple[Path, RunState]], tuple[str, ...]]] = {
    "force_power_off": ("stuck", forced, (*VM, "approved by", "to undo it")),
    "force_power_off, planned": ("stuck", planned, (*VM, "nobody; a plan without an approval")),
    "force_power_off, refused": ("wrong_row", planned, VM),
    "force_power_off, alive": ("zombie", forced, (*VM, "approved by", "LIVES")),
    "restore_status": ("stuck", restored, (*VM, "approved by")),
    "watch_after_power_off": ("stuck", watched, VM),
    "find_stuck_vms": ("stuck", found, ("VMs that want a look", "web-01", "The fleet by node and status")),
    "incident_report": ("stuck", reported, ("Runs that changed something", "web-01")),
}


@needs_chromium
@pytest.mark.parametrize("which", RUNS)
def test_the_first_screen_is_the_incident(browser: Any, tmp_path: Path, which: str) -> None:
    """Who, why, ticket and end stood at 12,732 of 13,938 px."""
    scenario, make, more = RUNS[which]
    run = FollowUp(scenario, tmp_path / "outputs")
    _, account = make(run)
    folder = next(path.parent for path in run.outputs.glob("*/*/notebook.html") if _ends(path, account))
    summary = summary_of(account)
    facts = dict(summary.lines)
    wanted = [str(summary.badge), summary.system, summary.headline, *more]
    wanted += [summary.next_step] if summary.next_step else []
    wanted += [facts["done by"], facts["began"], facts["ended"], "INC-7", "it hangs since the backup"]
    wanted += [value for what, value in summary.lines if what.startswith("sent")]
    with first_screen(browser, folder) as seen:
        assert [text for text in wanted if text not in seen] == []


@needs_chromium
def test_the_first_screen_of_a_fleet_names_its_vms_and_how_each_ended(browser: Any, tmp_path: Path) -> None:
    fleet = StuckFleet(tmp_path / "outputs", 4)
    plan = fleet.plan()
    fleet.approve(plan)
    ended = fleet.apply(plan)
    summary = summary_of(ended.account)
    wanted = [str(summary.badge), summary.headline, *(value for _, value in summary.lines)]
    wanted += [vm.name for vm in plan.vms]
    with first_screen(browser, ended.folder) as seen:
        assert [text for text in wanted if text not in seen] == []


def _ends(page: Path, account: RunState) -> bool:
    return account.ended_at in page.read_text(encoding="utf-8") and str(account.opened["runbook"]) in (
        page.parent / "record.json"
    ).read_text(encoding="utf-8")
