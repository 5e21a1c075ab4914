"""Finding records: by every field, in any state of the index, with nothing hostile obeyed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.archive.made import NONE, archive, finish_again, record, sealed
from tests.commands import command
from vergeos_nb.archive import index_file as index_module
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.archive.seal import seal
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordNotFound
from vergeos_nb.layout import ArchiveLayout

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m\x7f",
    "web\u202e10-bew",
    "=cmd|' /C calc'!A1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    " =1+1",
    "\t=1+1",
    'a,b"c\nd;e',
    "../../etc/passwd",
    "\u2066half \ud800",
]


def audit(*arguments: str) -> tuple[int, str]:
    """Exit code and standard output of ``vergeos-nb audit …``."""
    done = command("audit", *arguments, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def named(outputs: Path, **wanted: Any) -> list[str]:
    """VM names of what is found."""
    return [entry.fields["vm"] for entry in Index(outputs).find(Query(**wanted))]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    outputs = tmp_path / "outputs"
    sealed(outputs, 1, vm={"name": "web-01", "key": 41}, operator="jo", ticket="INC-1", profile="east")
    sealed(outputs, 2, vm={"name": "web-02", "key": 42}, approval={"approver": "Kim"}, outcome="done")
    sealed(outputs, 3, vm={"name": "db[1]", "key": 43}, verdict="alive", day="2026-10-05")
    return outputs


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["web-01", "web-02", "db[1]"]),
        ({"vm": "web-01"}, ["web-01"]),
        ({"vm": "web-*"}, ["web-01", "web-02"]),
        ({"vm": "db[1]"}, ["db[1]"]),
        ({"vm": "d?[1]"}, ["db[1]"]),
        ({"vm": "WEB-01"}, []),
        ({"vm_key": 42}, ["web-02"]),
        ({"operator": "jo", "ticket": "INC-1"}, ["web-01"]),
        ({"approver": "Kim"}, ["web-02"]),
        ({"outcome": "done"}, ["web-02"]),
        ({"verdict": "alive"}, ["db[1]"]),
        ({"profile": "east"}, ["web-01"]),
        ({"vm": "' OR 1=1 --"}, []),
        ({"since": 1790899200.0}, ["db[1]"]),
        ({"until": 1790899200.0}, ["web-01", "web-02"]),
    ],
    ids=str,
)
def test_records_are_found_by_each_field(three: Path, wanted: dict[str, Any], expected: list[str]) -> None:
    assert named(three, **wanted) == expected


def test_a_record_that_was_sealed_twice_is_listed_once_as_it_is_now(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    assert [entry.record for entry in Index(tmp_path).find(Query())] == [folder.name for folder in folders]
    assert [entry.record for entry in Index(tmp_path).find(Query(outcome="interrupted"))] == [folders[1].name]


def spoil(path: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


def test_the_index_follows_a_ledger_that_grows_and_reads_only_what_is_new(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(named(three)) == 3
    read: list[int] = []
    whole_lines = index_module._whole_lines

    def counted(ledger: Any, start: int) -> Any:
        for at, line in whole_lines(ledger, start):
            read.append(at)
            yield at, line

    monkeypatch.setattr(index_module, "_whole_lines", counted)
    sealed(three, 4, vm={"name": "new", "key": 1})
    assert named(three, vm="new") == ["new"]
    assert named(three, vm="new") == ["new"]
    assert len(read) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096)),
        lambda path: spoil(path, "DROP TABLE records"),
        lambda path: spoil(path, "UPDATE made_of SET version = 0"),
        lambda path: spoil(path, "UPDATE records SET vm = 'web-02', outcome = 'done'"),
        lambda path: spoil(path, "UPDATE records SET start = 7"),
        lambda path: spoil(path, "UPDATE records SET start = 'x', length = -1"),
    ],
)
def test_an_index_that_is_missing_damaged_or_forged_is_made_anew(three: Path, damage: Any) -> None:
    named(three)
    damage(ArchiveLayout(three).index)
    assert named(three) == ["web-01", "web-02", "db[1]"]
    assert named(three, vm="web-02") == ["web-02"]


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE marks",
        "UPDATE marks SET start = 7",
        "UPDATE marks SET start = 'x'",
        "UPDATE marks SET path = 'a/b'",
    ],
)
def test_what_the_index_tells_of_holds_and_removals_is_what_the_ledger_says(three: Path, damage: str) -> None:
    held, gone, free = (entry.record for entry in Index(three).find(Query()))
    keeper = Keeper(three, "kim", SystemClock())
    keeper.hold(held, "court")
    keeper.hold(free, "court")
    keeper.release(free, "closed")
    keeper.remove([gone], "old")
    for _ in range(2):
        index = Index(three)
        hold = index.hold_of(held)
        assert hold is not None
        assert (hold.record, hold.reason, index.hold_of(free)) == (held, "court", None)
        assert [(mark.record, mark.reason) for mark in index.removals()] == [(gone, "old")]
        assert index.by_id(free).record == free
        spoil(ArchiveLayout(three).index, damage)


@pytest.mark.parametrize("named_as", ["000002Z", "00000002", "000002Z-force_power_off-web-01-00000002"])
def test_a_removed_record_is_told_as_removed_by_whom_and_why_however_it_is_named(
    three: Path, named_as: str
) -> None:
    (gone,) = (three / "2026-10-01").glob("000002Z*")
    Keeper(three, "kim", SystemClock()).remove([gone.name], "old")
    with pytest.raises(RecordNotFound, match=f"{gone.name}.*kim removed it at .*: old"):
        Index(three).by_id(named_as)


def test_an_edited_or_shorter_ledger_makes_the_index_anew(three: Path) -> None:
    named(three)
    path = three / "ledger.jsonl"
    written = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("web-01", "web-09"))
    # It has its old length, and on a fast machine it could have its old time.
    os.utime(path, ns=(written + 1_000_000, written + 1_000_000))
    assert named(three, vm="web-09") == ["web-09"]
    path.write_text(path.read_text().partition("\n")[0] + "\n")
    assert named(three) == ["web-09"]
    path.write_text(path.read_text() + '{"torn')
    assert named(three) == ["web-09"]
    path.unlink()
    assert named(three) == []


def test_an_archive_that_cannot_be_written_is_searched_all_the_same(three: Path) -> None:
    (ArchiveLayout(three).index).mkdir()
    assert named(three, vm="web-02") == ["web-02"]


def test_an_id_is_found_whole_or_by_its_beginning_and_never_as_a_pattern(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    index = Index(tmp_path)
    assert index.by_id(folders[0].name).record == folders[0].name
    assert index.by_id("000001Z").record == folders[0].name
    for wrong in ("0", "", "%", "*", "no-such", "00000_Z"):
        with pytest.raises(RecordNotFound):
            index.by_id(wrong)


def test_a_record_is_named_by_the_end_of_its_id_by_its_folder_and_by_a_file_in_it(tmp_path: Path) -> None:
    folder = archive(tmp_path)[1]
    whole, index = folder.name, Index(tmp_path)
    ends = whole.partition("-")[2]
    for name in (ends, str(folder), f"{folder}/", str(folder / "record.json"), os.path.relpath(folder)):
        assert index.by_id(name).record == whole
    with pytest.raises(RecordNotFound) as caught:
        index.by_id(ends[1:])
    assert caught.value.came_back == "no sealed record has this id"


def test_a_folder_of_another_archive_is_not_taken_for_the_record_of_the_same_id(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    archive(here)
    folder = archive(there)[0]
    assert Index(here).by_id(folder.name).record == folder.name
    with pytest.raises(RecordNotFound) as caught:
        Index(here).by_id(str(folder))
    assert (caught.value.came_back, caught.value.next_step) == (
        f"it is not in the archive {here}",
        f"add --outputs {there}",
    )


def test_an_id_that_fits_many_records_names_them(tmp_path: Path) -> None:
    folders = archive(tmp_path, 7)
    with pytest.raises(RecordNotFound) as caught:
        Index(tmp_path).by_id("0000")
    assert caught.value.next_step == f"name one of them: {', '.join(f.name for f in folders[:5])}, …"


# -- the commands --------------------------------------------------------------------------------


def test_list_prints_a_table_csv_and_json(three: Path) -> None:
    outputs = ("--outputs", str(three))
    assert audit("list", "--vm", "web-02", *outputs) == (
        0,
        "opened_at                 vm      vm_key  outcome  verdict  operator  approver  ticket  profile"
        "  record\n"
        "2026-10-01T12:00:02.000Z  web-02  42      ✔ done   ✔ off    jo        Kim       INC-7   lab"
        "      000002Z-force_power_off-web-01-00000002\n",
    )
    code, text = audit("list", "--csv", *outputs)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (code, [(row["vm"], row["vm_key"], row["simulated"]) for row in rows]) == (
        0,
        [("web-01", "41", "yes"), ("web-02", "42", "yes"), ("db[1]", "43", "yes")],
    )
    code, text = audit("list", "--json", "--since", "2026-10-01", "--until", "2026-10-01", *outputs)
    assert [found["vm"] for found in json.loads(text)["records"]] == ["web-01", "web-02"]
    assert audit("list", "--vm", "none", *outputs) == (0, "No sealed record fits.\n")
    assert audit("list", "--since", "yesterday", *outputs)[0] == 2
    assert audit("list", "--outputs", str(three / "nowhere"))[0] == 2


def test_show_tells_what_was_sealed_and_whether_it_still_is(three: Path) -> None:
    outputs = ("--outputs", str(three))
    code, text = audit("show", "000002Z", *outputs)
    assert (code, text.splitlines()[-1]) == (
        0,
        "✔ Its files are as they were sealed. `vergeos-nb audit verify` looks at the ledger, too.",
    )
    (folder,) = (three / "2026-10-01").glob("000002Z*")
    (folder / "notebook.html").write_text("changed")
    code, text = audit("show", "000002Z", "--json", *outputs)
    assert (code, [found["kind"] for found in json.loads(text)["findings"]]) == (3, ["file-changed"])
    shutil.rmtree(folder)
    assert audit("show", "000002Z", *outputs)[0] == 3
    assert audit("show", "none", *outputs)[0] == 4


def test_verify_ends_with_0_or_3_and_names_what_is_wrong(three: Path) -> None:
    outputs = ("--outputs", str(three))
    head = (three / "ledger.head").read_text().strip()
    code, text = audit("verify", "--expect-head", head, *outputs)
    assert (code, text.splitlines()) == (
        0,
        [
            f"✔ 3 sealed records, 3 ledger lines in {three}: everything is as it was sealed.",
            f"  head {head}  (note it elsewhere, and give it with --expect-head later)",
        ],
    )
    record(three, 9)
    code, text = audit("verify", "--json", *outputs)
    assert (code, json.loads(text)) == (
        3,
        {
            "records": 3,
            "lines": 3,
            "head": head,
            "findings": [
                {
                    "where": "2026-10-01/000009Z-force_power_off-web-01-00000009",
                    "kind": "unsealed",
                    "detail": "it is not in the ledger; `vergeos-nb audit recover` seals it",
                }
            ],
            "notes": [],
            "signed": None,
            "exit_code": 3,
        },
    )
    assert audit("verify", "--expect-head", "nonsense", *outputs)[0] == 2


def test_reindex_says_how_many_there_are(three: Path) -> None:
    assert audit("reindex", "--outputs", str(three)) == (0, "The index holds 3 records.\n")


def test_nothing_hostile_is_obeyed_by_a_terminal_or_a_spreadsheet(tmp_path: Path) -> None:
    for number, text in enumerate(HOSTILE, start=1):
        folder = record(
            tmp_path,
            number,
            vm={"name": text, "key": 1},
            operator=text,
            ticket=text,
            approval={"approver": text},
        )
        (folder / "journal.jsonl").write_text(
            json.dumps({"n": 1, "event": "run-opened", "operator": text}) + "\n"
        )
        seal(folder, NONE)
    (tmp_path / "2026-10-01" / "\x1b[2J\u202e").mkdir()
    (tmp_path / "2026-10-01" / "\x1b[2J\u202e" / "record.json").write_text("{}")
    finish_again(sorted(tmp_path.glob("*/0*"))[0])
    for words in ("list", "list --csv", "list --json", "verify", "verify --json"):
        _, text = audit(*words.split(), "--outputs", str(tmp_path))
        strange = {character for character in text if not character.isprintable()}
        assert strange == {"\n"}, command
    _, text = audit("list", "--csv", "--outputs", str(tmp_path))
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {15}
    assert [cell for row in rows for cell in row if cell.strip()[:1] in ("=", "+", "-", "@")] == []
    _, text = audit("list", "--json", "--outputs", str(tmp_path))
    assert [found["vm"] for found in json.loads(text)["records"]] == [*HOSTILE[:-1], "\u2066half \\ud800"]
