"""The start page: each choice makes a notebook of its own, with the system that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.widgets.sitting import PATIENCE_S, text
from vergeos_nb import start_page
from vergeos_nb.notebook import start_page as module
from vergeos_nb.notebook.start_page import SET_UP, StartPage

Sit = Callable[..., Any]
VRG = '[profile.lab-east]\nhost = "vergeos.example"\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with this kernel's notebook, and a user without profiles."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "start.ipynb"))
    return tmp_path


def press(page: StartPage, name: str) -> None:
    """Press the button of a choice, and wait until its notebook is made."""
    (pressed,) = [
        box.children[0] for box in page.panel.children if _has(box, "vnb-choice")
        and _has(box.children[0], f"vnb-way-{name}")
    ]  # fmt: skip
    pressed.click()
    assert page.ways.job is not None
    assert page.ways.job.join(PATIENCE_S)


def _has(widget: Any, name: str) -> bool:
    return name in widget._dom_classes


def parameters(here: Path) -> Mapping[str, Any]:
    """The name of the one notebook that was made, and what its parameters cell sets."""
    (path,) = here.glob("*.ipynb")
    (cell,) = [
        one for one in nbformat.read(path, as_version=4).cells if "parameters" in one.metadata.get("tags", [])
    ]
    names: dict[str, Any] = {}
    exec(cell.source, names)
    return {"file": path.name.rpartition("-")[0], "profile": names.get("profile")}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("rehearse", {"file": "rehearsal", "profile": "simulator"}),
        ("find", {"file": "find_stuck_vms", "profile": "simulator"}),
        ("watch", {"file": "watch_after_power_off", "profile": "simulator"}),
        ("reports", {"file": "incident_report", "profile": None}),
    ],
)
def test_each_choice_makes_a_notebook_of_its_own(here: Path, name: str, made: Mapping[str, Any]) -> None:
    press(StartPage("simulator"), name)
    assert parameters(here) == made


def test_a_drill_is_chosen_by_its_scenario(here: Path) -> None:
    page = StartPage("simulator:twins")
    assert page.scenario.value == "simulator:twins"
    page.scenario.value = "simulator:zombie"
    press(page, "rehearse")
    assert parameters(here) == {"file": "rehearsal", "profile": "simulator:zombie"}


def test_a_real_incident_never_begins_on_the_simulator_or_on_a_system_that_nobody_chose(here: Path) -> None:
    page = StartPage("simulator")
    press(page, "incident")
    # Holds off: the way on was to choose a system from a list in which there was none.
    assert text(page.ways.message.value).endswith(f"no real system is set up What to do: {SET_UP}")
    assert "No real system is set up yet" in text(page.panel.children[0].value)
    assert list(here.glob("*.ipynb")) == []
    page = StartPage("lab-east")
    press(page, "incident")
    assert parameters(here) == {"file": "incident", "profile": "lab-east"}


def test_the_cell_of_the_start_page_shows_it_and_runs_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Mapping[str, Any]] = []
    monkeypatch.setattr(module, "show", lambda bundle, place: shown.append(bundle))
    start_page("simulator")
    (bundle,) = shown
    assert "Run this cell in JupyterLab" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert list(here.iterdir()) == []
