"""A JupyterLab and a Chromium for the tests of this folder, both started once for each worker."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, ViewportSize, expect

from tests.browser.labpage import PATIENCE_MS, SIZE, LabPage
from tests.browser.quick_copy import quick_copy
from tests.chromium import chromium
from tests.skipping import sitecustomize as skipping
from vergeos_nb.record.record_folder import read
from vergeos_nb.runner.jupyter_lab import OVERRIDES, Lab, open_lab

# Playwright's own five seconds are less than a busy machine may need for one repaint.
expect.set_options(timeout=PATIENCE_MS)
SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
COMMS = "@jupyterlab/apputils-extension:kernels-settings"
SKIPPED = "skipped-seconds"
"""The file of a lab's place that its kernels look for: if it is there, the waits of runs take no time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test once more if a page waited in vain: now and then it misses a message of its kernel.

    The cause is open. A test that is run again is shown as ``R``.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError", "did not return"]))


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
        **{skipping.FILE: str(place / SKIPPED)},
        **{f"JUPYTER{name}_DIR": str(place / name) for name in ("_DATA", "_RUNTIME", "LAB_SETTINGS")},
        JUPYTERLAB_WORKSPACES_DIR=str(place / "workspaces"),
    )
    (place / "home").mkdir()
    try:
        with open_lab(
            place / "copies", place / "outputs", browser=False,
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
def plain_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the JupyterLab without anything of ours works."""
    return tmp_path_factory.mktemp("plain-lab")


@pytest.fixture(scope="session")
def plain_lab(plain_place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab without our extension, which handles comms as it does without a setting of ours."""
    nothing, others = tmp_path_factory.mktemp("nothing"), tmp_path_factory.mktemp("others")
    # An environment into which this package is installed has the extension, too.
    for folder in (Path(sys.prefix) / "share" / "jupyter" / "labextensions").iterdir():
        if folder.name != "vergeos-nb":
            shutil.copytree(folder, others / folder.name)
    with ExitStack() as stack:
        # Only until it has begun: another lab of this session that begins later is ours.
        with pytest.MonkeyPatch.context() as patch:
            rest = {name: value for name, value in OVERRIDES.items() if name != COMMS}
            patch.setattr("vergeos_nb.runner.jupyter_lab.OVERRIDES", rest)
            patch.setattr("vergeos_nb.runner.jupyter_lab.LABEXTENSIONS", nothing)
            opened = stack.enter_context(lab_at(plain_place, **{"LabApp.labextensions_path": str(others)}))
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def _one_simulator(place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test serves is announced where the lab's kernels look, and is on their time."""
    beside_the_lab_at(place, request, monkeypatch)


def beside_the_lab_at(place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a simulator of this test found by the kernels of this lab. Their waits are skipped by both."""
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(place / "runtime"))
    monkeypatch.setenv(skipping.FILE, str(place / SKIPPED))
    (place / SKIPPED).unlink(missing_ok=True)
    if not request.node.get_closest_marker("real_waits"):
        (place / SKIPPED).touch()


@pytest.fixture
def skip_waits(place: Path) -> Callable[[], object]:
    """From its call on, the waits of a test with real ones take no time."""
    return (place / SKIPPED).touch


class KeptPage:
    """The one page in which tests open their notebooks one after the other.

    To load JupyterLab costs more than most tests do. A page that a test leaves in disorder is not used again.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self._page: LabPage | None = None

    def take(
        self, lab: Lab, browser: Any, notebook: str, size: ViewportSize, permissions: Sequence[str] = ()
    ) -> LabPage:
        """The page, with this notebook alone in it."""
        page, self._page = self._page, None
        self.context.clear_permissions()
        if permissions:
            self.context.grant_permissions(permissions)
        if page is None:
            return LabPage(browser, lab, SHOTS, notebook=notebook, viewport=size, shared=self.context)
        page.page.set_viewport_size(size)
        page.page.emulate_media(forced_colors="none")
        page.go_to(notebook)
        page.theme("Light")
        return page

    def give_back(self, page: LabPage) -> None:
        """Leave the page to the next test."""
        try:
            clean = page.clear()
        except Error:
            clean = False
        if clean:
            self._page = page
        else:
            page.close()


@pytest.fixture(scope="session")
def kept_page(lab: Lab, browser: Any) -> KeptPage:
    """The page of this worker's lab that stays open between tests."""
    return KeptPage(browser.new_context())


@pytest.fixture
def notebook(
    lab: Lab, browser: Any, kept_page: KeptPage, request: pytest.FixtureRequest
) -> Iterator[Callable[..., LabPage]]:
    """Open a notebook of its own with short waits in a page."""
    with notebook_in(lab, browser, request.node.name, kept_page) as make:
        yield make


@contextmanager
def notebook_in(
    lab: Lab, browser: Any, test: str, kept: KeptPage | None = None
) -> Iterator[Callable[..., LabPage]]:
    """Open notebooks in this lab, with short waits where a test says no others.

    The first one is opened in the kept page. A test may load it anew or close it.
    """
    own: list[LabPage] = []
    lent: list[LabPage] = []

    def make(
        waits: Mapping[str, float] | None = None, *, viewport: ViewportSize = SIZE,
        permissions: Sequence[str] = (),
    ) -> LabPage:  # fmt: skip
        name = re.sub(r"\W+", "-", test)[:60]
        quick_copy(lab.folder / "force_power_off.ipynb", lab.folder / f"{name}.ipynb", waits or {})
        if kept is None:
            own.append(LabPage(browser, lab, SHOTS, notebook=name, viewport=viewport))
            return own[-1]
        lent.append(kept.take(lab, browser, name, viewport, permissions))
        return lent[-1]

    yield make
    for page in own:
        page.end_kernel()
        page.close()
    if kept is not None:
        for page in lent:
            kept.give_back(page)


@pytest.fixture
def record(place: Path) -> Callable[[], tuple[Path, Any]]:
    """The newest record: its folder and its content."""
    before = set(place.glob("outputs/*/*/record.json"))

    def newest() -> tuple[Path, Any]:
        (made,) = set(place.glob("outputs/*/*/record.json")) - before
        return made.parent, read(made.parent)

    return newest
