"""Copies of runbooks with values in their parameters cell."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from vergeos_nb.procedure.runbooks.catalog import notebook_of
from vergeos_nb.runner.working_copies import copy_beside, filled

RUNBOOK = "watch_after_power_off"


@pytest.mark.parametrize(
    "name", ["web-01", 'a "quoted" one', r"back\slash \1 \n", "a  # comment", "wéb 01", "'''", "{x}"]
)
def test_any_name_of_a_vm_arrives_as_it_is_and_nothing_in_it_is_code(name: str) -> None:
    notebook = filled(nbformat.read(notebook_of(RUNBOOK), as_version=4), {"vm_name": name, "vm_key": 41})
    (cell,) = [one for one in notebook.cells if "parameters" in one.metadata.get("tags", [])]
    names: dict[str, object] = {}
    exec(cell.source, names)
    assert (names["vm_name"], names["vm_key"], names["profile"]) == (name, 41, "simulator")
    # The comments that explain the parameters stay.
    assert "# The VM's exact name." in cell.source


def test_a_copy_lies_beside_its_notebook_under_a_name_that_says_what_it_is_for(tmp_path: Path) -> None:
    made = copy_beside(tmp_path / "here.ipynb", RUNBOOK, {"vm_name": "Web 01/../x"})
    assert made.parent == tmp_path
    assert made.name.startswith("watch_after_power_off-web-01-x-")
