"""The journal: on disk before anything changes, and readable wherever its writer was killed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.at_night import at_night
from tests.rehearsal import VENDORS_BODY, Rehearsal, RunClock, ending
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.journal.journal import (
    JournalText,
    RunJournal,
    append_after_death,
    read_journal,
)
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.simulator import SteppedClock
from vergeos_nb.vergeos.exchange import Exchange, Request, exchange_of

Make = Callable[..., Rehearsal]
CLOCK = RunClock(SteppedClock())


def open_at(path: Path, *secrets: str) -> RunJournal:
    return RunJournal(path, CLOCK, Scrubber(secrets))


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The journal of a whole approved run."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("approved"))
    account = run.approve(settle_s=2, sample_gap_s=1)
    assert ending(account) == ("done", "off", 0)
    return (run.folder / "journal.jsonl").read_bytes()


def position(journal: bytes, event: str, *, last: bool = False, **fields: object) -> tuple[int, int]:
    """Where the line of this event begins and where its text ends."""
    found, start = [], 0
    for text in journal.splitlines(keepends=True):
        line = json.loads(text)
        if line["event"] == event and all(line.get(k) == v for k, v in fields.items()):
            found.append((start, start + len(text) - 1))
        start += len(text)
    return found[-1 if last else 0]


def test_a_journal_that_was_cut_at_a_line_end_after_its_intent_is_not_continued(tmp_path: Path) -> None:
    """Holds off: a run that had sent something would have been finished as one that sent nothing."""
    path = tmp_path / "outputs" / "2026-10-01" / "run" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    journal = open_at(path)
    journal.write("note", text="before")
    journal.intent(Request("PUT", "/api/v4/machine_status/46", VENDORS_BODY))
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n") + 1])
    with pytest.raises(RecordError, match="line 2 is damaged: it is gone, and line 2 was there when"):
        append_after_death(path, CLOCK, "interrupted", step="", by="the death of its process")
    with pytest.raises(RecordError, match="line 2 is damaged"):
        RunJournal(path, CLOCK, Scrubber(()), resume=True)
    path.write_bytes(whole)
    append_after_death(path, CLOCK, "interrupted", step="", by="the death of its process")
    assert [line["n"] for line in read_journal(path).lines] == [1, 2, 3]


def test_the_intent_is_on_disk_before_the_put_reaches_the_platform(
    rehearse: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = rehearse("stuck")
    digest = run.run().fact("plan_digest")
    synced: list[bytes] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        journal = run.folder / "journal.jsonl"
        if journal.exists() and os.path.sameopenfile(descriptor, book.journal._file.fileno()):
            synced.append(journal.read_bytes())

    inner, seen = run.sim.transport(), []

    def door(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            seen.append(json.loads(synced[-1].splitlines()[-1]))
        return inner.handler(request)

    run.transport = httpx.MockTransport(door)
    book = run.open(approve=digest)
    monkeypatch.setattr(os, "fsync", watched)
    for step in book.engine.steps:
        book.step(step.id)
    monkeypatch.undo()
    run.end(book)
    key = run.sim.world.vm("web-01").status
    (line,) = seen
    assert (line["event"], line["method"], line["path"], line["body"]) == (
        "intent",
        "PUT",
        f"/api/v4/machine_status/{key}",
        VENDORS_BODY,
    )


def test_the_same_intent_is_refused_a_second_time(tmp_path: Path) -> None:
    journal = open_at(tmp_path / "j")
    journal.intent(Request("PUT", "x", {"a": 1, "b": 2}))
    with pytest.raises(Refused, match="it was sent in this run before"):
        journal.intent(Request("PUT", "x", {"b": 2, "a": 1}))
    journal.close()
    assert [line["event"] for line in read_journal(tmp_path / "j").lines] == ["intent"]


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    open_at(tmp_path / "j").close()
    with pytest.raises(RecordError, match="File exists"):
        open_at(tmp_path / "j")


def test_a_line_holds_its_number_its_time_and_its_event(tmp_path: Path) -> None:
    journal = open_at(tmp_path / "j")
    journal.write("note", text="ü\n\u2028\x00\ud800")
    journal.write("note", text="second")
    journal.close()
    at = "2026-09-22T15:13:20.000Z"
    assert read_journal(tmp_path / "j").lines == (
        {"n": 1, "at": at, "event": "note", "text": "ü\n\u2028\x00\ud800"},
        {"n": 2, "at": at, "event": "note", "text": "second"},
    )
    assert len((tmp_path / "j").read_bytes().split(b"\n")) == 3


def test_numbers_that_json_does_not_know_are_written_as_text(tmp_path: Path) -> None:
    # Holds off: 1e999 in an answer raised out of the journal, in the middle of a run.
    journal = open_at(tmp_path / "j")
    journal.write("note", answer=[float("inf"), {"x": float("nan")}, 1.5])
    journal.close()
    (line,) = read_journal(tmp_path / "j").lines
    assert line["answer"] == ["inf", {"x": "nan"}, 1.5]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(answer=json_values, path=st.text(), status=st.none() | st.integers(100, 599), error=st.text())
def test_an_exchange_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, answer: object, path: str, status: int | None, error: str
) -> None:
    exchange = Exchange(
        "GET", path, None, {"q": path}, number=1, changing=False, attempt=1, sent_at=1.5, server_time=None,
        elapsed_s=0.25, status=status, answer=answer, error=error,
    )  # fmt: skip
    file = tmp_path_factory.mktemp("j") / "j"
    journal = open_at(file)
    journal.exchange(exchange)
    journal.close()
    back = exchange_of(read_journal(file).lines[0])
    assert repr(back.as_dict()).replace("'inf'", "inf").replace("'-inf'", "-inf") == repr(exchange.as_dict())


def cut(journal: bytes, at: int, folder: Path) -> JournalText:
    (folder / "j").write_bytes(journal[:at])
    return read_journal(folder / "j")


def truth_at(journal: bytes, at: int) -> tuple[int, bool, str, str]:
    """Of a journal cut here: changing calls, whether one is answered, outcome, verdict."""
    sent = at >= position(journal, "intent")[1]
    answered = at >= position(journal, "exchange", method="PUT")[1]
    judged = at >= ended(journal, "alive")
    confirmed = at >= ended(journal, "confirm")
    closed = at >= position(journal, "run-ended")[1]
    verdict = ("off" if confirmed else "unknown") if sent else "off" if judged else "unknown"
    return int(sent), answered, "done" if closed else "interrupted", verdict


def ended(journal: bytes, step: str) -> int:
    start = 0
    for text in journal.splitlines(keepends=True):
        line = json.loads(text)
        if line["event"] == "step-ended" and line["result"]["step"] == step:
            return start + len(text) - 1
        start += len(text)
    raise AssertionError(step)


def told(account: RunState) -> tuple[int, bool, str, str]:
    calls = account.changing_calls
    answered = any(call.exchange is not None for call in calls)
    return len(calls), answered, account.outcome.value, account.verdict.value


@pytest.mark.parametrize("stride", [4, at_night(1)])
def test_cut_off_at_any_byte_around_the_put_it_still_says_whether_the_put_went_out(
    approved: bytes, tmp_path: Path, stride: int
) -> None:
    """By day at every byte around the ends of lines, and at a quarter of the others."""
    first, last = position(approved, "intent")[0], ended(approved, "force") + 2
    around = {at + near for at, byte in enumerate(approved) if byte == 10 for near in range(-3, 4)}
    for at in (at for at in range(first, last) if at % stride == 0 or at in around):
        text = cut(approved, at, tmp_path)
        account = run_state_of(text)
        assert (told(account), account.exit_code) == (truth_at(approved, at), 7), at


@settings(max_examples=150)
@given(data=st.data())
def test_cut_off_at_any_byte_it_is_readable_and_never_says_too_much(
    approved: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(approved)))
    text = cut(approved, at, tmp_path_factory.mktemp("cut"))
    assert told(run_state_of(text)) == truth_at(approved, at)
    whole = approved[:at].endswith(b"\n") or at == 0 or approved[at : at + 1] in (b"\n", b"")
    assert text.torn is not whole


def test_every_prefix_of_lines_tells_whether_the_put_went_out_and_never_says_done_too_early(
    approved: bytes,
) -> None:
    lines = [json.loads(text) for text in approved.splitlines()]
    at = 0
    for count, text in enumerate(approved.splitlines(keepends=True), start=1):
        at += len(text)
        account = run_state_of(JournalText(tuple(lines[:count])))
        assert told(account) == truth_at(approved, at)
        assert (account.exit_code == 0) == (account.outcome.value == "done")
        began = [line["step"] for line in lines[:count] if line["event"] == "step-began"]
        done = [line["result"]["step"] for line in lines[:count] if line["event"] == "step-ended"]
        assert account.running == ("" if began == done else began[-1])


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_added_after_death_stands_on_a_line_of_its_own(
    approved: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    # Holds off: behind a line that lacked nothing but its line feed, two lines became one and both were lost.
    edges = [n for n, byte in enumerate(approved) if byte == 10]
    at = data.draw(st.integers(1, len(approved) - 1) | st.sampled_from(edges))
    folder = tmp_path_factory.mktemp("cut")
    before = cut(approved, at, folder)
    append_after_death(folder / "j", CLOCK, "interrupted", step="force", by="the kernel's death")
    after = read_journal(folder / "j")
    assert after.lines[:-1] == before.lines
    assert after.lines[-1] == {
        "n": len(before.lines) + 1,
        "at": "2026-09-22T15:13:20.000Z",
        "event": "interrupted",
        "step": "force",
        "by": "the kernel's death",
    }
    assert after.torn is before.torn
    assert run_state_of(after).outcome.value == "interrupted"


@pytest.mark.parametrize("which", [0, 1, 20, -3, -2])
def test_a_line_that_was_damaged_in_the_middle_is_not_read_over(
    approved: bytes, tmp_path: Path, which: int
) -> None:
    # Holds off: a damaged line before the last was taken for one that was cut off.
    lines = approved.splitlines(keepends=True)
    lines[which] = lines[which][:30] + b"\n"
    (tmp_path / "j").write_bytes(b"".join(lines))
    number = (which if which >= 0 else len(lines) + which) + 1
    with pytest.raises(RecordError, match=f"line {number} is damaged"):
        read_journal(tmp_path / "j")


@pytest.mark.parametrize("junk", [b"", b"\n\n", b"[]", b"{}", b'{"n":1}', b"\xff\xfe\x00", b"null\n"])
def test_a_file_without_a_single_event_is_an_empty_account(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "j").write_bytes(junk)
    account = run_state_of(read_journal(tmp_path / "j"))
    assert (ending(account), account.changing_calls) == (("interrupted", "unknown", 7), ())


def test_a_journal_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read_journal(tmp_path / "j")


def test_secrets_are_masked_in_every_kind_of_line(tmp_path: Path) -> None:
    journal = open_at(tmp_path / "j", "hunter22")
    journal.write("note", text="hunter22", deep=[{"hunter22": "xhunter22x"}])
    journal.intent(Request("PUT", "x/hunter22", {"a": "hunter22"}))
    journal.close()
    assert "hunter22" not in (tmp_path / "j").read_text()


def test_a_resumed_journal_counts_on_and_keeps_what_was_sent_as_sent(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = open_at(path)
    first.write("run-opened")
    first.intent(Request("PUT", "/api/v4/machine_status/46", VENDORS_BODY))
    first.close()
    second = RunJournal(path, CLOCK, Scrubber(()), resume=True)
    heard: list[str] = []
    second.on_line = lambda line: heard.append(line["event"])
    second.write("resumed", pid=1)
    with pytest.raises(Refused, match="it was sent in this run before"):
        second.intent(Request("PUT", "/api/v4/machine_status/46", VENDORS_BODY))
    second.close()
    assert [(line["n"], line["event"]) for line in read_journal(path).lines] == [
        (1, "run-opened"),
        (2, "intent"),
        (3, "resumed"),
    ]
    assert heard == ["resumed"]


@pytest.mark.parametrize("cut", [1, 5])
def test_a_journal_whose_last_line_was_cut_off_is_finished_and_not_resumed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_at(path)
    journal.write("run-opened")
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(RecordError, match="its last line was cut off"):
        RunJournal(path, CLOCK, Scrubber(()), resume=True)


def test_the_journal_of_a_run_that_was_closed_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_at(path)
    journal.write("run-opened")
    journal.write("run-ended")
    journal.close()
    before = path.read_bytes()
    with pytest.raises(RecordError, match="its run was closed"):
        RunJournal(path, CLOCK, Scrubber(()), resume=True)
    assert path.read_bytes() == before


def test_a_journal_that_somebody_writes_is_not_resumed_by_anybody_else(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = open_at(path)
    journal.write("run-opened")
    with pytest.raises(RecordError, match="another process has this run open"):
        RunJournal(path, CLOCK, Scrubber(()), resume=True)
    journal.close()
    RunJournal(path, CLOCK, Scrubber(()), resume=True).close()
