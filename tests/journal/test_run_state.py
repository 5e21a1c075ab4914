"""What is made of a journal's lines: outcome, verdict and exit code of runs that did not go by the book."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal import Rehearsal, RunClock, ending
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import SettingsError, UsageError
from vergeos_nb.journal.header import open_journal, refuse_at_the_door
from vergeos_nb.journal.journal import JournalText, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.simulator import SteppedClock
from vergeos_nb.views.summary import summary_view

Make = Callable[..., Rehearsal]
CLOCK = RunClock(SteppedClock())


def step_ended(step: str, outcome: str, error: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    result = {
        "step": step,
        "title": step,
        "vendor_step": "",
        "system": "SIMULATED",
        "outcome": outcome,
        "summary": "",
        "next_step": "",
        "began_at": 0.0,
        "ended_at": 0.0,
        "tables": [],
        "facts": facts,
        "exchanges": [],
        "error": error,
    }
    return {"event": "step-ended", "at": "t", "result": result}


OPENED = {"event": "run-opened", "at": "t", "runbook": "force_power_off", "parameters": {}}
INTENT = {"event": "intent", "at": "t", "method": "PUT", "path": "p", "body": {}}
ENDED = {"event": "run-ended", "at": "t"}
PLANNED = step_ended("plan", "passed", approval=None, verdict="off")
APPROVED = step_ended("plan", "passed", approval={"digest": "d"}, verdict="off")
SENT = step_ended("force", "passed", sent=True)
STOPPED_OFF = step_ended("plan", "nothing-to-do", verdict="off")
STOPPED_UNKNOWN = step_ended("plan", "nothing-to-do", verdict="unknown")
OFF = step_ended("confirm", "passed", verdict="off")

STORIES: dict[str, tuple[list[dict[str, Any]], tuple[str, str, int]]] = {
    "nothing at all": ([], ("interrupted", "unknown", 7)),
    "opened and closed": ([ENDED], ("interrupted", "unknown", 7)),
    "planned": ([PLANNED, ENDED], ("planned", "off", 0)),
    "planned and cut off": ([PLANNED], ("interrupted", "off", 7)),
    "approved and closed": ([APPROVED, ENDED], ("interrupted", "off", 7)),
    "sent and closed": ([APPROVED, INTENT, SENT, ENDED], ("unknown", "unknown", 7)),
    "intended and closed": ([APPROVED, INTENT, ENDED], ("unknown", "unknown", 7)),
    "confirmed": ([APPROVED, INTENT, SENT, OFF, ENDED], ("done", "off", 0)),
    "confirmed and cut off": ([APPROVED, INTENT, SENT, OFF], ("interrupted", "off", 7)),
    "nothing to do, off": ([STOPPED_OFF, ENDED], ("nothing-to-do", "off", 0)),
    "nothing to do, unknown": ([STOPPED_UNKNOWN, ENDED], ("nothing-to-do", "unknown", 7)),
    "judged before the last call": ([APPROVED, INTENT, OFF, INTENT, ENDED], ("unknown", "unknown", 7)),
    "a bug": ([{"event": "bug", "at": "t", "step": "x", "error": "e"}, ENDED], ("failed", "unknown", 70)),
    "a bug after the intent": (
        [APPROVED, INTENT, {"event": "bug", "at": "t", "step": "force", "error": "e"}, ENDED],
        ("failed", "unknown", 70),
    ),
    "interrupted and closed": (
        [PLANNED, {"event": "interrupted", "at": "t", "step": "", "by": "SIGTERM"}, ENDED],
        ("interrupted", "off", 7),
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_a_story_has_its_outcome_verdict_and_exit_code(story: str) -> None:
    lines, expected = STORIES[story]
    account = run_state_of(JournalText(tuple(lines)))
    assert ending(account) == expected
    assert set(summary_view(summary_of(account))) == {"text/html", "text/plain"}


def test_only_a_run_that_sent_nothing_is_told_that_nothing_was_changed() -> None:
    for lines, _ in STORIES.values():
        account = run_state_of(JournalText(tuple(lines)))
        text = summary_view(summary_of(account))["text/plain"]
        quiet = (
            "Nothing was changed" in text or "none was sent" in text or "No changing call was sent" in text
        )
        assert quiet is not bool(account.changing_calls)


@pytest.mark.parametrize(
    ("journal", "lost"),
    [
        (JournalText(()), "has no first line"),
        (JournalText((PLANNED,)), "has no first line"),
        (JournalText((OPENED, PLANNED), torn=True), "was cut off in its last line"),
    ],
)
def test_a_run_whose_journal_lost_a_part_is_not_said_to_have_sent_nothing(
    journal: JournalText, lost: str
) -> None:
    """It read: "No changing call was sent. It can be run again.", of a run whose journal was empty."""
    summary = summary_of(run_state_of(journal))
    assert f"that its journal holds, and that {lost}. Read the status row" in summary.next_step


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UsageError("asked", "came back", "do"), ("refused", "unknown", 2)),
        (SettingsError("asked", "came back", "do"), ("refused", "unknown", 2)),
    ],
)
def test_a_run_refused_at_the_door_has_an_account(
    tmp_path: Path, error: UsageError, expected: tuple[str, str, int]
) -> None:
    journal = open_journal(
        tmp_path, CLOCK, Scrubber(), runbook="force_power_off", parameters={}, operator="jo"
    )
    refuse_at_the_door(journal, CLOCK, error)
    account = run_state_of(read_journal(journal.path))
    assert ending(account) == expected
    assert summary_of(account).headline == "asked: came back"


def test_of_a_name_that_is_no_parameter_the_value_is_not_written(tmp_path: Path) -> None:
    # Holds off: -p password=… was refused, and the password stood in the journal of the refusal.
    given = {"vm_name": "web-01", "password": "hunter22", "pasword": ["hunter22"]}
    journal = open_journal(
        tmp_path, CLOCK, Scrubber(), runbook="force_power_off", parameters=given, operator="jo"
    )
    journal.close()
    assert read_journal(journal.path).lines[0]["parameters"] == {
        "vm_name": "web-01",
        "password": "•••",
        "pasword": "•••",
    }


@pytest.mark.parametrize(
    ("verdict", "advice"),
    [
        ("off", "fresh evidence that was read after it says that the VM is off"),
        ("alive", "Do not power the VM on anywhere"),
        ("unknown", "Read the status row and the node before anything else"),
    ],
)
def test_what_to_do_after_an_interruption_follows_what_was_read_since(verdict: str, advice: str) -> None:
    """A run that died after the PUT, and was read back as off, still said not to power the VM on."""
    outcome = {"off": "passed", "alive": "failed", "unknown": "unknown"}[verdict]
    result = step_ended("confirm", outcome, verdict=verdict)["result"]
    settled = {"at": "t", "event": "settled", "result": result, "exchanges": []}
    killed = {"at": "t", "event": "interrupted", "step": "force", "by": "death"}
    account = run_state_of(JournalText((APPROVED, INTENT, killed, settled)))
    assert account.outcome == "interrupted"
    assert advice in summary_of(account).next_step


def test_the_summary_says_what_to_do_after_a_call_that_nobody_looked_at() -> None:
    account = run_state_of(JournalText(tuple(STORIES["sent and closed"][0])))
    summary = summary_of(account)
    assert (summary.headline, summary.next_step) == (
        "A changing call was sent, and its effect was not checked.",
        "A changing call was sent or may have been. Read the status row and the node before anything else; "
        "do not power the VM on yet.",
    )


def test_a_node_query_that_was_refused_leaves_what_another_step_has_sent() -> None:
    """Holds off: a 403 for a node query, after which a plan made anew forgot that Power Off was sent."""
    query = {"method": "POST", "path": "node_queries", "body": {"query": "top"}}
    denied = {
        **query, "event": "exchange", "at": "t", "number": 1, "attempt": 1, "query": {}, "sent_at": 0.0,
        "server_time": None, "elapsed_s": 0.1, "status": 403, "answer": None,
        "error": "PermissionDenied: no", "changing": True,
    }  # fmt: skip
    told = [
        OPENED,
        step_ended("plan", "passed", approval={"digest": "d"}),
        {"event": "step-began", "at": "t", "step": "poweroff", "title": ""},
        {**INTENT, "method": "POST", "path": "vm_actions", "body": {"action": "poweroff", "vm": 41}},
        step_ended("poweroff", "failed", sent=True, opens=True),
        {"event": "step-began", "at": "t", "step": "alive", "title": ""},
        {**query, "event": "intent", "at": "t"},
        denied,
        step_ended("alive", "passed"),
        {"event": "step-began", "at": "t", "step": "plan", "title": ""},
    ]
    lines = tuple({**line, "n": number} for number, line in enumerate(told, start=1))
    assert [result.step for result in run_state_of(JournalText(lines)).results] == ["poweroff", "alive"]
