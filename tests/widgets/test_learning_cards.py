"""A person at the cards of `learn_platform`: the plan's one tick, and each card to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.widgets.sitting import Sitting, SteppedWaits
from vergeos_nb import settings
from vergeos_nb.notebook.live import LiveRun
from vergeos_nb.session.run import Run


class AtTheLab(Sitting):
    """One live notebook of ``learn_platform`` over a rehearsal."""

    def notebook(self) -> LiveRun:
        given = {"vm_name": self.run.vm_name, "operator": "ada", "reason": "a new version"}
        live = LiveRun("learn_platform", given, self.outputs, open_run=self._open)
        self.waits = SteppedWaits(self.run.clock)
        live._waits = self.waits  # type: ignore[assignment]
        return live

    def _open(self, options: Any, *, profile: Any = None, folder: Path | None = None, **how: Any) -> Run:
        self.run.folder = folder = self.outputs / "2026-09-22" / "run-1"
        folder.mkdir(parents=True, exist_ok=True)
        return Run(
            "learn_platform", options, folder, finish_here=True, session=settings.session_name(),
            clock=self.run.clock, transport=self.run.transport, profile=self.run.profile, **how,
        )  # fmt: skip


def test_a_person_approves_that_the_vm_may_be_lost_and_clicks_through_to_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = AtTheLab("healthy", tmp_path / "outputs", monkeypatch)
    lab.until("plan")
    plan: Any = lab.live.step("plan")
    assert list(plan.boxes) == ["expendable"]
    for step in ("stop", "kill", "write", "keep", "confirm"):
        lab.click(step)
    closing = lab.live.close()
    closing.go.click()
    assert closing.job is not None
    assert closing.job.join(60)
    record = json.loads((lab.run.folder / "record.json").read_text())
    assert (record["outcome"], len(record["changing_calls"])) == ("done", 5)
    (kept,) = (tmp_path / "outputs" / "platform").iterdir()
    assert kept.read_text().count('value = "measured') == 10
