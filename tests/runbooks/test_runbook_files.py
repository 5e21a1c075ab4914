"""The notebooks as they are stored: they call and never define, and hold no outputs."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from vergeos_nb.parameters import cell_lines
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS, notebook_of

FILES = sorted((Path(__file__).parents[2] / "runbooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_every_runbook_has_a_schema_and_a_file() -> None:
    assert {path.stem for path in FILES} == set(RUNBOOKS)
    assert all(notebook_of(name).is_file() for name in RUNBOOKS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_is_valid_and_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.outputs for cell in code_cells(path)] == [[] for _ in code_cells(path)]
    assert {cell.execution_count for cell in code_cells(path)} == {None}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_s_cells_call_and_never_define(path: Path) -> None:
    for cell in code_cells(path):
        tree = ast.parse(cell.source)
        kinds = {type(node) for node in ast.walk(tree)}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try}
        assert "parameters" in cell.metadata.tags or len(cell.source.splitlines()) <= 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_parameters_cell_has_the_schema_s_names_types_defaults_and_words(path: Path) -> None:
    (cell,) = [cell for cell in code_cells(path) if "parameters" in cell.metadata.tags]
    assert cell.source.splitlines() == cell_lines(RUNBOOKS[path.stem].parameters)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_runs_every_step_of_its_procedure_in_order(path: Path) -> None:
    tags = [cell.metadata.tags for cell in code_cells(path)]
    steps = [[f"step:{step.id}"] for step in RUNBOOKS[path.stem].steps]
    assert tags == [["parameters"], ["open"], *steps, ["close"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_runbook_opens_itself_runs_its_steps_and_closes(path: Path) -> None:
    opens, *steps, close = [cell.source for cell in code_cells(path)][1:]
    assert f'open_runbook("{path.stem}", globals())' in opens
    assert steps == [f'rb.step("{step.id}")' for step in RUNBOOKS[path.stem].steps]
    assert close == "rb.close()"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_step_is_taught_before_it_is_run(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            assert cells[index - 1].cell_type == "markdown"
            assert len(cells[index - 1].source) > 60
