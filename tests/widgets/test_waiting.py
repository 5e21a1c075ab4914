"""What a card shows while its step waits, for longer than the first picture takes to come."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.widgets.sitting import PATIENCE_S, Sitting, text
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.widgets import job

Sit = Callable[..., Sitting]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds that a card counts are tenths."""
    monkeypatch.setattr(job, "TICK_S", job.TICK_S / 10)
    monkeypatch.setattr(job, "time", SimpleNamespace(monotonic=lambda: time.monotonic() * 10))


class Watched:
    """What a card has shown while its step ran, and a wait that lasts until it has shown enough.

    Args:
        enough: whether that is so, by the texts of its progress line and what its place for the picture held.
    """

    def __init__(self, at: Sitting, step: str, enough: Callable[[list[str], list[str]], bool]) -> None:
        self.lines: list[str] = []
        self.pictures: list[str] = []
        card: Any = at.live.step(step)
        card.waiting.progress.observe(lambda change: self._add(self.lines, text(change["new"])), "value")
        card.waiting.picture.observe(lambda change: self._add(self.pictures, change["new"]), "value")
        at.run.clock.after(0.4, lambda: self._hold(lambda: enough(self.lines, self.pictures)))

    def _add(self, kept: list[str], shown: str) -> None:
        if shown:
            kept.append(shown)

    def _hold(self, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not enough() and time.monotonic() < end:
            time.sleep(0.01)


def picture_and_more(lines: list[str], pictures: list[str]) -> bool:
    """Whether the picture has come twice, and seconds were counted after it."""
    return len(pictures) >= 2 and len(set(lines)) >= 5


def typed(at: Sitting, last: str) -> None:
    """Click through the procedure up to this step, with the VM's name typed on its card."""
    at.click("connect")
    at.live.step("locate").form.fields["vm_name"].value = "web-01"
    for step in [step.id for step in at.live.steps][1:]:
        at.click(step)
        if step == "verify":
            at.tick()
        if step == "plan":
            at.approve()
        if step == last:
            return


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("step", ["alive", "poweroff"])
def test_a_wait_counts_its_seconds_and_shows_the_picture_of_a_run_whose_vm_was_typed(
    sit: Sit, step: str
) -> None:
    """Holds off: the picture's lines lacked the first of the journal, and its thread died of it."""
    at = sit(vm_name="")
    before = [one.id for one in at.live.steps]
    typed(at, before[before.index(step) - 1])
    seen = Watched(at, step, picture_and_more)
    card = at.click(step)
    assert picture_and_more(seen.lines, seen.pictures)
    assert all('alt="web-01: going on"' in picture for picture in seen.pictures)
    assert [line for line in seen.lines if not line.startswith("▶ running")] == []
    assert (card.waiting.progress.value, card.waiting.picture.value) == ("", "")


@pytest.mark.usefixtures("hurried")
def test_a_picture_that_cannot_be_drawn_is_said_so_and_the_seconds_go_on(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sit()
    at.until("verify")

    def fails() -> str:
        raise KeyError("parameters")

    monkeypatch.setattr(at.live, "picture", fails)
    seen = Watched(at, "alive", lambda lines, pictures: bool(pictures) and len(set(lines)) >= 7)
    card = at.click("alive")
    assert "cannot be drawn (KeyError(&#39;parameters&#39;))" in seen.pictures[0]
    assert len(set(seen.lines)) >= 7
    assert card.result is not None
    assert card.result.outcome == "passed"


def test_a_line_that_a_card_cannot_show_ends_no_step(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds off: what a screen raises would come out of the journal in the middle of a changing call."""
    at = sit()
    at.until("plan")
    card = at.live.step("poweroff")

    def fails(line: object) -> None:
        raise ValueError("no such line")

    monkeypatch.setattr(card, "heard", fails)
    at.click("poweroff")
    assert card.result is not None
    assert card.result.outcome == "failed"
    assert [body["action"] for _, _, body in at.run.changes()] == ["poweroff"]


def test_a_card_that_cannot_be_shown_says_so_and_keeps_no_other_from_being_shown(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sit()
    at.run_all()
    first: Any = at.live.step("connect")

    def fails() -> None:
        raise RuntimeError("not this one")

    with monkeypatch.context() as patch:
        patch.setattr(first, "look", fails)
        first.go.click()
        assert "not this one" in text(first.message.value)
        assert (first.job, at.run.requests) == (None, [])
    monkeypatch.setattr(first, "settle", fails)
    at.click("connect")
    assert "not this one" in text(first.message.value)
    assert at.enabled() == ["locate"]


def test_a_wait_says_how_long_and_why_and_what_was_read_and_that_nothing_changes(sit: Sit) -> None:
    at = sit(poweroff_wait_s=60.0, poll_s=2.0)
    at.until("plan")
    card = at.live.step("poweroff")
    waits: list[str] = []

    def look() -> None:
        card.waiting.tick(1.0)
        waits.append(text(card.waiting.wait.value))

    for second in (0.4, 4.2, 6.2):
        at.run.clock.after(second, look)
    seen: list[str] = []
    card.waiting.heard_of.observe(lambda change: seen.append(text(change["new"])), "value")
    notices: list[str] = []
    card.waiting.notice.observe(lambda change: notices.append(text(change["new"])), "value")
    at.click("poweroff")
    assert waits == [
        "60 s : nothing shows yet whether the process is gone Read last: "
        "row says unresponsive, node 1; 0 s ago CPU 0 % RAM in use 0 MB Counters moved by not known yet",
        "7 s : the process is gone, and the row should follow Read last: "
        "row says unresponsive, node 1; 1 s ago. Nothing changed for 4 s. "
        "CPU 0 % RAM in use 0 MB Counters moved by 0",
        "5 s : the process is gone, and the row should follow Read last: "
        "row says unresponsive, node 1; 1 s ago. Nothing changed for 6 s. "
        "CPU 0 % RAM in use 0 MB Counters moved by 0",
    ]
    assert [said for said in seen if said] == [
        "60 s: nothing shows yet whether the process is gone",
        "10 s: the process is gone, and the row should follow",
    ]
    assert [said for said in notices if said] == ["Notify me when it ends"]
    parts = (card.waiting.progress, card.waiting.wait, card.waiting.heard_of, card.waiting.notice)
    assert [part.value for part in parts] == ["", "", "", ""]


def test_a_wait_is_reported_as_data_in_the_journal(sit: Sit) -> None:
    at = sit(poweroff_wait_s=60.0)
    at.until("poweroff")
    lines = read_journal(at.run.folder / "journal.jsonl").lines
    waits = [line["wait"] for line in lines if line.get("wait")]
    assert list(dict.fromkeys((wait["why"], wait["whole_s"]) for wait in waits)) == [
        ("what moves between the two readings is a sign of life", 1.1),
        ("nothing shows yet whether the process is gone", 60.0),
        ("the process is gone, and the row should follow", 60.0),
    ]
    assert {frozenset(wait["read"]) for wait in waits} == {
        frozenset({"status", "node", "cpu_pct", "ram_mb", "counted", "at"})
    }
    assert len({wait["ends_at"] for wait in waits[-3:]}) == 1
