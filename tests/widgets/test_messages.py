"""What cards say: each message lasts as long as what it speaks of, and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.widgets.sitting import PATIENCE_S, WAITS, Sitting, text
from vergeos_nb.errors import RecordError
from vergeos_nb.notebook import interrupted
from vergeos_nb.notebook.live import LiveRun

Sit = Callable[..., Sitting]
STEPS = [
    "connect", "locate", "status_key", "verify", "alive", "plan", "poweroff", "snapshot", "kill", "force",
    "confirm",
]  # fmt: skip


def said(at: Sitting) -> dict[str, str]:
    """What each card says beside its head, where it says anything."""
    told = {
        step: unescape(text(at.live.step(step).message.value + at.live.step(step).waiting.progress.value))
        for step in STEPS
    }
    return {step: words for step, words in told.items() if words}


def press(at: Sitting, step: str) -> None:
    """Do what the step's button does, also where it is disabled: a click may have been on its way."""
    card = at.live.step(step)
    card.start(card.work)
    assert card.job is not None
    assert card.job.join(PATIENCE_S)


def test_after_each_step_of_a_run_no_card_says_anything_beside_what_is_open(sit: Sit) -> None:
    """Holds off: "First approve the plan on its card." under an enabled button, after the approval."""
    at = sit()
    at.run_all()
    told = []
    for step in STEPS:
        at.click(step)
        told.append((step, said(at)))
        if step == "verify":
            at.tick()
            told.append(("tick", said(at)))
        if step == "plan":
            at.approve()
            told.append(("approve", said(at)))
    assert told == [(step, {}) for step, _ in told]


def test_a_refusal_of_a_click_before_its_turn_goes_when_its_turn_has_come(sit: Sit) -> None:
    at = sit()
    at.run_all()
    for step in STEPS[:6]:
        at.click(step)
        if step == "verify":
            at.tick()
    press(at, "poweroff")
    assert "First approve the plan" in said(at)["poweroff"]
    at.approve()
    assert said(at) == {}


def test_that_another_step_is_running_is_told_until_it_has_ended(sit: Sit) -> None:
    at = sit("zombie")
    at.until("plan")
    told: list[str] = []

    def meanwhile() -> None:
        press(at, "alive")
        told.append(said(at)["alive"])

    at.run.clock.after(0.4, meanwhile)
    at.click("poweroff")
    assert "step 'poweroff' is running" in told[0]
    assert said(at) == {}


def test_a_refused_parameter_is_told_until_another_one_is_entered(sit: Sit) -> None:
    at = sit()
    at.click("connect")
    field = at.live.step("locate").form.fields["vm_name"]
    field.value = "n" * 129
    at.click("locate")
    assert "129 characters" in said(at)["locate"]
    at.live.changed()
    assert "129 characters" in said(at)["locate"]
    field.value = "web-01"
    assert said(at) == {}


def test_what_came_out_of_a_step_is_shown_no_longer_than_its_result_stands(sit: Sit) -> None:
    at = sit()
    at.until("alive")
    assert at.live.run is not None
    assert "Verdict" in at.shown("alive")
    at.live.run.engine.results.pop("alive")
    at.live.changed()
    assert "Verdict" not in at.shown("alive")
    at.click("alive")
    assert "Verdict" in at.shown("alive")


def test_the_list_of_vms_says_that_it_is_read_beside_a_step_that_fails_and_takes_no_word_of_it(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sit()
    at.click("connect")
    card: Any = at.live.step("locate")
    listing, go = threading.Event(), threading.Event()
    vms = at.live.vms

    def slowly() -> Any:
        listing.set()
        assert go.wait(PATIENCE_S)
        return vms()

    monkeypatch.setattr(at.live, "vms", slowly)
    card.all.click()
    assert listing.wait(PATIENCE_S)
    assert (said(at), card.all.disabled) == ({"locate": "reading the list of VMs …"}, True)
    card.form.fields["vm_name"].value = "n" * 129
    at.click("locate")
    told = said(at)["locate"]
    assert "129 characters" in told
    go.set()
    assert card.job_aside.join(PATIENCE_S)
    assert (said(at), card.all.disabled) == ({"locate": told}, False)
    assert card.picker.panel.layout.display == ""


def test_a_list_that_cannot_be_read_says_so_and_can_be_asked_for_again(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sit()
    at.click("connect")
    card: Any = at.live.step("locate")

    def fails() -> Any:
        raise RuntimeError("no list today")

    monkeypatch.setattr(at.live, "vms", fails)
    card.all.click()
    assert card.job_aside.join(PATIENCE_S)
    assert ("no list today" in said(at)["locate"], card.all.disabled) == (True, False)
    at.click("locate")
    assert said(at) == {}


def test_the_vms_of_one_system_are_no_choice_in_another(sit: Sit) -> None:
    at = sit()
    at.click("connect")
    card: Any = at.live.step("locate")
    card.all.click()
    assert card.job_aside.join(PATIENCE_S)
    assert card.picker.panel.layout.display == ""
    at.live.step("connect").profile.value = "simulator:zombie"
    press(at, "connect")
    assert card.picker.panel.layout.display == "none"


def test_what_the_check_of_one_profile_found_is_not_shown_under_another(tmp_path: Path) -> None:
    live = LiveRun("force_power_off", {"vm_name": "web-01", **WAITS}, tmp_path / "outputs")
    card: Any = live.step("connect")
    card.profile.value = "simulator"
    card.check.click()
    assert (text(card.message.value), card.check.disabled) == ("looking at simulator …", True)
    card.profile.value = "simulator:zombie"
    assert card.job_aside.join(PATIENCE_S)
    assert (card.findings.value, card.message.value, card.check.disabled) == ("", "", False)
    card.profile.value = "simulator"
    assert "✔ API" in text(card.findings.value)


def test_a_run_that_could_not_be_finished_leaves_both_ways_open_and_says_why(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: both buttons stayed grey after a failure."""
    at = sit()
    card: Any = at.live.step("connect")
    at.live.unfinished = interrupted.CutShort(at.outputs, "A run was cut short.", "", {})

    def fails() -> str:
        raise RecordError("finishing", "the disk is full", "free space")

    monkeypatch.setattr(at.live, "finish_unfinished", fails)
    at.live.changed()
    assert (card.go.layout.display, card.new_run.layout.display) == ("none", "none")
    card.finish.click()
    assert card.job_aside.join(PATIENCE_S)
    assert "the disk is full" in said(at)["connect"]
    assert (card.resume.disabled, card.finish.disabled) == (False, False)
    assert text(card.found.value).startswith("A run was cut short. Go on with that run, or finish its record")
    assert (card.go.layout.display, card.go.look, card.resume.look) == ("", "plain", "strong")


def test_that_a_step_is_running_is_told_by_the_closing_card_until_it_has_ended(sit: Sit) -> None:
    at = sit()
    at.until("plan")
    told: list[str] = []
    at.run.clock.after(0.4, lambda: told.append(text(at.close().message.value)))
    at.click("poweroff")
    assert "a step is running" in told[0]
    assert (at.live.close().message.value, at.live.close().go.disabled) == ("", False)
    at.close()
    at.live.changed()
    assert "Closing" not in text(at.live.close().message.value)
    assert text(at.live.close().message.value)
