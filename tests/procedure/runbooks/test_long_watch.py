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
from vergeos_nb.simulator import Rule

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


def log_lines(run: FollowUp, count: int) -> None:
    """The machine's log says so many things at once, none of a start."""
    machine = run.sim.world.vm("web-01").machine
    for number in range(count):
        run.sim.world.log(machine, f"backup {number} was left out", user="system")


def test_thousands_of_log_lines_are_counted_and_the_newest_are_shown(forced: FollowUp) -> None:
    """Holds off a page of megabytes where a machine's log never falls silent."""
    for hour in range(1, 6):
        forced.clock.after(hour * 3600, lambda: log_lines(forced, 300))
    account, (_, record) = watched(forced, 330)
    watch = next(result for result in account.results if result.step == "watch")
    tables = {table.schema.name: table.rows for table in watch.tables}
    assert ending(account) == ("done", "off", 0)
    said = {str(name): value for name, value in tables["facts"]}
    assert said["log"] == "1500 lines of the last 24 h and since, the newest 500 are shown"
    assert len(tables["logs"]) == 500
    assert any("1500 lines since the run began, none of a start" in str(row) for row in tables["evidence"])
    texts = [row["text"] for call in account.exchanges if "machine_logs" in call.path for row in call.answer]
    assert len([text for text in texts if text == "backup 1 was left out"]) == 5
    assert record < RECORD


def test_a_start_among_thousands_of_log_lines_ends_the_watch(forced: FollowUp) -> None:
    machine = forced.sim.world.vm("web-01").machine
    for hour in range(1, 3):
        forced.clock.after(hour * 3600, lambda: log_lines(forced, 600))

    def started() -> None:
        log_lines(forced, 400)
        forced.sim.world.log(machine, "VM has started", user="mallory")
        log_lines(forced, 500)

    forced.clock.after(3 * 3600, started)
    account, _ = watched(forced, 400)
    assert ending(account) == ("failed", "alive", 6)
    assert account.decisive is not None
    assert "VM has started" in account.decisive.summary


def eventful(run: FollowUp, hours: int) -> None:
    """A status that changes, a line in the log, and an hour a day in which nothing answers."""
    world = run.sim.world
    machine, row = world.vm("web-01").machine, world.tables["machine_status"][world.vm("web-01").status]

    def change(hour: int) -> Callable[[], None]:
        def changed() -> None:
            row["status"] = "unresponsive" if hour % 2 else "stopped"
            world.log(machine, f"backup {hour} was left out", user="system")
            run.sim.faults.clear()
            if hour % 24 == 4:
                run.sim.faults.add(Rule("an outage", "GET", "*", status=503, text="Service unavailable"))

        return changed

    for hour in range(1, hours):
        run.clock.after(hour * 3600, change(hour))


def held_small(run: FollowUp, account: RunState, outages: int) -> None:
    watch = next(result for result in account.results if result.step == "watch")
    assert watch.facts["outages"] == outages
    assert run_state_of(read_journal(run.folder / "journal.jsonl")) == account
    [samples] = [table for table in watch.tables if table.schema.name == "samples"]
    assert {"stopped", "unresponsive"} <= {value for row in samples.rows for value in row}


def test_six_hours_with_an_outage_and_changes_are_read_back_and_small(forced: FollowUp) -> None:
    _, (two, _) = watched(forced, 120)
    eventful(forced, 6)
    account, (six, record) = watched(forced, 360)
    held_small(forced, account, 1)
    # One of these hours is the outage, with four attempts for each reading.
    an_hour = (six - two) / 4
    assert (an_hour < 40_000, record < RECORD) == (True, True), (an_hour, record)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_a_week_with_outages_and_changes_is_small(forced: FollowUp) -> None:
    eventful(forced, 7 * 24)
    account, (journal, record) = watched(forced, WEEK_MIN)
    held_small(forced, account, 7)
    assert (journal < JOURNAL, record < RECORD) == (True, True), (journal, record)


@pytest.mark.nightly
def test_a_quiet_week_is_small(forced: FollowUp) -> None:
    account, (journal, record) = watched(forced, WEEK_MIN)
    assert ending(account) == ("done", "off", 0)
    assert (journal < JOURNAL, record < RECORD) == (True, True), (journal, record)
    assert len(json.loads((forced.folder / "record.json").read_text())["steps"]) == 8
