"""Working copies of runbooks, with values in their parameters cells."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vergeos_nb.files import disk_errors, put
from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.procedure.runbooks.catalog import notebook_of
from vergeos_nb.record.record_folder import slug

START = Path(__file__).with_name("start.ipynb")
"""The notebook with the start page. It is not a runbook."""


def working_copy(runbooks: Mapping[str, Path], folder: Path, profile: str) -> None:
    """Copy the runbooks into a folder, with this profile in their parameters cells.

    Raises:
        RecordError: the folder cannot be written.
    """
    hint = "choose a folder that can be written with --dir"
    with disk_errors(f"making the working copy {folder}", hint):
        for name, path in runbooks.items():
            _write(folder / f"{name}.ipynb", filled(nbformat.read(path, as_version=4), {"profile": profile}))


def copy_beside(notebook: Path, runbook: str, given: Mapping[str, Any], *, word: str = "") -> Path:
    """Copy a runbook into the folder of a notebook, under a new name, with these parameters.

    Args:
        word: begins the new name instead of the runbook's.

    Raises:
        RecordError: the folder cannot be written.
    """
    subject = slug(str(given["vm_name"])) if given.get("vm_name") else ""
    moment = f"{datetime.now(UTC):%H%M%SZ}"
    name = "-".join(filter(None, [word or runbook, subject, moment]))
    path = notebook.parent / f"{name}.ipynb"
    hint = f"open the runbook {runbook} by hand and type its parameters on its cards"
    with disk_errors(f"preparing {path.name}", hint):
        _write(path, filled(nbformat.read(notebook_of(runbook), as_version=4), given))
    return path


def filled(notebook: NotebookNode, given: Mapping[str, Any]) -> NotebookNode:
    """The notebook with these values in its parameters cell. Names that the cell lacks are ignored."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = "\n".join(_with_value(line, given) for line in cell.source.split("\n"))
    return notebook


def _with_value(line: str, given: Mapping[str, Any]) -> str:
    parts = re.fullmatch(r"((\w+): [^=]+ = ).*?(  #.*)?", line)
    if parts is None or parts[2] not in given:
        return line
    return f"{parts[1]}{_literal(given[parts[2]])}{parts[3] or ''}"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _write(path: Path, notebook: NotebookNode) -> None:
    put(path, f"{nbformat.writes(notebook)}\n".encode())
