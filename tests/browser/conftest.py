"""A JupyterLab and a Chromium for the tests of this folder, both started once for each worker."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.labpage import LabPage
from tests.chromium import chromium
from tests.served import QUICK
from vergeos_nb.record.record_folder import read
from vergeos_nb.runner.jupyter_lab import Lab, open_lab, runbooks_here

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lab of this worker works."""
    return tmp_path_factory.mktemp("lab")


@contextmanager
def lab_at(place: Path, **server_options: str) -> Iterator[Lab]:
    """A JupyterLab over a working copy, whose kernels find the simulator that a test serves."""
    before = dict(os.environ)
    os.environ.update(
        HOME=str(place / "home"),
        VERGEOS_NB_RUNTIME_DIR=str(place / "runtime"),
        NO_PROXY="127.0.0.1,localhost",
        **{f"JUPYTER{name}_DIR": str(place / name) for name in ("_DATA", "_RUNTIME", "LAB_SETTINGS")},
        JUPYTERLAB_WORKSPACES_DIR=str(place / "workspaces"),
    )
    (place / "home").mkdir()
    try:
        with open_lab(
            runbooks_here(), place / "copies", place / "outputs", browser=False,
            server_options={"LabApp.expose_app_in_browser": "True", **server_options},
        ) as opened:  # fmt: skip
            yield opened
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def lab(place: Path) -> Iterator[Lab]:
    """The JupyterLab that `vergeos-nb lab` opens."""
    with lab_at(place) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _one_simulator(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test serves is announced where the lab's kernels look."""
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(place / "runtime"))


@pytest.fixture
def notebook(lab: Lab, browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., LabPage]]:
    """Open a notebook of its own with short waits in a page."""
    with notebook_in(lab, browser, request.node.name) as make:
        yield make


@contextmanager
def notebook_in(lab: Lab, browser: Any, test: str) -> Iterator[Callable[..., LabPage]]:
    """Open notebooks in this lab, with short waits where a test says no others."""
    pages = []

    def make(waits: Mapping[str, float] | None = None, *, theme: str = "", **context: Any) -> LabPage:
        name = re.sub(r"\W+", "-", test)[:60]
        copy = nbformat.read(lab.folder / "force_power_off.ipynb", as_version=4)
        for cell in copy.cells:
            if "parameters" in cell.metadata.get("tags", []):
                for parameter, value in {**QUICK, **(waits or {}), "operator": "ada"}.items():
                    said = json.dumps(value)
                    cell.source, count = re.subn(
                        rf"(?m)^({parameter}: \w+ = )[^#]*", rf"\g<1>{said}  ", cell.source
                    )
                    assert count == 1, parameter
        nbformat.write(copy, lab.folder / f"{name}.ipynb")
        page = LabPage(browser, lab, SHOTS, notebook=name, **context)
        pages.append(page)
        if theme:
            page.command("apputils:change-theme", theme=theme)
        return page

    yield make
    for page in pages:
        page.end_kernel()
        page.close()


@pytest.fixture
def record(place: Path) -> Callable[[], tuple[Path, Any]]:
    """The newest record: its folder and its content."""
    before = set(place.glob("outputs/*/*/record.json"))

    def newest() -> tuple[Path, Any]:
        (made,) = set(place.glob("outputs/*/*/record.json")) - before
        return made.parent, read(made.parent)

    return newest
