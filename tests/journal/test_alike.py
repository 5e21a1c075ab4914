"""Readings that are like an earlier one: a line says what differs, and every reader has the whole of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal import RunClock
from vergeos_nb.archive.questions.journal_rows import calls_of
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.alike import WHOLE_LINES, sharing
from vergeos_nb.journal.journal import RunJournal, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.simulator import SteppedClock
from vergeos_nb.vergeos.exchange import Exchange

CLOCK = RunClock(SteppedClock())
ROW = {"$key": 44, "words": ["a long text that stays as it is"] * 20, "stats": [{"modified": 0}, {"cpu": 0}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 0.5, "", "a", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def call(number: int, answer: Any, **more: Any) -> Exchange:
    fields = {
        "method": "GET", "path": "/api/v4/vms/41", "query": {"fields": "most"}, "body": None,
        "changing": False, "attempt": 1, "sent_at": 1.5 * number, "server_time": None, "elapsed_s": 0.5,
        "status": 200, "error": "",
    }  # fmt: skip
    return Exchange(**{**fields, **more, "number": number, "answer": answer})


def written(path: Path, calls: list[Exchange], *secrets: str) -> list[dict[str, Any]]:
    journal = RunJournal(path, CLOCK, Scrubber(secrets))
    for one in calls:
        journal.exchange(one)
    journal.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def many(answer_of: Any = lambda number: ROW, count: int = WHOLE_LINES + 10) -> list[Exchange]:
    return [call(number, answer_of(number)) for number in range(1, count + 1)]


def reading_of(number: int) -> dict[str, Any]:
    return {**ROW, "stats": [{"modified": number}, {"cpu": 0}]}


def test_after_fifty_readings_of_a_path_a_line_says_only_what_differs(tmp_path: Path) -> None:
    calls = many(reading_of)
    lines = written(tmp_path / "j.jsonl", calls)
    assert [line["event"] for line in lines] == ["exchange"] * WHOLE_LINES + ["alike"] * 10
    assert {name: lines[-1][name] for name in ("number", "like", "differs")} == {
        "number": 60,
        "like": 50,
        "differs": [["sent_at", 90.0], ["answer", "stats", 0, "modified", 60]],
    }
    assert run_state_of(read_journal(tmp_path / "j.jsonl")).exchanges == tuple(calls)


@given(answers=st.lists(st.one_of(JSON, st.builds(lambda part: {**ROW, "part": part}, JSON)), max_size=12))
def test_whatever_differs_is_read_back_to_the_letter(
    answers: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """1, 1.0 and true are equal to Python, and three things in JSON."""
    path = tmp_path_factory.mktemp("alike") / "j.jsonl"
    calls = [*many(), *(call(WHOLE_LINES + 11 + at, answer) for at, answer in enumerate(answers))]
    written(path, calls)
    read = run_state_of(read_journal(path)).exchanges
    assert json.dumps([one.as_dict() for one in read], sort_keys=True) == json.dumps(
        [one.as_dict() for one in calls], sort_keys=True
    )


def test_a_reading_that_failed_or_asked_something_else_is_read_back_too(tmp_path: Path) -> None:
    failed = call(61, None, status=None, error="NotConnected: nobody answers", attempt=2, elapsed_s=30.0)
    other = call(62, ROW, query={"fields": "all"}, server_time=7.0)
    calls = [*many(), failed, other]
    written(tmp_path / "j.jsonl", calls)
    assert run_state_of(read_journal(tmp_path / "j.jsonl")).exchanges == tuple(calls)


def test_a_changing_call_is_always_whole(tmp_path: Path) -> None:
    calls = [*many(), *(call(60 + at, ROW, method="PUT", changing=True) for at in range(1, 60))]
    lines = written(tmp_path / "j.jsonl", calls)
    assert {line["event"] for line in lines[60:]} == {"exchange"}


def test_an_answer_that_is_another_one_is_whole_and_later_ones_are_like_that(tmp_path: Path) -> None:
    other = {"$key": 44, "texts": ["another text, and a long one too"] * 20}
    lines = written(tmp_path / "j.jsonl", many(lambda number: ROW if number < 55 else other))
    assert [line["event"] for line in lines[53:56]] == ["alike", "exchange", "alike"]
    assert lines[55]["like"] == 55


def test_a_secret_in_what_differs_is_masked(tmp_path: Path) -> None:
    lines = written(tmp_path / "j.jsonl", many(lambda n: {**ROW, "said": f"{n} canary0word"}), "canary0word")
    assert (lines[-1]["event"], lines[-1]["differs"][-1][:2]) == ("alike", ["answer", "said"])
    assert "canary0word" not in (tmp_path / "j.jsonl").read_text()


def test_a_journal_that_was_cut_anywhere_reads_as_far_as_it_goes(tmp_path: Path) -> None:
    path, calls = tmp_path / "j.jsonl", many(reading_of)
    lines = written(path, calls)
    whole = path.read_bytes()
    for kept in range(len(lines)):
        path.write_bytes(b"\n".join(whole.split(b"\n")[:kept]) + b"\n" if kept else b"")
        assert run_state_of(read_journal(path)).exchanges == tuple(calls[:kept])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"like": 3000}, "no earlier line holds call 3000"),
        ({"like": 59}, "no earlier line holds call 59"),
        ({"differs": [["answer", "stats", 7, "modified", 1]]}, "has nothing at ['answer', 'stats', 7, "),
        ({"differs": [["answer", "$key", "a", 1]]}, "has nothing at ['answer', '$key', 'a']"),
        ({"differs": [["status", "gone"]]}, "status"),
        ({"differs": [[]]}, "differs"),
    ],
)
def test_a_line_that_is_like_nothing_is_damaged(tmp_path: Path, spoil: dict[str, Any], said: str) -> None:
    path = tmp_path / "j.jsonl"
    lines = written(path, many(reading_of))
    lines[-1] |= spoil
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(RecordError, match="line 60 is damaged") as damaged:
        read_journal(path)
    assert said in damaged.value.came_back


def test_a_line_is_never_like_one_that_could_not_be_written(tmp_path: Path) -> None:
    """A disk that was full for a moment must leave a journal that can be read."""
    journal = RunJournal(tmp_path / "j.jsonl", CLOCK, Scrubber(()))
    for one in many(count=WHOLE_LINES):
        journal.exchange(one)
    other = {"$key": 44, "texts": ["another text, and a long one too"] * 20}
    write, journal._append = journal._append, _full  # type: ignore[method-assign]
    with pytest.raises(RecordError):
        journal.exchange(call(51, other))
    journal._append = write  # type: ignore[method-assign]
    journal.exchange(call(52, other))
    journal.close()
    assert [one.number for one in run_state_of(read_journal(tmp_path / "j.jsonl")).exchanges][-2:] == [50, 52]


def _full(text: str, *, spare: bool) -> None:
    raise OSError(28, "No space left on device")


def test_the_archive_has_a_row_for_each_reading(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    whole = written(path, many(reading_of, WHOLE_LINES))
    content = path.read_bytes()
    path.unlink()
    written(path, many(reading_of))
    rows = list(calls_of("r", "watch_after_power_off", path.read_bytes()))
    assert rows[: len(whole)] == list(calls_of("r", "watch_after_power_off", content))
    assert rows[-1] == (
        "r", 60, None, "GET", "vms", "/api/v4/vms/41", False, None, 1, 90.0, 0.5, 200, None,
    )  # fmt: skip


def test_what_is_shared_with_an_earlier_answer_is_the_same_object() -> None:
    before, now = reading_of(1), json.loads(json.dumps(reading_of(2)))
    shared = sharing(before, now)
    assert shared == now
    assert shared["words"] is before["words"]
    assert shared["stats"][1] is before["stats"][1]
    assert [type(value) for value in sharing([1, 1, True], [1.0, True, 1])] == [float, bool, int]
