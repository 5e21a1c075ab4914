"""What people do to a notebook: two pages, cells run twice and out of order, outputs cleared, a break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import approve, finish, one_of_each
from tests.browser.in_kernel import done_up_to
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import LADDER, changing, served

Open = Callable[..., LabPage]
Record = Callable[[], tuple[Path, Any]]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(500)]
RUN_CELL = """async (tag) => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets;
  panel.content.deselectAll();
  const has = (cell) => (cell.model.getMetadata('tags') ?? []).includes(tag);
  panel.content.activeCellIndex = cells.findIndex(has);
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""


@needs_chromium
def test_run_all_twice_cleared_outputs_and_cells_out_of_order_leave_one_run_with_one_card_for_each_step(
    notebook: Open,
) -> None:
    with served("stuck") as simulator:
        page = notebook()
        page.page.evaluate(RUN_CELL, "parameters")
        page.page.evaluate(RUN_CELL, "open")
        for step in ("step:kill", "step:verify", "step:connect"):
            page.page.evaluate(RUN_CELL, step)
        expect(page.card("kill")).to_contain_text("waiting")
        expect(page.card("verify")).to_contain_text("waiting")
        page.press("connect", "Connect")
        expect(page.card("connect")).to_contain_text("SIMULATED", timeout=60_000)
        # By now with the cards of the cells that were left out.
        assert page.run_all()
        one_of_each(page)
        page.card("locate").get_by_label("VM name").fill("web-01")
        page.press("locate", "Find the VM")
        page.press("status_key", "Read the status key")
        expect(page.card("status_key")).to_contain_text("status key 46", timeout=60_000)
        assert page.run_all()
        one_of_each(page)
        expect(page.card("locate")).to_contain_text("web-01 · VM key 41")
        page.command("notebook:clear-all-cell-outputs")
        expect(page.page.locator(".vnb-card")).to_have_count(0)
        expect(page.page.locator(".vnb-bar")).to_have_count(0)
        assert page.run_all()
        one_of_each(page)
        expect(page.card("status_key")).to_contain_text("status key 46")
        page.press("verify", "Read the status row")
        page.sees("verify", "Side by side")
        assert changing(simulator) == []
        assert [request.path for request in simulator.requests].count("/api/v4/system") == 1


@needs_chromium
def test_two_pages_show_the_same_run_and_a_click_in_each_sends_once(notebook: Open, browser: Any) -> None:
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        page.command("docmanager:save")
        name = page.url.partition("/tree/")[2].partition(".ipynb")[0]
        other = LabPage(browser, page.lab, page.shots, notebook=name, shared=page.page.context)
        try:
            one_of_each(other)
            done_up_to(page, "plan")
            expect(other.card("alive")).to_contain_text("OFF", timeout=60_000)
            expect(other.page.locator(".vnb-approval")).to_be_visible()
            approve(other)
            for one in (page, other):
                expect(one.card("poweroff").get_by_role("button", name="Send Power Off")).to_be_enabled(
                    timeout=60_000
                )
            page.card("poweroff").get_by_role("button", name="Send Power Off").click()
            other.card("poweroff").get_by_role("button", name="Send Power Off").click(force=True)
            for one in (page, other):
                expect(one.card("poweroff")).to_contain_text("no effect", timeout=60_000)
                one_of_each(one)
            assert changing(simulator) == LADDER[:1]
            finish(other, first="snapshot")
            expect(page.card("close")).to_contain_text("Forced off, and there is evidence", timeout=60_000)
            assert changing(simulator) == LADDER
        finally:
            other.close()


@needs_chromium
def test_restart_and_run_all_asks_what_becomes_of_the_run_that_was_cut_short(
    notebook: Open, record: Record
) -> None:
    with served("stuck") as simulator:
        page = notebook()
        assert page.run_all()
        done_up_to(page, "poweroff", approved=True)
        page.sees("poweroff", "had no effect")
        # Not waited for: it ends when the dialog has been answered.
        page.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:restart-run-all')")
        page.page.locator(".jp-Dialog .jp-mod-accept").click()
        page.shows(".vnb-step-connect", "A run of this notebook was cut short: web-01")
        page.press("connect", "Finish its record")
        # Connect has waited for the answer, and begins a run of its own.
        page.press("connect", "Connect")
        expect(page.card("connect")).to_contain_text("SIMULATED", timeout=60_000)
        one_of_each(page)
        assert changing(simulator) == LADDER[:1]
    assert record()[1]["outcome"] == "interrupted"
