"""Damaged journals and records beside whole ones: each command says what is wrong, and goes on."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archive.made import archive
from tests.commands import command
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.cli.main import cli
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.journal import append_after_death, read_journal
from vergeos_nb.journal.run_state import run_state_of

Lines = list[bytes]
DAY = "2026-10-01"
RECOVER = ["audit", "recover", "--no-ask", "--outputs"]
RECORD = "000001Z-force_power_off-web-01-00000001"
WHOLE = "110000Z-force_power_off-web-01-00000001"
HURT = "120000Z-force_power_off-web-01-00000002"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The lines of a run that went up the whole ladder and was killed before its end."""
    rehearsal = Rehearsal("stuck", tmp_path_factory.mktemp("run"))
    rehearsal.approve(**LADDER)
    lines = (rehearsal.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    # Its process is gone, and not one that lives here by chance.
    opened = json.loads(lines[0])
    return [encoded({**opened, "pid": 2**22 + 1, "on_host": platform.node()}), *lines[1:-1]]


def encoded(line: Any) -> bytes:
    return json.dumps(line).encode() + b"\n"


def at(lines: Lines, event: str) -> int:
    return next(i for i, line in enumerate(lines) if json.loads(line)["event"] == event)


def edit(event: str, /, **members: Any) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        i = at(lines, event)
        return [*lines[:i], encoded({**json.loads(lines[i]), **members}), *lines[i + 1 :]]

    return change


def without(event: str, name: str) -> Callable[[Lines], Lines]:
    def change(lines: Lines) -> Lines:
        i = at(lines, event)
        line = {key: value for key, value in json.loads(lines[i]).items() if key != name}
        return [*lines[:i], encoded(line), *lines[i + 1 :]]

    return change


def put(text: bytes, where: int = 5) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:where], text, *lines[where + 1 :]]


def another_runs_line(lines: Lines) -> Lines:
    return [*lines[:5], lines[0], *lines[6:]]


NOTE = b'{"n":6,"at":"2026-10-01T12:00:00Z","event":"note","text":'
DAMAGES: dict[str, Callable[[Lines], Lines]] = {
    "cut off in the middle": lambda lines: [*lines[:5], lines[5][:20] + b"\n", *lines[6:]],
    "NUL": put(b"\0" * 200 + b"\n"),
    "binary": put(bytes(range(128, 256)) + b"\n"),
    "not UTF-8": lambda lines: [*lines[:5], lines[5].replace(b'"event"', b'"\xff": 1, "event"'), *lines[6:]],
    "a list": put(b"[]\n"),
    "nested": put(NOTE + b"[" * 1_000 + b"]" * 1_000 + b"}\n"),
    "digits": put(b'{"n":' + b"9" * 5_000 + b',"at":"2026-10-01T12:00:00Z","event":"note","text":"x"}\n'),
    "a number twice": lambda lines: [*lines[:6], lines[5], *lines[6:]],
    "another order": lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
    "a line is gone": lambda lines: [*lines[:5], *lines[6:]],
    "another run's line": another_runs_line,
    "n is a text": edit("step-began", n="4"),
    "at is no time": edit("step-began", at="yesterday"),
    "event is a number": edit("step-began", event=4),
    "parameters are a list": edit("run-opened", parameters=[]),
    "pid is a text": edit("run-opened", pid="12"),
    "step is missing": without("step-began", "step"),
    "method is missing": without("intent", "method"),
    "body is a text": edit("intent", body="x"),
    "number is missing": without("exchange", "number"),
    "sent_at is a text": edit("exchange", sent_at="x"),
    "sent_at is no year": edit("exchange", sent_at=1e300),
    "result is a text": edit("step-ended", result="x"),
    "result is empty": edit("step-ended", result={}),
}  # fmt: skip
for name, value in {
    "outcome": "fine", "summary": 3, "tables": [{"name": "none", "rows": []}], "facts": [], "exchanges": [99],
    "error": "x", "began_at": None,
}.items():  # fmt: skip

    def _change(lines: Lines, name: str = name, value: Any = value) -> Lines:
        i = at(lines, "step-ended")
        line = json.loads(lines[i])
        return [*lines[:i], encoded({**line, "result": {**line["result"], name: value}}), *lines[i + 1 :]]

    DAMAGES[f"result's {name}"] = _change
for name, value in {
    "verdict": "maybe", "vm": "web-01", "status_key": "x", "plan": [], "approval": "kim", "simulated": "no",
}.items():  # fmt: skip

    def _fact(lines: Lines, name: str = name, value: Any = value) -> Lines:
        i = at(lines, "step-ended")
        line = json.loads(lines[i])
        facts = {**line["result"]["facts"], name: value}
        return [
            *lines[:i], encoded({**line, "result": {**line["result"], "facts": facts}}), *lines[i + 1 :],
        ]  # fmt: skip

    DAMAGES[f"fact {name}"] = _fact


def two_runs(outputs: Path, journal: Lines, damage: Callable[[Lines], Lines]) -> tuple[Path, Path]:
    """A run that was killed, and one that was killed and whose journal is damaged, which comes first."""
    folders = []
    for day, name, lines in ((DAY, WHOLE, journal), ("2026-09-30", HURT, damage(list(journal)))):
        folder = outputs / day / name
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_bytes(b"".join(lines))
        folders.append(folder)
    return folders[0], folders[1]


def test_a_damaged_line_is_that_runs_trouble_and_the_others_are_finished(
    tmp_path: Path, journal: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Holds off: one damaged line in one journal keeps every other run from being finished."""
    hurt = {}
    for n, (damage, change) in enumerate(DAMAGES.items()):
        folder = tmp_path / "2026-09-30" / f"{n:06}Z-force_power_off-web-01-{n:08x}"
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").write_bytes(b"".join(change(list(journal))))
        hurt[str(folder)] = (damage, (folder / "journal.jsonl").read_bytes())
    # It comes after all that are damaged.
    whole = tmp_path / DAY / WHOLE
    whole.mkdir(parents=True)
    (whole / "journal.jsonl").write_bytes(b"".join(journal))
    code = cli.main([*RECOVER, str(tmp_path), "--json"], standalone_mode=False)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [item["record"] for item in answer["recovered"]] == [str(whole)]
    failed = {item["folder"]: item for item in answer["failed"]}
    assert [damage for folder, (damage, _) in hurt.items() if folder not in failed] == []
    assert (code, len(failed), len(answer["failed"])) == (10, len(hurt), len(hurt))
    for folder, (damage, before) in hurt.items():
        told = failed[folder]
        assert (damage, told["type"], told["exit_code"]) == (damage, "RecordError", 10)
        assert (damage, "line " in told["came_back"]) == (damage, True)
        assert (damage, "look at the VM by hand" in told["next_step"]) == (damage, True)
        assert (damage, (Path(folder) / "journal.jsonl").read_bytes()) == (damage, before)


@pytest.mark.parametrize(
    "tail",
    [b'{"n": 99, "at"', b"\0" * 64, b"\xff\xfe", b'{"n": 1'],
    ids=["cut off", "NUL", "binary", "short"],
)
def test_a_last_line_that_was_cut_off_is_finished_as_ever(
    tmp_path: Path, journal: Lines, tail: bytes
) -> None:
    _, hurt = two_runs(tmp_path, journal, lambda lines: [*lines, tail])
    assert not cli.main([*RECOVER, str(tmp_path)], standalone_mode=False)
    account = run_state_of(read_journal(hurt / "journal.jsonl"))
    assert (account.torn, account.outcome, len(account.changing_calls)) == (True, "interrupted", 3)


def test_two_who_finish_a_run_at_once_do_not_give_one_number_twice(tmp_path: Path, journal: Lines) -> None:
    _, hurt = two_runs(tmp_path, journal, lambda lines: lines)
    path = hurt / "journal.jsonl"
    for _ in range(2):
        append_after_death(path, SystemClock(), "interrupted", step="", by="x")
    assert [line["n"] for line in read_journal(path).lines] == list(range(1, len(journal) + 3))
    # An older version could.
    path.write_bytes(path.read_bytes() + encoded({**read_journal(path).lines[-1]}))
    assert run_state_of(read_journal(path)).interrupted_by == "x"


def test_unknown_events_and_fields_of_a_later_version_are_kept(tmp_path: Path, journal: Lines) -> None:
    lines = [edit("run-opened", new={"a": 1})(journal)[0], *journal[1:]]
    later = {"n": len(lines) + 1, "at": "2026-10-01T12:00:00Z", "event": "from-tomorrow", "x": [1]}
    (tmp_path / "j").write_bytes(b"".join([*lines, encoded(later)]))
    read = read_journal(tmp_path / "j").lines
    assert (read[0]["new"], read[-1]["x"]) == ({"a": 1}, [1])


OF_A_RECORD = ("journal.jsonl", "record.json", "manifest.json")
FILES = [*OF_A_RECORD, "ledger.jsonl", "ledger.head", "index.sqlite", "mirror.json"]
CONTENTS = {
    "empty": b"",
    "NUL": b"\0" * 50,
    "binary": bytes(range(256)),
    "cut off": b'{"a": ',
    "nested": b"[" * 1_000 + b"]" * 1_000 + b"\n",
    "digits": b'{"n": ' + b"9" * 5_000 + b"}\n",
    "another type": b'{"files": 3, "count": "x", "n": []}\n',
    "not UTF-8": b'{"a": "\xff"}\n',
}
COMMANDS = [
    ["audit", "list"],
    ["audit", "show", RECORD],
    ["audit", "verify"],
    ["audit", "recover", "--no-ask"],
    ["audit", "export", RECORD, "--format", "md", "-o", "OUT"],
    ["audit", "diff", RECORD, "000002Z-force_power_off-web-01-00000002"],
]
RUN_ALL = """
import json, sys
from vergeos_nb.cli.main import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        code = f"{type(error).__name__}: {error}"
    print(f"\\n=== {json.dumps([arguments[:2], code])}", flush=True)
"""


@pytest.mark.parametrize("content", CONTENTS)
def test_whatever_stands_in_a_file_every_command_ends_with_a_code_of_the_table(
    tmp_path: Path, content: str
) -> None:
    archive(tmp_path / "whole", 2)
    commands = []
    for name in FILES:
        outputs = tmp_path / name
        shutil.copytree(tmp_path / "whole", outputs)
        folder = outputs / DAY / RECORD if name in OF_A_RECORD else outputs
        (folder / name).write_bytes(CONTENTS[content])
        out = str(tmp_path / f"{name}.out")
        commands += [
            [out if word == "OUT" else word for word in one] + ["--outputs", str(outputs)] for one in COMMANDS
        ]
    done = command(RUN_ALL, json.dumps(commands), program="python")
    assert "Traceback" not in done.stderr, done.stderr[-2_000:]
    codes = [json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("=== ")]
    assert len(codes) == len(commands), done.stderr[-2_000:]
    assert [code for code in codes if code[1] not in (0, 2, 3, 4, 10)] == []


@settings(max_examples=60)
@given(data=st.data())
def test_no_change_of_bytes_makes_anything_but_an_account_or_a_sentence(
    journal: Lines, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = b"".join(journal)
    path = tmp_path_factory.mktemp("j") / "j"
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(content) - 1))
        cut = data.draw(st.integers(0, 30))
        content = content[:where] + data.draw(st.binary(max_size=8)) + content[where + cut :]
    path.write_bytes(content)
    try:
        account = run_state_of(read_journal(path))
    except RecordError:
        return
    assert account.outcome
    assert account.verdict
    assert account.exit_code is not None
