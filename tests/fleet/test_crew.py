"""The fleet run's own record is made by the process that makes those of its runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.fleet.crew import Crew


def crew_of(outputs: Path) -> Crew:
    return Crew(1, None, SystemClock(), lambda: ("a-secret-of-the-test",), lambda soon: None, outputs=outputs)


def test_the_fleet_s_record_is_sealed_with_those_of_its_runs_by_the_process_for_records(
    outputs: Path,
) -> None:
    fleet = StuckFleet(outputs, 1)
    plan = fleet.plan()
    fleet.approve(plan)
    run = fleet.apply(plan, recorder=True)
    assert (run.trouble, run.account.exit_code, verify(outputs).findings) == ((), 0, ())
    assert (run.folder / "manifest.json").exists()


@pytest.mark.parametrize("webhook", ["", "https://hook.example"])
def test_a_record_that_cannot_be_made_is_told_wherever_it_was_tried(
    outputs: Path, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGEOS_NB_WEBHOOK", webhook)
    gone = outputs / "2026-01-01" / "gone"
    with crew_of(outputs) as crew:
        (trouble,) = crew.seal(gone)
    assert trouble.startswith("gone: ")
