"""Voilà and Notebook 7: ``stuck`` is forced off by clicks, and a living VM is shown as ALIVE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import approve, finish, up_to_the_plan
from tests.browser.conftest import SHOTS
from tests.browser.other_fronts import TOKEN, OtherFront, front_at, needs
from tests.browser.quick_copy import quick_copy
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, served
from vergeos_nb.procedure.runbooks.catalog import notebooks
from vergeos_nb.record.record_folder import read

Front = Callable[[Any, Path], AbstractContextManager[OtherFront]]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@contextmanager
def voila(browser: Any, place: Path) -> Iterator[OtherFront]:
    """The runbook in Voilà, which runs all cells before it shows one."""
    copy = place / "copies" / "force_power_off.ipynb"
    quick_copy(notebooks()["force_power_off"], copy, {})
    with front_at(
        place / "server", "voila", str(copy), "--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"
    ) as address:
        yield OtherFront(browser, address, SHOTS)


@contextmanager
def notebook_7(browser: Any, place: Path) -> Iterator[OtherFront]:
    """The runbook in Notebook 7, all cells run."""
    copy = place / "copies" / "force_power_off.ipynb"
    quick_copy(notebooks()["force_power_off"], copy, {})
    with front_at(
        place / "server", "notebook", f"--ServerApp.root_dir={copy.parent}", "--port={port}", "--no-browser",
        "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", "--allow-root",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ) as address:  # fmt: skip
        front = OtherFront(browser, f"{address}notebooks/{copy.name}?token={TOKEN}", SHOTS)
        front.wait()
        assert front.run_all()
        yield front


FRONTS = [
    pytest.param(voila, marks=[needs("voila"), pytest.mark.nightly], id="voila"),
    pytest.param(notebook_7, marks=needs("notebook"), id="notebook 7"),
]


@pytest.fixture(autouse=True)
def _one_simulator(tmp_path: Path, skipped_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test serves is announced where the kernels of its front end look."""
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@needs_chromium
@pytest.mark.parametrize("front", FRONTS)
def test_a_stuck_vm_is_forced_off_by_clicks(
    front: Front, browser: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.replace(" ", "-")
    with served("stuck") as simulator, front(browser, tmp_path) as page:
        up_to_the_plan(page)
        expect(page.bar()).to_be_in_viewport()
        expect(page.page.locator(".vnb-approval")).to_be_in_viewport()
        # What a card says is not said twice.
        expect(page.page.get_by_role("heading", name="Plan and approve")).to_be_hidden()
        page.shot(f"{name}-plan")
        approve(page)
        finish(page)
        page.shot(f"{name}-closed")
        assert changing(simulator) == LADDER
    (record,) = tmp_path.glob("server/outputs/*/*/record.json")
    assert read(record.parent)["exit_code"] == 0


@needs_chromium
@pytest.mark.nightly
@pytest.mark.parametrize("front", FRONTS)
def test_a_living_vm_is_shown_as_alive_and_is_not_overridden(
    front: Front, browser: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with served("zombie") as simulator, front(browser, tmp_path) as page:
        up_to_the_plan(page)
        expect(page.bar().locator(".vnb-badge")).to_contain_text("ALIVE")
        page.shot(f"{request.node.callspec.id.replace(' ', '-')}-alive")
        assert changing(simulator) == []
