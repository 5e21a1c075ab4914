"""The record's notebook, made from the runbook and the journal.

Its first cell shows the incident, its second the parameters that were given. Cells that are steps carry a tag
``step:ID``, the closing cell ``close``. Their outputs come from the journal, not from a browser, papermill or
a dying kernel. The runbook's own texts are left out. Other cells keep their outputs, without widgets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.procedure.runbooks.catalog import notebook_of, recorded_schema
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.story import defaults_view, story_of
from vergeos_nb.version import __version__
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.summary import RunSummary, summary_view
from vergeos_nb.views.text import visible

WIDGET = "application/vnd.jupyter.widget-view+json"
_LIVE_ONLY = re.compile(r"</?time>| <code class=\"vnb-frame\">[^<]*</code>")
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
    ours = _guidance(account)
    kept = [cell for cell in notebook.cells if not _left_out(cell, ours)]
    story = story_of(account, [step for cell in kept if (step := _step_of(cell))])
    cells = [_incident(summary, picture), _parameters(account)]
    for cell in kept:
        cell.metadata.pop("papermill", None)
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        step = _step_of(cell)
        if step:
            _tell(cell, step, account, story)
        elif "close" in _tags(cell):
            cell.outputs = []  # what a run shows at its end is the first thing that its record shows
            cell.metadata["vergeos_nb"] = {"status": summary.end.outcome.value}
        else:
            cell.outputs = [clean for output in cell.outputs if (clean := _clean(output, scrubber))]
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


def _tags(cell: NotebookNode) -> Sequence[str]:
    return list(cell.metadata.get("tags", []))


def _step_of(cell: NotebookNode) -> str:
    if cell.cell_type != "code":
        return ""
    return next((tag.removeprefix("step:") for tag in _tags(cell) if tag.startswith("step:")), "")


def _guidance(account: RunState) -> frozenset[str]:
    """The texts of the runbook. They guide a person during the run; a record only tells what was done."""
    try:
        path = notebook_of(str(account.opened.get("runbook")))
        cells = json.loads(path.read_bytes())["cells"]
    except (UsageError, OSError, ValueError, KeyError):
        return frozenset()
    return frozenset("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def _left_out(cell: NotebookNode, guidance: frozenset[str]) -> bool:
    """Whether the record leaves a cell out: guidance, banners, and parameters, which it shows itself."""
    if cell.cell_type == "markdown" and cell.source in guidance:
        return True
    return bool({PAPERMILL_ERROR, INJECTED, BANNER, "parameters"} & set(_tags(cell)))


def _tell(cell: NotebookNode, step: str, account: RunState, story: Mapping[str, Mapping[str, str]]) -> None:
    """Put a step's output into its cell."""
    result = next((result for result in account.results if result.step == step), None)
    cell.outputs = [_display(story[step])] if step in story else []
    if account.bug and account.bug["step"] == step:
        cell.outputs = [_error(account.bug)]
    status = result.outcome.value if result else "interrupted" if account.running == step else "not run"
    cell.metadata["vergeos_nb"] = {"step": step, "status": status}


def _cell(kind: str, cell_id: str, source: str, tags: list[str]) -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    return make(source, id=cell_id, metadata={"tags": tags})


def _parameters(account: RunState) -> NotebookNode:
    """The parameters that were given, as code; those that had their defaults are folded below."""
    values: Mapping[str, Any] = account.opened.get("parameters", {})
    schema = recorded_schema(str(account.opened.get("runbook")))
    fields = schema.model_fields if schema else {}
    defaults = {
        name: value
        for name, value in values.items()
        if name in fields and not fields[name].is_required() and fields[name].default == value
    }
    lines = [f"{visible(name)} = {value!r}" for name, value in values.items() if name not in defaults]
    cell = _cell("code", "injected-parameters", "\n".join(["# Parameters of this run", *lines]), [INJECTED])
    cell.outputs = [_display(defaults_view(defaults))] if defaults else []
    return cell


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
    # Marks for the script of a live page. A record shows UTC, and has no DataFrames beside it.
    data = {kind: _LIVE_ONLY.sub("", text) if kind == "text/html" else text for kind, text in bundle.items()}
    return nbformat.v4.new_output("display_data", data=data, metadata=dict(metadata or {}))


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
