"""What a card shows while its step waits, for longer than the first picture takes to come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.widgets.sitting import PATIENCE_S, Sitting, text

Sit = Callable[..., Sitting]


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
