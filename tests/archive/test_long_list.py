"""A long list of records: a terminal shows the newest, and nothing that matters is hidden."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.archive import SMALL, write_archive
from tests.archive.made import record, sealed
from tests.commands import command
from vergeos_nb.archive import index as index_module
from vergeos_nb.archive import index_file
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger import ledger_lines
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.cli.audit import list_commands
from vergeos_nb.cli.output import Output
from vergeos_nb.clock import SystemClock
from vergeos_nb.layout import ArchiveLayout

ROOT = Path(__file__).parents[2]


def on_a_terminal(*arguments: str) -> list[str]:
    """The lines that ``vergeos-nb audit list …`` writes to a terminal."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "vergeos_nb", "audit", "list", *arguments]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=ROOT)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 1 << 16):
            text += piece
    except OSError:
        pass  # as a terminal ends on Linux when its last writer has gone
    os.close(ours)
    assert process.wait(60) == 0, text.decode()
    return text.decode().replace("\r\n", "\n").splitlines()


@pytest.fixture
def sixty(tmp_path: Path) -> Path:
    """60 records, of which the oldest ten ended in four ways, and three that are in no list."""
    outputs = tmp_path / "outputs"
    ends = {
        1: ("interrupted", "unknown"),
        2: ("refused", "alive"),
        3: ("failed", "alive"),
        4: ("failed", "alive"),
    }
    for number in range(1, 61):
        outcome, verdict = ends.get(number, ("done", "off"))
        sealed(outputs, number, outcome=outcome, verdict=verdict)
    return outputs


def damage(outputs: Path) -> tuple[str, str]:
    """Leave a run unsealed, take a record's folder away, and damage a line; the first two as paths."""
    unsealed = record(outputs, 99).relative_to(outputs).as_posix()
    missing = next(outputs.glob("*/000005Z*"))
    shutil.rmtree(missing)
    lines = (outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    lines[5] = b"#" + lines[5]
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines))
    return unsealed, missing.relative_to(outputs).as_posix()


def test_a_terminal_shows_the_newest_records_and_how_the_older_ones_ended(sixty: Path) -> None:
    lines = on_a_terminal("--outputs", str(sixty))
    assert [line[-8:] for line in lines[1:51]] == [f"{number:08x}" for number in range(11, 61)]
    assert lines[51:] == [
        "",
        "10 older records are not shown. They ended like this:",
        "   records  outcome        verdict",
        "         2  ♥ failed       ♥ alive",
        "         1  ? interrupted  ? unknown",
        "         1  ♥ refused      ♥ alive",
        "         6  ✔ done         ✔ off",
        "Narrow the list with --vm, --ticket, --outcome, --verdict, --since or --until. See all of it with "
        "`vergeos-nb audit list | less -S`.",
    ]


def test_what_is_in_no_list_is_told_of_below_it(sixty: Path) -> None:
    unsealed, missing = damage(sixty)
    assert on_a_terminal("--outputs", str(sixty))[-3:] == [
        "Damaged: 1 line of the ledger. `vergeos-nb audit verify` names what is wrong.",
        f"Missing: {missing}. Sealed, and the folder is gone: restore it from a copy or the mirror.",
        # The damaged line is that of number 6, so nobody knows that it was sealed.
        f"Not sealed: 2026-10-01/{next(sixty.glob('*/000006Z*')).name}, {unsealed}. "
        "`vergeos-nb audit recover` finishes what no process works on.",
    ]


def test_a_search_on_a_terminal_tells_of_damaged_lines_and_of_no_other_records(sixty: Path) -> None:
    damage(sixty)
    lines = on_a_terminal("--outcome", "interrupted", "--outputs", str(sixty))
    assert [line[-8:] for line in lines[1:]] == [
        "00000001",
        "Damaged: 1 line of the ledger. `vergeos-nb audit verify` names what is wrong."[-8:],
    ]


def test_a_pipe_csv_and_json_get_every_record(sixty: Path) -> None:
    ids = [f"{number:08x}" for number in range(1, 61)]
    table = command("audit", "list", "--outputs", str(sixty)).stdout.splitlines()
    assert [line[-8:] for line in table[1:]] == ids
    rows = command("audit", "list", "--csv", "--outputs", str(sixty)).stdout.splitlines()
    assert [row.split('","')[-2][-8:] for row in rows[1:]] == ids
    told = json.loads(command("audit", "list", "--json", "--outputs", str(sixty)).stdout)
    assert ([one["record"][-8:] for one in told.pop("records")], told) == (
        ids,
        {"unsealed": [], "missing": [], "damaged_lines": 0, "warning": "", "exit_code": 0},
    )


def test_json_of_many_pieces_is_one_line_of_the_same_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path / "outputs", 1203, SMALL, folders=False)
    done = command("audit", "list", "--vm", "web-*", "--json", "--outputs", str(tmp_path / "outputs"))
    told = json.loads(done.stdout)
    assert (done.stdout, len(told["records"])) == (json.dumps(told) + "\n", 1203)


def test_a_reader_that_goes_away_ends_the_list(tmp_path: Path) -> None:
    write_archive(tmp_path / "outputs", 5000, SMALL, folders=False)
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "vergeos_nb",
        "audit",
        "list",
        "--vm",
        "web-*",
        "--outputs",
        tmp_path / "outputs",
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert (process.wait(60), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_removed_records_are_neither_missing_nor_unsealed(sixty: Path) -> None:
    gone = next(sixty.glob("*/000005Z*")).name
    Keeper(sixty, "kim", SystemClock()).remove([gone], "no longer needed")
    left = record(sixty, 5)  # as a removal leaves it that was stopped half-way
    told = json.loads(command("audit", "list", "--json", "--outputs", str(sixty)).stdout)
    assert (left.name, told["unsealed"], told["missing"], len(told["records"])) == (gone, [], [], 59)


def test_an_index_that_differs_half_way_is_made_anew_and_no_record_is_given_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs"
    write_archive(outputs, 30, SMALL, folders=False)
    read = ledger_lines.read_line
    calls: list[bytes] = []

    def once_damaged(raw: bytes) -> LedgerEntry | None:
        calls.append(raw)
        return None if len(calls) == 11 else read(raw)

    expected = [entry.record for entry in Index(outputs).find(Query())]
    monkeypatch.setattr(index_module, "read_line", once_damaged)
    assert [entry.record for entry in Index(outputs).each(Query())] == expected
    assert len(calls) == 31


def test_each_gives_what_find_gives_and_newest_its_end(sixty: Path) -> None:
    query = Query(outcome="done")
    found = Index(sixty).find(query)
    assert list(Index(sixty).each(query)) == found
    assert Index(sixty).newest(query, 7) == found[-7:]
    assert dict(Index(sixty).ends(Query(verdict="alive"))) == {
        ("failed", "alive"): 2,
        ("refused", "alive"): 1,
    }


def test_an_archive_without_a_ledger_has_an_empty_list(tmp_path: Path) -> None:
    index = Index(tmp_path)
    assert (list(index.each(Query())), index.newest(Query(), 5), dict(index.ends(Query()))) == ([], [], {})
    assert (index.paths(), index.unread()) == ((frozenset(), frozenset()), 0)


def test_a_short_list_reads_a_line_of_each_record_that_it_shows_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: 10 s and half a gigabyte for the list of a large archive."""
    outputs = tmp_path / "outputs"
    write_archive(outputs, 400, SMALL)
    Index(outputs).rebuild()
    read: list[Any] = []
    entry_at = index_file.entry_at

    def counted(*arguments: Any) -> Any:
        read.append(arguments)
        return entry_at(*arguments)

    def nothing(*arguments: Any) -> Any:
        raise AssertionError(arguments)

    monkeypatch.setattr(index_module, "entry_at", counted)
    monkeypatch.setattr(index_module, "_packed", nothing)
    monkeypatch.setattr(Output, "to_a_person", True)
    main = list_commands.list_records.main
    main(["--outputs", str(outputs)], standalone_mode=False)
    assert len(read) == list_commands.NEWEST
    assert ArchiveLayout(outputs).index.exists()
