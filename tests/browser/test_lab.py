"""The notebook as an engineer uses it: a real JupyterLab in a real Chromium, over TLS to the simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.clicks import click_through, finish, one_of_each, up_to_the_plan
from tests.browser.in_kernel import done_up_to
from tests.browser.labpage import LabPage
from tests.browser.looks import in_both_themes
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, held_back, served
from vergeos_nb.record.record_folder import check

Open = Callable[..., LabPage]
Record = Callable[[], tuple[Path, Any]]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WIDGET = "application/vnd.jupyter.widget-view+json"


@needs_chromium
@pytest.mark.parametrize("away_s", [2.0, pytest.param(61.0, marks=pytest.mark.nightly)])
def test_a_stuck_vm_is_forced_off_in_a_browser_that_was_closed_during_a_wait_and_one_put_for_a_double_click(
    notebook: Open, record: Record, away_s: float
) -> None:
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        page.shot("light-fresh")
        assert simulator.requests == []
        done_up_to(page, "plan", approved=True)
        page.shot("light-approved")
        button = page.can_press("poweroff", "Send Power Off to web-01")
        with held_back(simulator):
            button.click()
            page.shows(".vnb-step-poweroff", "running for")
            # What a page that was never saved loses are the places; what was saved comes back alive.
            page.command("docmanager:save")
            page.leave()
        # Time that the kernel and the simulator live through, too.
        time.sleep(away_s)
        page.come_back()
        expect(page.card("poweroff")).to_contain_text("no effect", timeout=60_000)
        one_of_each(page)
        page.press("snapshot", "Do the snapshot step")
        page.press("kill", "Send Kill Power to web-01")
        force = page.card("force").get_by_role("button", name="Force web-01 off")
        expect(force).to_be_enabled(timeout=60_000)
        force.dblclick()
        finish(page, first="confirm")
        page.shot("light-closed")
        assert changing(simulator) == LADDER
    folder, content = record()
    assert (content["outcome"], content["verdict"], content["ticket"]) == ("done", "off", "INC-4711")
    assert check(folder) == []
    kept = nbformat.read(folder / "notebook.ipynb", as_version=4)
    assert "widgets" not in kept.metadata
    assert WIDGET not in nbformat.writes(kept)
    assert page.outside == []


@needs_chromium
def test_a_saved_notebook_holds_static_evidence_shows_no_dead_widget_and_reads_well_untrusted_and_dark(
    notebook: Open, lab: Any
) -> None:
    """Holds off: a notebook that JupyterLab trusts shows "model not found" in the place of each card."""
    with served("stuck"):
        page = notebook()
        assert page.run_all()
        up_to_the_plan(page)
        expect(page.cell("connect").locator(".vnb-static")).to_contain_text("SIMULATED", timeout=60_000)
        page.command("docmanager:save")
        (saved,) = [path for path in lab.folder.glob("*.ipynb") if path.name in page.url]
        kept = nbformat.read(saved, as_version=4)
        page.end_kernel()
        page.reload()
    cells = {cell.source: cell.outputs for cell in kept.cells if cell.cell_type == "code"}
    for step in ("connect", "locate", "status_key", "verify", "alive", "plan"):
        first, second = cells[f'rb.step("{step}")']
        assert WIDGET not in first.data, step
        assert "API calls" in first.data["text/html"], step
        assert (second.data["text/html"], second.data["text/plain"]) == ("", ""), step
    assert "waiting" in cells['rb.step("kill")'][0].data["text/plain"]
    assert "widgets" not in kept.metadata
    expect(page.cell("connect")).to_contain_text("1. Connect · SIMULATED")
    # It is in the page, and hidden by the style that lies beside the static view.
    expect(page.page.get_by_text("Error displaying widget").first).to_be_hidden()
    assert "Error displaying widget" not in page.page.locator(".jp-Notebook").inner_text()
    page.shot("light-without-kernel")
    copy = saved.with_name("copy-of-" + saved.name)
    nbformat.write(kept, copy)
    page.clear()
    page.theme("Dark")
    page.go_to(copy.stem)
    for step, words in (("alive", "Verdict: off"), ("kill", "9. Kill power · ○ waiting")):
        expect(page.cell(step).locator(".jp-OutputArea")).to_contain_text(words)
        assert "Error displaying widget" not in page.cell(step).inner_text()
    page.cell("alive").locator("summary").first.click()
    expect(page.cell("alive")).to_contain_text("Evidence, source by source")
    page.cell("alive").scroll_into_view_if_needed()
    page.shot("dark-untrusted")


@needs_chromium
@pytest.mark.real_waits
def test_a_living_vm_is_not_overridden_and_a_wait_is_cancelled_while_another_cell_runs(
    notebook: Open, record: Record, skip_waits: Callable[[], object]
) -> None:
    with served("zombie") as simulator:
        # The plan binds the waits: one that is long enough to be cancelled has to be approved.
        page = notebook({"poweroff_wait_s": 30})
        assert page.run_all()
        done_up_to(page, "plan", approved=True)
        page.press("poweroff", "Send Power Off to web-01")
        page.shows(".vnb-step-poweroff", "the process lives, and the guest may still shut down")
        with held_back(simulator):
            assert page.run_in_kernel("6 * 7") == "42"
            page.press("poweroff", "Cancel")
        page.shows(".vnb-step-poweroff", "What was sent stays sent")
        skip_waits()
        page.press("poweroff", "Send Power Off to web-01")
        page.sees("poweroff", "sent earlier in this run, and not again")
        click_through(page, "snapshot", "force")
        page.sees("force", "its process lives")
        page.cell("force").scroll_into_view_if_needed()
        page.shot("zombie-refused")
        page.press("close", "Close the run and make its record")
        page.sees("close", "alive")
        assert changing(simulator) == LADDER[:2]
    assert (record()[1]["outcome"], record()[1]["verdict"], record()[1]["exit_code"]) == (
        "refused",
        "alive",
        6,
    )


@needs_chromium
def test_twins_are_refused_until_one_is_picked_and_the_card_is_accessible_in_each_theme(
    notebook: Open,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with served("twins", vms=10_000) as simulator:
        page = notebook()
        assert page.run_all()
        page.press("connect", "Connect")
        page.press("locate", "List all VMs")
        picker = page.page.locator(".vnb-picker")
        expect(picker).to_contain_text("of 10013 VMs", timeout=60_000)
        picker.get_by_label("Filter by name").fill("web-01")
        picker.get_by_label("VMs").select_option(index=0)
        expect(picker).to_contain_text("machine key")
        expect(page.card("locate").get_by_label("VM key")).to_have_value("41")
        page.shot("light-picker")
        # As one who typed the name alone.
        page.card("locate").get_by_label("VM key").fill("0")
        page.card("locate").get_by_label("VM key").press("Tab")
        page.press("locate", "Find the VM")
        page.sees("locate", "2 VMs have this name")
        choice = page.card("locate").get_by_role("radio")
        expect(choice).to_have_count(2)
        choice.last.check()
        wrong = {}
        for theme, width in (("Light", 1280), ("Dark", 1280), ("Dark", 700)):
            page.theme(theme)
            page.page.set_viewport_size({"width": width, "height": 1000})
            page.cell("locate").scroll_into_view_if_needed()
            page.shot(f"twins-{theme.lower()}-{width}")
            # Ours are the outputs; the rest of the page is JupyterLab's.
            found = Axe().run(page.page, context={"include": [[".jp-OutputArea-output"]]}).response
            wrong[theme, width] = [
                (one["id"], node["html"][:150]) for one in found["violations"] for node in one["nodes"]
            ]
        assert wrong == dict.fromkeys(wrong, [])
        page.press("locate", "Find the VM with key 11008")
        page.sees("locate", "'web-01' is VM 11008; its machine is 11011.")
        assert changing(simulator) == []


@needs_chromium
def test_after_a_kernel_restart_in_the_middle_one_question_resumes_the_run_and_nothing_is_sent_twice(
    notebook: Open, record: Record
) -> None:
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        done_up_to(page, "poweroff", approved=True)
        page.sees("poweroff", "No effect. Next: Kill Power.")
        page.sees("poweroff", "had no effect")
        page.restart_kernel()
        assert page.run_all()
        page.shows(".vnb-step-connect", "A run of this notebook was cut short: web-01")
        card = page.card("connect")
        expect(card).to_contain_text("It had sent POST /api/v4/vm_actions")
        assert in_both_themes(page, "interrupted", "connect") == []
        assert card.get_by_role("button").all_inner_texts() == ["Go on", "Finish its record"]
        page.press("connect", "Go on")
        page.sees("connect", "Connected to SIMULATED")
        assert changing(simulator) == LADDER[:1]
        done_up_to(page, "plan", first="locate", approved=True)
        page.press("poweroff", "Send Power Off to web-01")
        page.sees("poweroff", "sent earlier in this run, and not again")
        finish(page, first="snapshot")
        assert changing(simulator) == LADDER
    assert (record()[1]["outcome"], record()[1]["verdict"]) == ("done", "off")
