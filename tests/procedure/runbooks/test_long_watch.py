"""A watch of a week: nothing is left out, and it stays small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import ending
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of

Make = Callable[..., FollowUp]
# The shortest distance that a watch of a week may have.
EVERY_S = 121
WEEK_MIN = 7 * 24 * 60
JOURNAL, RECORD = 5_000_000, 1_000_000


@pytest.fixture
def forced(rehearse: Make) -> FollowUp:
    """A VM that was stuck and was forced off."""
    run = rehearse("stuck")
    run.force()
    return run


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the journal, and of all other files of the record."""
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    journal = files.pop("journal.jsonl")
    return journal, sum(files.values())


def watched(run: FollowUp, minutes: float) -> tuple[RunState, tuple[int, int]]:
    account = run.watch(minutes=minutes, every_s=EVERY_S, finish=True)
    return account, sizes(run.folder)


def test_an_hour_more_of_a_quiet_watch_adds_so_little_that_a_week_fits(forced: FollowUp) -> None:
    """A week's journal had 13 MB, because each line repeated the whole answer."""
    (_, (two, _)), (_, (five, record)) = watched(forced, 120), watched(forced, 300)
    an_hour = (five - two) / 3
    assert two + an_hour * 24 * 7 < JOURNAL * 0.7
    assert record < RECORD


def test_every_reading_of_a_long_watch_is_in_its_journal_with_what_came(forced: FollowUp) -> None:
    seen = len(forced.requests)
    account, _ = watched(forced, 300)
    text = (forced.folder / "journal.jsonl").read_text()
    assert text.count('"event": "alike"') > 150
    read = run_state_of(read_journal(forced.folder / "journal.jsonl"))
    assert read == account
    calls = [(call.method, call.path) for call in read.exchanges]
    assert calls == [(entry.method, entry.path) for entry in forced.requests[seen:]]
    written = [call.answer["behind"]["stats"]["modified"] for call in read.exchanges if _of_vm(call)]
    assert written == sorted(written)
    assert len(set(written)) > 145


def _of_vm(call: Any) -> bool:
    return call.path == "/api/v4/vms/41" and "behind" in call.answer


@pytest.mark.nightly
def test_a_quiet_week_is_small(forced: FollowUp) -> None:
    account, (journal, record) = watched(forced, WEEK_MIN)
    assert ending(account) == ("done", "off", 0)
    assert (journal < JOURNAL, record < RECORD) == (True, True), (journal, record)
    assert len(json.loads((forced.folder / "record.json").read_text())["steps"]) == 8
