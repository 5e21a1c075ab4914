"""Hostile words are inert wherever a record is looked at: files, names, terminal, spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from tests.read_records import IMG
from tests.rehearsal import Rehearsal
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.cli.main import cli
from vergeos_nb.cli.plain import csv_pieces


def audit(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["audit", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("name", ["notebook.ipynb", "notebook.html", "timeline.svg"])
def test_no_file_of_a_record_holds_a_character_that_a_reader_obeys_unseen(
    hostile: Rehearsal, name: str
) -> None:
    for path in hostile.outputs.rglob(name):
        strange = {c for c in path.read_text(encoding="utf-8") if not c.isprintable()} - set("\n\xa0")
        assert strange == set(), path


def test_markup_is_in_no_markdown_cell_but_as_code(hostile: Rehearsal) -> None:
    cells = nbformat.read(hostile.folder / "notebook.ipynb", as_version=4).cells
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.split("\n")]
    assert [line for line in lines if "onerror" in line and not line.startswith("    ")] == []


def test_a_terminal_obeys_nothing(hostile: Rehearsal) -> None:
    (first, last) = Index(hostile.outputs).find(Query())
    shown = [audit("show", entry.record, "--outputs", str(hostile.outputs)) for entry in (first, last)]
    for text in [*shown, audit("list", "--outputs", str(hostile.outputs))]:
        assert {c for c in text if not c.isprintable()} == {"\n"}
    assert "\\x1b]0;owned\\x07\\x9b31m\\u202e" in shown[0]
    assert IMG in shown[1]


def test_a_spreadsheet_computes_nothing(hostile: Rehearsal) -> None:
    text = audit("list", "--csv", "--outputs", str(hostile.outputs))
    _, *rows = csv.reader(io.StringIO(text))
    assert [row for row in rows for value in row if value.lstrip()[:1] in set("=+-@＝＋－＠")] == []
    assert ["'@SUM(1+1)*cmd|'/c calc'!A0" in row for row in rows] == [True, True]


@pytest.mark.parametrize("text", ["=1", " +1", "-1", "@x", "＝1", "＠x"])
def test_what_begins_a_formula_gets_an_apostrophe_before_it(text: str) -> None:
    assert "".join(csv_pieces(["a"], [[text], [-1]])) == f'"a"\n"\'{text}"\n"-1"\n'


def test_another_separator_opens_no_formula() -> None:
    """Holds off a spreadsheet that splits at semicolons and finds a formula behind one."""
    assert "".join(csv_pieces(["a"], [["x;=1+1"]])) == '"a"\n"x;=1+1"\n'


def test_a_folder_s_name_is_tame_and_below_the_archive(tmp_path: Path) -> None:
    from vergeos_nb.record.record_folder import new_folder

    folder = new_folder(tmp_path, "force_power_off", f"../../{IMG}\u202e\x1b", 0.0)
    assert folder.parent == tmp_path / "1970-01-01"
    assert folder.name.startswith("000000Z-force_power_off-img-src-x-onerror-alert-1-")
