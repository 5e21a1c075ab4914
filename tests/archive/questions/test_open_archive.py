"""The archive as DataFrames, and two records side by side."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import vergeos_nb
from tests.archive.made import archive, sealed
from tests.commands import command
from tests.rehearsal import Rehearsal
from vergeos_nb.archive.questions.journal_rows import calls_of
from vergeos_nb.errors import UsageError

COLUMNS = {
    "runbook": "string",
    "vm": "string",
    "vm_key": "Int64",
    "operator": "string",
    "approver": "string",
    "ticket": "string",
    "outcome": "string",
    "verdict": "string",
    "exit_code": "Int64",
    "profile": "string",
    "simulated": "boolean",
    "opened_at": "datetime64[ms, UTC]",
    "ended_at": "datetime64[ms, UTC]",
    "path": "string",
    "sealed_at": "datetime64[ms, UTC]",
    "line": "Int64",
    "supersedes": "Int64",
    "manifest": "string",
    "took_s": "Float64",
    "cloud": "string",
    "system": "string",
    "node": "Int64",
    "reason": "string",
    "sent": "string",
    "changes": "Int64",
    "plan_digest": "string",
    "approved_at": "datetime64[ms, UTC]",
    "whole": "boolean",
}


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


def test_the_frame_has_one_row_per_record_as_it_is_now(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    frame = vergeos_nb.open_archive(tmp_path).runs
    assert (frame.index.name, list(frame.index)) == ("record", [folder.name for folder in folders])
    assert list(frame.outcome) == ["planned", "interrupted", "refused", "planned", "planned"]
    assert list(frame.line) == [1, 4, 3, 5, 6]
    assert frame.opened_at.iloc[0] == pd.Timestamp("2026-10-01T12:00:01Z")
    assert dtypes(frame) == COLUMNS


def test_an_empty_archive_and_one_without_a_match_have_the_same_columns_and_dtypes(tmp_path: Path) -> None:
    empty = vergeos_nb.open_archive(tmp_path)
    assert (dtypes(empty.runs), len(empty)) == (COLUMNS, 0)
    archive(tmp_path)
    none, some = vergeos_nb.open_archive(tmp_path, vm="none"), vergeos_nb.open_archive(tmp_path)
    for kind in ("runs", "steps", "calls", "evidence"):
        assert dtypes(getattr(none, kind)) == dtypes(getattr(some, kind)) == dtypes(getattr(empty, kind))


def test_values_of_no_known_kind_are_missing_and_never_an_error(tmp_path: Path) -> None:
    sealed(tmp_path, 1, vm={"name": 7, "key": "x"}, exit_code="no", simulated="perhaps", opened_at="long ago")
    (row,) = vergeos_nb.open_archive(tmp_path).runs.itertuples()
    assert row.vm == "7"
    assert [bool(pd.isna(v)) for v in (row.vm_key, row.exit_code, row.simulated, row.opened_at)] == [True] * 4


@pytest.mark.parametrize(
    ("wanted", "vms"),
    [
        ({"vm": "web-*"}, ["web-01", "web-02"]),
        ({"outcome": "done", "ticket": "INC-7"}, ["web-02"]),
        ({"since": "2026-10-02"}, ["db-01"]),
        ({"until": "2026-10-01"}, ["web-01", "web-02"]),
    ],
    ids=str,
)
def test_it_holds_what_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], vms: list[str]
) -> None:
    sealed(tmp_path, 1)
    sealed(tmp_path, 2, vm={"name": "web-02", "key": 42}, outcome="done")
    sealed(tmp_path, 3, vm={"name": "db-01", "key": 43}, day="2026-10-05")
    monkeypatch.setenv("VERGEOS_NB_OUTPUTS", str(tmp_path))
    assert list(vergeos_nb.open_archive(**wanted).runs.vm) == vms


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"tickets": "x"}, "'tickets' is not a field to search by"),
        ({"since": "yesterday"}, "'yesterday' is not a time"),
        ({"outputs": "nowhere"}, "there is no folder nowhere"),
    ],
    ids=str,
)
def test_what_cannot_be_looked_for_is_named(tmp_path: Path, wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        vergeos_nb.open_archive(**{"outputs": tmp_path, **wanted})


def test_more_rows_than_a_dataframe_may_have_are_refused_with_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vergeos_nb.archive.questions.open_archive.MOST_ROWS", 5)
    Rehearsal("stuck", tmp_path).run(finish=True)
    with pytest.raises(UsageError, match="more than 5 rows.*\n.*since, until, vm or ticket"):
        _ = vergeos_nb.open_archive(tmp_path).calls


def test_a_line_with_half_a_surrogate_pair_and_one_that_was_cut_off_lose_no_other_row(tmp_path: Path) -> None:
    journal = b"".join(
        b'{"n": %d, "at": "2026-10-01T12:00:00.000Z", "event": "exchange", "number": %d, "method": "GET", '
        b'"path": "/api/v4/vms/%d", "changing": false, "error": "%s"}\n' % (n, n, n, error)
        for n, error in ((1, b""), (2, b"\\ud83d"), (3, b"x"))
    )
    torn = journal + b'{"n": 4, "at": "2026-10-01T12:0' + b"\n" + b'[1, 2]\n{"event": 7}\n'
    rows = list(calls_of("r", "force_power_off", torn))
    assert [(row[1], row[4], row[12]) for row in rows] == [
        (1, "vms", None), (2, "vms", "\\ud83d"), (3, "vms", "x"),
    ]  # fmt: skip


# -- two records ---------------------------------------------------------------------------------


def diff(*arguments: str) -> tuple[int, str]:
    """Exit code and standard output of ``vergeos-nb audit diff …``."""
    done = command("audit", "diff", *arguments, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, ...]:
    """Options for two records."""
    first = sealed(tmp_path, 1, files={"journal.jsonl": "x"})
    vm = {"name": "=1+1\x1b[2J", "key": 42, "machine": 44}
    second = sealed(tmp_path, 2, vm=vm, verdict="alive", after={"running": True}, files={})
    return (first.record, second.record, "--outputs", str(tmp_path))


def test_two_records_are_compared_by_field(two: tuple[str, ...]) -> None:
    code, text = diff(*two, "--json")
    answer = json.loads(text)
    assert (code, answer["findings"], [answer["a"], answer["b"]]) == (0, [], list(two[:2]))
    assert [(d["field"], d["a"], d["b"]) for d in answer["differences"]] == [
        ("after.running", "(not there)", "true"),
        ("ended_at", '"2026-10-01T12:00:01.000Z"', '"2026-10-01T12:00:02.000Z"'),
        ("opened_at", '"2026-10-01T12:00:01.000Z"', '"2026-10-01T12:00:02.000Z"'),
        ("verdict", '"off"', '"alive"'),
        ("vm.key", "41", "42"),
        ("vm.name", '"web-01"', '"=1+1\\u001b[2J"'),
    ]


def test_the_table_and_the_csv_hold_the_same_and_nothing_hostile(two: tuple[str, ...]) -> None:
    code, text = diff(*two)
    assert (code, text.splitlines()[:2]) == (0, [f"a  {two[0]}", f"b  {two[1]}"])
    assert {character for character in text if not character.isprintable()} == {"\n"}
    code, text = diff(*two, "--csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert (code, rows[0], [row[0] for row in rows[1:]][-2:]) == (
        0,
        ["field", "a", "b"],
        ["vm.key", "vm.name"],
    )


def test_a_record_does_not_differ_from_itself_and_one_that_is_not_there_is_named(
    two: tuple[str, ...],
) -> None:
    assert diff(two[0], two[0], *two[2:])[1].splitlines()[-1] == "They do not differ."
    assert diff(two[0], "none", *two[2:])[0] == 4


def test_a_record_that_was_changed_is_compared_and_named(tmp_path: Path, two: tuple[str, ...]) -> None:
    (tmp_path / "2026-10-01" / two[0] / "notebook.html").write_text("forged")
    code, text = diff(*two, "--json")
    assert (code, [finding["kind"] for finding in json.loads(text)["findings"]]) == (3, ["file-changed"])
