"""A page that is loaded anew while a step waits, and a press that the kernel does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import lab_at, notebook_in
from tests.browser.labpage import LabPage
from tests.browser.test_lab import approve
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, served
from vergeos_nb.runner.jupyter_lab import OVERRIDES, Lab

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
COMMS = "@jupyterlab/apputils-extension:kernels-settings"
# Longer than a page takes to load, so that the step ends when the new one is there.
WAITS = {
    "sample_gap_s": 8.0,
    "poweroff_wait_s": 9.0,
    "kill_wait_s": 9.0,
    "settle_s": 8.0,
    "confirm_timeout_s": 60.0,
}
WITHOUT_THE_KERNELS_SIDE = (
    "import vergeos_nb.notebook.live; vergeos_nb.notebook.live.keep_comms_in_the_main_shell = lambda: None"
)


@pytest.fixture(scope="session")
def other_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lab with JupyterLab's own settings works."""
    return tmp_path_factory.mktemp("other-lab")


@pytest.fixture(scope="session")
def plain_lab(other_place: Path) -> Iterator[Lab]:
    """A JupyterLab that handles comms as it does without a setting of ours."""
    with pytest.MonkeyPatch.context() as patch:
        rest = {name: value for name, value in OVERRIDES.items() if name != COMMS}
        patch.setattr("vergeos_nb.runner.jupyter_lab.OVERRIDES", rest)
        with lab_at(other_place) as opened:
            yield opened


@pytest.fixture(params=["by the lab's setting alone", "by the kernel's side alone"])
def anywhere(request: pytest.FixtureRequest, browser: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a notebook in `vergeos-nb lab` and in anybody's JupyterLab, each with one of the two cures."""
    ours = request.param.startswith("by the lab")
    lab: Lab = request.getfixturevalue("lab" if ours else "plain_lab")
    place: Path = request.getfixturevalue("place" if ours else "other_place")
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(place / "runtime"))
    settings = json.loads(
        (lab.folder / ".jupyter" / "labconfig" / "default_setting_overrides.json").read_text()
    )
    assert settings.get(COMMS) == ({"commsOverSubshells": "disabled"} if ours else None)
    with notebook_in(lab, browser, request.node.name) as make:

        def opened(waits: Mapping[str, float]) -> LabPage:
            page = make(waits)
            if ours:
                page.run_in_kernel(WITHOUT_THE_KERNELS_SIDE)
            return page

        yield opened


def all_is_well(page: LabPage) -> None:
    """No output says that its widget is not there."""
    expect(page.page.locator(".jp-Notebook")).not_to_contain_text("model not found")


def until_the_wait_of(page: LabPage, step: str, button: str) -> None:
    """Press a button whose step waits, and load the page anew while it does."""
    page.press(step, button)
    page.shows(f".vnb-step-{step}", "running for")
    page.command("docmanager:save")
    page.reload()
    all_is_well(page)


@needs_chromium
def test_a_reload_in_the_middle_of_every_waiting_step_leaves_no_button_dead(
    anywhere: Open,
) -> None:
    """Holds off: clicks that went to a subshell which had ended with the page before."""
    with served("stuck") as simulator:
        page = anywhere(WAITS)
        assert page.run_all()
        page.press("connect", "Connect")
        # What is typed under the old page is answered under it, too.
        page.card("locate").get_by_label("VM name").fill("web-0")
        page.card("locate").get_by_label("VM name").press("Tab")
        page.command("docmanager:save")
        page.reload()
        page.card("locate").get_by_label("VM name").fill("web-01")
        page.press("locate", "Find the VM")
        page.press("status_key", "Read the status key")
        page.press("verify", "Read the status row")
        page.tick_all(".vnb-ticks", 4)
        page.press("verify", "I have compared all four")
        until_the_wait_of(page, "alive", "Take two readings")
        page.press("plan", "Make the plan")
        approve(page)
        until_the_wait_of(page, "poweroff", "Send Power Off to web-01")
        page.press("snapshot", "Do the snapshot step")
        until_the_wait_of(page, "kill", "Send Kill Power to web-01")
        page.press("force", "Force web-01 off")
        until_the_wait_of(page, "confirm", "Confirm by evidence")
        # The card folds when its step has ended, also under the page that was loaded meanwhile.
        expect(page.card("confirm").get_by_role("button", name="Cancel")).to_have_count(0, timeout=60_000)
        page.sees("confirm", "Verdict: off")
        page.press("close", "Close the run and make its record")
        page.sees("close", "Forced off, and there is evidence")
        all_is_well(page)
        assert changing(simulator) == LADDER


@needs_chromium
def test_an_unsaved_notebook_that_is_loaded_anew_goes_on_when_its_cells_are_run_again(
    anywhere: Open,
) -> None:
    with served("stuck") as simulator:
        page = anywhere({**WAITS, "sample_gap_s": 1.1, "settle_s": 1.2})
        assert page.run_all()
        page.press("connect", "Connect")
        page.card("locate").get_by_label("VM name").fill("web-01")
        page.press("locate", "Find the VM")
        page.press("status_key", "Read the status key")
        page.press("verify", "Read the status row")
        page.tick_all(".vnb-ticks", 4)
        page.press("verify", "I have compared all four")
        page.press("alive", "Take two readings")
        page.press("plan", "Make the plan")
        approve(page)
        for step, button, following in (
            ("poweroff", "Send Power Off to web-01", "snapshot"),
            ("kill", "Send Kill Power to web-01", "force"),
        ):
            page.press(step, button)
            page.shows(f".vnb-step-{step}", "running for")
            page.reload()
            assert page.run_all()
            all_is_well(page)
            page.press(following, "Do the snapshot step" if following == "snapshot" else "Force web-01 off")
        page.press("confirm", "Confirm by evidence")
        page.sees("confirm", "Verdict: off")
        assert changing(simulator) == LADDER


@needs_chromium
def test_a_wait_counts_its_seconds_and_shows_the_picture_of_the_run(notebook: Open) -> None:
    """Holds off: a wait that stood still at two seconds, because the picture could not be drawn."""
    with served("stuck"):
        page = notebook({"sample_gap_s": 30.0})
        assert page.run_all()
        page.press("connect", "Connect")
        page.card("locate").get_by_label("VM name").fill("web-01")
        page.press("locate", "Find the VM")
        page.press("status_key", "Read the status key")
        page.press("verify", "Read the status row")
        page.tick_all(".vnb-ticks", 4)
        page.press("verify", "I have compared all four")
        page.press("alive", "Take two readings")
        picture = page.card("alive").get_by_role("img", name="web-01: going on")
        expect(picture).to_be_visible(timeout=60_000)
        seen = {page.card("alive").locator(".vnb-progress").inner_text()}
        for _ in range(3):
            expect(page.card("alive").locator(".vnb-progress")).not_to_have_text(seen.copy().pop())
            seen = {page.card("alive").locator(".vnb-progress").inner_text()}
        page.press("alive", "Cancel")
        page.shows(".vnb-step-alive", "Cancelled")


@needs_chromium
def test_a_press_that_is_not_answered_frees_its_button_says_so_and_counts_once(notebook: Open) -> None:
    """Holds off: a button that stayed grey for ever after a click that reached nobody."""
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        go = page.card("connect").get_by_role("button", name="Connect")
        # A message that ends nowhere, as one to a subshell does that has ended.
        page.run_in_kernel("route = rb.step('connect').go.comm.__dict__.pop('_reply_subshell_for')")
        page.run_in_kernel("rb.step('connect').go.comm._reply_subshell_for = lambda data, default: 'gone'")
        go.click()
        expect(go).to_be_disabled()
        expect(page.card("connect").get_by_role("alert").get_by_text("No answer yet")).to_be_visible(
            timeout=60_000
        )
        expect(go).to_be_enabled()
        assert simulator.requests == []
        page.run_in_kernel("rb.step('connect').go.comm._reply_subshell_for = route")
        # A kernel that is busy with a cell gets both presses, and takes one.
        page.begin_in_kernel("import time; time.sleep(8)")
        go.click()
        expect(page.card("connect").get_by_role("alert").get_by_text("No answer yet")).to_be_visible(
            timeout=60_000
        )
        go.click()
        page.sees("connect", "Connected to SIMULATED")
        assert [request.path for request in simulator.requests].count("/api/v4/system") == 1
