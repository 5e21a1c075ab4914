"""The questions of docs/analysis.md have the answers that stand there, and its columns exist."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import vergeos_nb
from tests.archive.questions.years import years_of_runs
from vergeos_nb.archive.questions.journal_rows import ARCHIVED_CALLS, STEPS, WITNESSED
from vergeos_nb.archive.questions.open_archive import RUNS_OF_ARCHIVE

PAGE = (Path(__file__).parents[3] / "docs" / "analysis.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.S)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return years_of_runs(tmp_path_factory.mktemp("years"))


def answers(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the blocks of the page print, one after the other as in one notebook."""
    monkeypatch.setenv("VERGEOS_NB_OUTPUTS", str(outputs))
    names: dict[str, Any] = {}
    printed = []
    for code, _ in BLOCKS:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)
        printed.append(out.getvalue())
    return printed


def without_measures(text: str) -> str:
    """A table without the seconds that were measured: those change with the calls that a reading takes."""
    return re.sub(r"[ \t]+", " ", re.sub(r"\d+\.\d+", "#", text)).replace(" \n", "\n")


def test_the_questions_of_the_page_have_the_answers_that_stand_there(
    years: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pd.option_context("display.width", 120):
        found = answers(years, monkeypatch)
    assert [*map(without_measures, found)] == [without_measures(answer) for _, answer in BLOCKS]
    assert len(BLOCKS) == 6


def test_the_page_names_each_column_once_under_its_dataframe() -> None:
    columns = PAGE.partition("## Columns")[2]
    parts = re.split(r"^`\w+` has one", columns, flags=re.M)
    tables = [re.findall(r"^\| (`.*?) \|", part, re.M) for part in parts]
    named = [re.findall(r"`([\w]+)`", " ".join(cells)) for cells in tables if cells]
    schemas = (RUNS_OF_ARCHIVE, STEPS, ARCHIVED_CALLS, WITNESSED)
    assert [sorted(names) for names in named] == [
        sorted(name for name, _ in schema.columns if (schema, name) != (RUNS_OF_ARCHIVE, "record"))
        for schema in schemas
    ]


def test_a_record_that_is_not_as_it_was_sealed_is_counted_by_the_ledger_and_read_by_nobody(
    years: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(years, copy)
    whole = vergeos_nb.open_archive(copy)
    forged, damaged = whole.runs.index[1], whole.runs.index[3]
    for record, name in ((forged, "record.json"), (damaged, "journal.jsonl")):
        path = copy / whole.runs.path[record] / name
        path.write_bytes(path.read_bytes().replace(b"override", b"poweroff"))
    archive = vergeos_nb.open_archive(copy)
    runs = archive.runs
    assert list(runs.index) == list(whole.runs.index)
    assert [runs.whole[forged], runs.whole[damaged]] == [False, True]
    assert (bool(pd.isna(runs.sent[forged])), runs.outcome[forged]) == (True, "done")
    assert set(archive.steps.record) == set(whole.steps.record) - {damaged}
    assert archive.unread == {forged, damaged}


def test_the_frames_agree_with_each_other_and_with_the_record_itself(years: Path) -> None:
    archive = vergeos_nb.open_archive(years, vm="web-01", outcome="done")
    (record,) = archive.runs.index
    sent = archive.calls[archive.calls.act.notna()]
    assert " → ".join(sent.act) == archive.runs.sent[record] == "poweroff → kill → override"
    assert list(sent.step) == ["poweroff", "kill", "force"]
    assert list(sent.table) == ["vm_actions", "vm_actions", "machine_status"]
    assert (archive.steps.calls.sum(), archive.runs.changes[record]) == (len(archive.calls), 3)
    last = archive.evidence[archive.evidence.step == "confirm"]
    assert set(last.verdict) == {archive.runs.verdict[record]} == {"off"}
    assert "dead" in set(last.says)
