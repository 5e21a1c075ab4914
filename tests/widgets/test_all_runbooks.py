"""Every runbook is one of cards: its notebook's cells open them, and clicks lead through them to a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from vergeos_nb.notebook.live import LiveRun
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS
from vergeos_nb.runbook_files import runbook_path

WATCH = {"vm_name": "test-01", "minutes": 0.02, "every_s": 1.0, "sample_gap_s": 1.1}


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_run_all_of_a_runbook_in_a_live_notebook_shows_cards_opens_nothing_and_raises_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGEOS_NB_UI", "live")
    monkeypatch.setenv("VERGEOS_NB_OUTPUTS", str(tmp_path / "outputs"))
    namespace: dict[str, Any] = {}
    for cell in nbformat.read(runbook_path(name), as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, namespace)
    live = namespace["rb"]
    assert isinstance(live, LiveRun)
    assert (live.run, (tmp_path / "outputs").exists()) == (None, False)
    assert [live.step(step.id).go.disabled for step in live.steps] == [False] + [True] * (len(live.steps) - 1)


@pytest.mark.parametrize(
    ("name", "given", "outcome"),
    [
        ("find_stuck_vms", {"profile": "simulator", "sample_gap_s": 1.1}, "done"),
        ("incident_report", {}, "done"),
        ("learn_platform", {"profile": "simulator", "watch_s": 1.1, "look_s": 1}, "done"),
        ("watch_after_power_off", {"profile": "simulator:healthy", **WATCH}, "done"),
        ("restore_status", {"profile": "simulator", "vm_name": "web-01", "sample_gap_s": 1.1}, "refused"),
    ],
)
def test_clicks_lead_through_a_runbook_to_its_sealed_record(
    name: str, given: dict[str, Any], outcome: str, tmp_path: Path
) -> None:
    live = LiveRun(name, given, tmp_path / "outputs")
    for step in live.steps:
        card: Any = live.step(step.id)
        if card.go.disabled:
            break
        card.go.click()
        assert card.job.join(60)
        if step.id == "verify":
            for box in card.boxes.values():
                box.value = True
            card.checked.click()
    closing = live.close()
    closing.go.click()
    assert closing.job is not None
    assert closing.job.join(60)
    (path,) = (tmp_path / "outputs").glob("*/*/record.json")
    assert json.loads(path.read_text())["outcome"] == outcome
    assert path.with_name("manifest.json").exists()
