"""A page that is loaded anew while a step waits, and a press that the kernel does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import BUTTONS, approve, click_through
from tests.browser.conftest import COMMS, beside_the_lab_at, notebook_in
from tests.browser.in_kernel import done_up_to
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, held_back, served
from vergeos_nb.runner.jupyter_lab import Lab
from vergeos_nb.simulator import Simulator

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
WITHOUT_THE_KERNELS_SIDE = (
    "import vergeos_nb.notebook.live; vergeos_nb.notebook.live.keep_comms_in_the_main_shell = lambda: None"
)


NIGHTLY = pytest.mark.nightly
# The page is loaded anew in both of these steps, the second time under a page that was loaded anew itself.
TWICE = (("alive", "poweroff"), ("kill", "confirm"))
LABS_SETTING, KERNELS_SIDE = "by the lab's setting alone", "by the kernel's side alone"


@pytest.fixture
def anywhere(request: pytest.FixtureRequest, browser: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a notebook in `vergeos-nb lab` and in anybody's JupyterLab, each with one of the two cures."""
    ours = request.param == LABS_SETTING
    lab: Lab = request.getfixturevalue("lab" if ours else "plain_lab")
    place: Path = request.getfixturevalue("place" if ours else "plain_place")
    beside_the_lab_at(place, request, monkeypatch)
    settings = json.loads(
        (lab.folder / ".jupyter" / "labconfig" / "default_setting_overrides.json").read_text()
    )
    assert settings.get(COMMS) == ({"commsOverSubshells": "disabled"} if ours else None)
    kept = request.getfixturevalue("kept_page") if ours else None
    with notebook_in(lab, browser, request.node.name, kept) as make:

        def opened() -> LabPage:
            # However long a page takes to load while Confirm runs, its time is not over by then.
            page = make({"confirm_timeout_s": 120})
            if ours:
                page.run_in_kernel(WITHOUT_THE_KERNELS_SIDE)
            return page

        yield opened


def all_is_well(page: LabPage) -> None:
    """No output says that its widget is not there."""
    expect(page.page.locator(".jp-Notebook")).not_to_contain_text("model not found")


def reloaded_while(page: LabPage, simulator: Simulator, step: str, *, saved: bool = True) -> None:
    """Press the button of a step, and load the page anew while it runs."""
    button = page.can_press(step, BUTTONS[step])
    # So that the step ends when the new page is there.
    with held_back(simulator):
        button.click()
        page.shows(f".vnb-step-{step}", "running for")
        if saved:
            page.command("docmanager:save")
        page.reload()
        if not saved:
            assert page.run_all()
        # A page that still loads its cards would miss the end.
        page.shows(f".vnb-step-{step}", "running for")
    all_is_well(page)


@needs_chromium
@pytest.mark.parametrize("steps", [("poweroff",), *(pytest.param(steps, marks=NIGHTLY) for steps in TWICE)])
@pytest.mark.parametrize("anywhere", [LABS_SETTING, pytest.param(KERNELS_SIDE, marks=NIGHTLY)], indirect=True)
def test_a_reload_in_the_middle_of_a_waiting_step_leaves_no_button_dead(
    anywhere: Open, steps: Sequence[str]
) -> None:
    """Holds off: clicks that went to a subshell which had ended with the page before.

    By day with the one cure; the other one is tried by the next test.
    """
    with served("stuck") as simulator:
        page = anywhere()
        assert page.run_all()
        page.press("connect", "Connect")
        # What is typed under the old page is answered under it, too.
        page.card("locate").get_by_label("VM name").fill("web-0")
        page.card("locate").get_by_label("VM name").press("Tab")
        page.command("docmanager:save")
        page.reload()
        click_through(page, "locate", "locate")
        following = "status_key"
        for step in steps:
            done_up_to(page, _beside(step, -1), first=following, approved=True)
            reloaded_while(page, simulator, step)
            # The card folds when its step has ended, also under the page that was loaded meanwhile.
            expect(page.card(step).get_by_role("button", name="Cancel")).to_have_count(0, timeout=60_000)
            following = _beside(step, 1)
            if following != "close":
                click_through(page, following, following)
                if following == "plan":
                    approve(page)
                following = _beside(following, 1)
        all_is_well(page)
        if "confirm" in steps:
            page.sees("confirm", "Verdict: off")
            page.press("close", "Close the run and make its record")
            page.sees("close", "Forced off, and there is evidence")
        assert changing(simulator) == LADDER[: 3 if "confirm" in steps else 1]


def _beside(step: str, by: int) -> str:
    steps = list(BUTTONS)
    return steps[steps.index(step) + by]


@needs_chromium
@pytest.mark.parametrize("anywhere", [pytest.param(LABS_SETTING, marks=NIGHTLY), KERNELS_SIDE], indirect=True)
@pytest.mark.parametrize("step", ["poweroff", pytest.param("kill", marks=NIGHTLY)])
def test_an_unsaved_notebook_that_is_loaded_anew_goes_on_when_its_cells_are_run_again(
    anywhere: Open, step: str
) -> None:
    with served("stuck") as simulator:
        page = anywhere()
        assert page.run_all()
        done_up_to(page, _beside(step, -1), approved=True)
        reloaded_while(page, simulator, step, saved=False)
        following = _beside(step, 1)
        click_through(page, following, following)
        done_up_to(page, "force", first=_beside(following, 1))
        page.press("confirm", "Confirm by evidence")
        page.sees("confirm", "Verdict: off")
        assert changing(simulator) == LADDER


@needs_chromium
def test_a_press_that_is_not_answered_frees_its_button_says_so_and_counts_once(
    notebook: Open, tmp_path: Path
) -> None:
    """Holds off: a button that stayed grey for ever after a click that reached nobody."""
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        go = page.card("connect").get_by_role("button", name="Connect")
        page.run_in_kernel("rb.step('connect').go.patience_ms = 2500")
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
        pressed = tmp_path / "pressed"
        page.begin_in_kernel(
            f"import os, time\nwhile not os.path.exists({str(pressed)!r}):\n    time.sleep(0.05)"
        )
        go.click()
        expect(page.card("connect").get_by_role("alert").get_by_text("No answer yet")).to_be_visible(
            timeout=60_000
        )
        go.click()
        pressed.touch()
        page.sees("connect", "Connected to SIMULATED")
        assert [request.path for request in simulator.requests].count("/api/v4/system") == 1
