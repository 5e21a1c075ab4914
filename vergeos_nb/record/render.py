"""The record's notebook, made from the runbook and the journal.

Cells that are steps carry a tag ``step:ID``, the closing cell ``close``. Their outputs come from the journal,
not from a browser, papermill or a dying kernel. Other cells keep their outputs, without widgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.version import __version__
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.summary import RunSummary, summary_view
from vergeos_nb.views.text import visible

WIDGET = "application/vnd.jupyter.widget-view+json"
INJECTED = "injected-parameters"
BANNER = "record-banner"
# Banner cells and statuses that papermill adds; after a timeout or a dead kernel they are wrong.
PAPERMILL_ERROR = "papermill-error-cell-tag"


def render(base: NotebookNode, account: RunState, scrubber: Scrubber, picture: Picture) -> NotebookNode:
    """The executed notebook as the journal knows it.

    Args:
        base: the runbook, or the notebook that a run made from it.
        scrubber: masks secrets in outputs that did not come through the journal.
        picture: the run's timeline.
    """
    notebook = nbformat.from_dict(nbformat.v4.upgrade(base))
    summary = summary_of(account)
    results = {result.step: result for result in account.results}
    cells: list[NotebookNode] = [_incident(summary, picture)]
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if PAPERMILL_ERROR in tags or INJECTED in tags or BANNER in tags:
            continue
        cell.metadata.pop("papermill", None)
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        step = next((tag.removeprefix("step:") for tag in tags if tag.startswith("step:")), "")
        if step:
            result = results.get(step)
            cell.outputs = [_display(static_view(result))] if result else []
            if account.bug and account.bug["step"] == step:
                cell.outputs = [_error(account.bug)]
            status = (
                result.outcome.value if result else "interrupted" if account.running == step else "not run"
            )
            cell.metadata["vergeos_nb"] = {"step": step, "status": status}
        elif "close" in tags:
            cell.outputs = []  # what a run shows at its end is the first thing that its record shows
            cell.metadata["vergeos_nb"] = {"status": summary.end.outcome.value}
        else:
            cell.outputs = [clean for output in cell.outputs if (clean := _clean(output, scrubber))]
        if "parameters" in tags:
            cells.append(_injected(account))
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), start=1):
        cell.execution_count = number if cell.outputs or "vergeos_nb" not in cell.metadata else None
    notebook.cells = cells
    notebook.metadata.pop("widgets", None)
    notebook.metadata.pop("papermill", None)
    notebook.metadata["vergeos_nb"] = {
        "version": __version__,
        "outcome": summary.end.outcome.value,
        "verdict": summary.end.verdict.value,
    }
    return notebook


def _cell(kind: str, cell_id: str, source: str, tags: list[str]) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    return make(source, id=cell_id, metadata={"tags": tags})


def _injected(account: RunState) -> NotebookNode:
    parameters: Mapping[str, Any] = account.opened.get("parameters", {})
    lines = [f"{visible(name)} = {value!r}" for name, value in parameters.items()]
    return _cell("code", "injected-parameters", "\n".join(["# Parameters of this run", *lines]), [INJECTED])


def _incident(summary: RunSummary, picture: Picture) -> NotebookNode:
    """The first cell: what happened, by whom and why, and the picture of it."""
    cell = _cell("code", "record-banner", "# What happened, from the journal of the run", [BANNER])
    cell.metadata["jupyter"] = {"source_hidden": True}
    cell.outputs = [
        _display(summary_view(summary, steps=False)),
        _display(picture.bundle, picture.metadata),
    ]
    return cell


def _display(bundle: Mapping[str, str], metadata: Mapping[str, Any] | None = None) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data=dict(bundle), metadata=dict(metadata or {}))


def _error(bug: Mapping[str, Any]) -> NotebookNode:
    return nbformat.v4.new_output(
        "error",
        ename="Bug",
        evalue=visible(bug["error"]),
        traceback=visible(bug["traceback"], keep="\n").split("\n"),
    )


def _clean(output: NotebookNode, scrubber: Scrubber) -> NotebookNode | None:
    data = output.get("data", {})
    if WIDGET in data:
        del data[WIDGET]
        if not set(data) - {"text/plain"}:
            return None
    return nbformat.from_dict(scrubber.data(output))
