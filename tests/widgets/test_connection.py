"""The first card: which system, and a password that is asked for once and stays nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest

from tests.widgets.sitting import text
from vergeos_nb.notebook.live import LiveRun
from vergeos_nb.simulator import Simulator

CANARY = "canary-Pa55word-once"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A system that is configured but for its password."""
    simulator = Simulator("stuck", password=CANARY)
    with simulator.serve() as door:
        monkeypatch.setenv("VERGE_HOST", door.host)
        monkeypatch.setenv("VERGE_USERNAME", "admin")
        monkeypatch.setenv("VERGE_CA_FILE", str(door.ca_file))
        yield simulator


def card_of(tmp_path: Path, profile: str) -> Any:
    live = LiveRun("force_power_off", {"vm_name": "web-01", "profile": profile}, tmp_path / "outputs")
    return live.step("connect")


def held_by_widgets() -> str:
    """The state of every widget that there is, as a saved notebook could hold it."""
    return json.dumps([widget.get_state() for widget in w.Widget.widgets.values()], default=str)


def test_simulated_or_real_is_said_in_words_and_a_rehearsal_tells_its_story(
    tmp_path: Path, system: Any
) -> None:
    card = card_of(tmp_path, "simulator:zombie")
    assert text(card.kind.value).startswith("SIMULATED: a rehearsal.")
    assert text(card.story.value).startswith("The drill. 03:20. web-01 does not answer.")
    card.profile.value = "env"
    assert (text(card.kind.value)[:5], card.story.value) == ("REAL:", "")


def test_a_password_that_no_profile_holds_is_asked_for_once_used_and_kept_nowhere(
    tmp_path: Path, system: Any
) -> None:
    card = card_of(tmp_path, "env")
    (field,) = card.secret_place.children
    field.value = CANARY
    card.go.click()
    assert card.job.join(60)
    assert text(card.result.summary).startswith("Connected to SIMULATED system (profile env")
    assert (card.secret_place.children, field.comm) == ((), None)
    assert CANARY not in held_by_widgets()
    card.desk.end()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "outputs").rglob("*") if path.is_file())
    assert CANARY.encode() not in kept
    assert kept


def test_a_wrong_password_is_refused_and_can_be_typed_again_as_a_run_of_its_own(
    tmp_path: Path, system: Any
) -> None:
    card = card_of(tmp_path, "env")
    (field,) = card.secret_place.children
    field.value = "not-the-password"
    card.go.click()
    assert card.job.join(60)
    assert card.result.error["exit_code"] == 9
    card._chosen()
    (field,) = card.secret_place.children
    field.value = CANARY
    card.go.click()
    assert card.job.join(60)
    assert card.result.outcome == "passed"
    outcomes = sorted(
        json.loads(path.read_text())["outcome"] for path in (tmp_path / "outputs").glob("*/*/record.json")
    )
    assert outcomes == ["failed"]


def test_the_doctor_s_findings_are_shown_without_opening_a_run(tmp_path: Path) -> None:
    card = card_of(tmp_path, "simulator")
    card.check.click()
    assert card.job_aside.join(60)
    assert "✔ API: SIMULATED system 'lab-east'" in text(card.findings.value).replace("&#39;", "'")
    assert card.desk.run is None
    assert not (tmp_path / "outputs").exists()


def test_a_profile_that_cannot_be_used_is_told_on_the_card(tmp_path: Path) -> None:
    card = card_of(tmp_path, "nowhere")
    card.go.click()
    assert card.job.join(60)
    assert "there is no profile of this name" in text(card.message.value)
    assert card.result is None
