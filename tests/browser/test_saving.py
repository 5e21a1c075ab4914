"""A runbook's notebook is saved unasked, so that a page that is loaded anew shows its cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Dialog, Route, expect

from tests.browser.clicks import one_of_each
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import served

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
REVERT = "() => window.jupyterapp.shell.currentWidget.context.revert()"
# Changes a cell while the notebook is on its way to the disk; whether it counts as changed afterwards.
CHANGED_MEANWHILE = """async () => {
  const { contents } = window.jupyterapp.serviceManager;
  const { context } = window.jupyterapp.shell.currentWidget;
  const save = contents.save;
  contents.save = (...told) => {
    contents.save = save;
    const cell = context.model.cells.get(0).sharedModel;
    cell.setSource(cell.getSource() + ' ');
    return save.apply(contents, told);
  };
  await context.save();
  return context.model.dirty;
}"""
# Takes the widget of a cell's last output away while ipywidgets looks for it; what stands there then.
COMES_LATE = """async (code) => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  const area = cells.find((cell) => cell.model.sharedModel.getSource() === code).outputArea;
  const last = area.widgets.length - 1;
  const shown = [...area.widgets[last].widgets].find((one) => one.mimeType?.includes('widget-view'));
  const manager = await shown._manager.promise;
  const id = area.model.get(last).data[shown.mimeType].model_id;
  const model = manager._models[id];
  delete manager._models[id];
  await shown.renderModel(area.model.get(last));
  manager._models[id] = model;
  return shown.node.textContent;
}"""
# What the page asks for before it saves.
HASH_ASKED = re.compile(r"/api/contents/.*hash=1")


@needs_chromium
def test_a_page_that_is_loaded_anew_shows_its_cards_and_goes_on_though_nobody_saved_it(
    notebook: Open,
) -> None:
    """Holds off: a runbook without cards, because JupyterLab itself saves after two minutes."""
    with served("stuck"):
        page = notebook()
        asked: list[str] = []

        def ask(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.accept()

        page.page.on("dialog", ask)
        assert page.run_all()
        page.is_saved()
        # As cells do that still run: what they show last was not in the file, and nothing said so.
        assert page.page.evaluate(CHANGED_MEANWHILE) is True
        page.is_saved()
        page.reload()
        one_of_each(page)
        page.press("connect", "Connect")
        page.sees("connect", "Connected to SIMULATED")
        page.is_saved()
        page.reload()
        one_of_each(page)
        page.card("locate").get_by_label("VM name").fill("web-01")
        page.press("locate", "Find the VM")
        page.holds("locate", "VM key 41")
        page.page.remove_listener("dialog", ask)
        # As on a slow machine, where ipywidgets gives up just before the widgets come from the kernel.
        told = page.page.evaluate(COMES_LATE, 'rb.step("kill")')
        assert told == "Error displaying widget: model not found"
        one_of_each(page)
    # Nor does the browser ask whether to leave a page with changes that are not saved.
    assert asked == []


@needs_chromium
def test_a_notebook_that_is_read_only_or_was_changed_on_disk_is_left_alone_and_nothing_is_asked(
    notebook: Open, lab: Any
) -> None:
    sent: list[str] = []

    def read_only(route: Route) -> None:
        sent.append(route.request.method)
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "writable": False})

    with served("stuck"):
        page = notebook()
        file = f"**/api/contents/{page.name}.ipynb?*"
        page.page.route(file, read_only)
        page.page.evaluate(REVERT)
        assert page.run_all()
        page.press("connect", "Connect")
        page.sees("connect", "Connected to SIMULATED")
        page.page.unroute(file)
        assert set(sent) == {"GET"}
        page.page.evaluate(REVERT)
        assert page.run_all()
        page.is_saved()
        path = lab.folder / f"{page.name}.ipynb"
        other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("another program's")])
        nbformat.write(other, path)
        with page.page.expect_response(HASH_ASKED):
            page.press("locate", "Find the VM")
        page.holds("locate", "refused")
        # Once more: by then it is decided what became of the first time.
        with page.page.expect_response(HASH_ASKED):
            page.press("locate", "Try again")
        expect(page.page.locator(".jp-Dialog")).to_have_count(0)
        assert nbformat.read(path, as_version=4).cells == other.cells
