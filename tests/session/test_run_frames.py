"""``rb.frames``: all that a run has read, live and headless. Every line of docs/dataframes.md runs on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.rehearsal import LADDER, PASSWORD, Rehearsal
from tests.widgets.sitting import Sitting
from vergeos_nb.session.run import Run
from vergeos_nb.views.analysis import columns

PAGE = Path(__file__).parents[2] / "docs" / "dataframes.md"
WHOLE = [*(frame.name for frame in columns.ALL), "calls"]


def a_run(scenario: str, folder: Path, **params: Any) -> Run:
    rehearsal = Rehearsal(scenario, folder)
    run = rehearsal.open(finish=True, **LADDER, **params)
    for step in run.engine.steps:
        run.step(step.id)
    return run


def test_every_line_of_the_page_runs_on_a_run_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = a_run("stuck", tmp_path)
    names: dict[str, Any] = {"rb": run}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.M | re.S)
    for block in blocks:
        exec(block, names)
    assert (len(blocks), len(pd.read_csv("calls.csv"))) == (10, len(run.frames["calls"]))
    run.end()


def test_the_frames_hold_whole_rows_and_each_steps_tables(tmp_path: Path) -> None:
    run = a_run("stuck", tmp_path)
    frames = run.frames
    assert list(frames)[: len(WHOLE)] == WHOLE
    assert {name: len(frames[name]) for name in WHOLE if name != "calls"} == {
        "vm": 4, "machine": 1, "machine_status": 4, "machine_stats": 2, "nics": 2, "drives": 2, "node": 1,
        "logs": 0,
    }  # fmt: skip
    shown = run.step("alive").frames["samples"]
    pd.testing.assert_frame_equal(frames["alive.samples"], shown)
    assert set(frames["calls"]["step"].dropna()) == {
        "connect", "locate", "status_key", "verify", "alive", "plan",
    }  # fmt: skip
    run.end()
    pd.testing.assert_frame_equal(run.frames["calls"], frames["calls"])


@pytest.mark.parametrize("scenario", ["zombie", "twins", "heartbeat_of_the_dead", "reader"])
def test_the_frames_can_be_had_whatever_the_run_found(scenario: str, tmp_path: Path) -> None:
    run = a_run(scenario, tmp_path)
    assert list(run.frames)[: len(WHOLE)] == WHOLE
    run.end()


def test_the_contents_are_listed_and_masked(tmp_path: Path) -> None:
    run = a_run("stuck", tmp_path, reason=f"it hangs {PASSWORD}")
    frames = run.frames
    assert "machine_status" in repr(frames)
    assert "machine_status" in frames._repr_mimebundle_()["text/html"]
    assert PASSWORD not in "".join(data.to_csv() for data in frames.values())
    run.end()


def test_a_live_run_has_them_too_and_empty_ones_before_it_is_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Sitting("stuck", tmp_path, monkeypatch)
    assert {name: len(data) for name, data in at.live.frames.items()} == dict.fromkeys(WHOLE, 0)
    at.click("connect")
    at.click("locate")
    assert at.live.frames["vm"]["name"].tolist() == ["web-01"]
    assert at.live.frames["locate.vms"]["vm_key"].tolist() == [41]


def test_the_closing_cell_shows_a_line_of_analysis_that_runs(tmp_path: Path) -> None:
    run = a_run("stuck", tmp_path)
    shown = repr(run.close())
    lines = [line.strip() for line in shown.partition("Try in a new cell:\n")[2].splitlines()]
    assert [type(eval(line, {"rb": run})).__name__ for line in lines] == ["DataFrame", "Plot", "RunFrames"]
