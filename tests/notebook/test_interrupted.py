"""A kernel that ends in the middle: what the next one finds, and that nothing is sent a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.at_night import at_night
from tests.widgets.sitting import Sitting, text
from vergeos_nb import processes
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.notebook import interrupted
from vergeos_nb.record.record_folder import check, read

Sit = Callable[..., Sitting]
SESSION = "/home/ada/lab/force_power_off.ipynb"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One notebook, on a day on which the stepped clock's records are young."""
    monkeypatch.setenv("JPY_SESSION_NAME", SESSION)
    monkeypatch.setattr(interrupted, "LASTS", interrupted.LASTS * 400)
    return monkeypatch


def restarted(at: Sitting, monkeypatch: pytest.MonkeyPatch, *, killed: bool) -> Any:
    """The same notebook in a new kernel; its first card."""
    assert at.live.run is not None
    if killed:
        at.live.run.journal.close()
        at.live.run._closed = True
    else:
        at.live.run._at_exit()
    # It is this process that plays the dead one.
    monkeypatch.setattr(processes, "lives", lambda pid: False)
    at.live = at.notebook()
    at.run_all()
    return at.live.step("connect")


@pytest.mark.parametrize(
    ("last", "killed"),
    [
        ("plan", True), ("poweroff", False), ("kill", True), ("force", True), ("force", False),
        at_night("plan", False), at_night("poweroff", True), at_night("kill", False),
    ],
)  # fmt: skip
def test_a_resumed_run_is_the_same_run_and_sends_nothing_twice(
    sit: Sit, here: pytest.MonkeyPatch, last: str, killed: bool
) -> None:
    at = sit()
    at.until(last)
    sent = at.run.changes()
    card = restarted(at, here, killed=killed)
    told = text(card.found.value)
    assert "A run of this notebook was cut short: web-01" in told
    assert (f"{sent[-1][0]} /api/v4/{sent[-1][1]}" if sent else "It had changed nothing") in told
    assert ("vnb-caution" in card.found.value) == bool(sent)
    assert (card.go.layout.display, card.new_run.layout.display) == ("none", "none")
    at.click("connect", "resume")
    assert at.run.changes() == sent
    for step in [step.id for step in at.live.steps][1:]:
        at.click(step)
        if step == "verify":
            at.tick()
        if step == "plan" and not at.live.step("plan").is_done():
            at.approve()
    at.close()
    record = read(at.run.folder)
    assert at.run.runs == 1
    assert (record["outcome"], record["verdict"], record["exit_code"]) == ("done", "off", 0)
    assert at.run.changes() == at.run.rungs(41)
    assert [call["step"] for call in record["changing_calls"]] == ["poweroff", "kill", "force"]
    assert (check(at.run.folder), verify(at.outputs).findings) == ([], ())
    numbers = [
        line["number"] for line in read_journal(at.run.folder / "journal.jsonl").lines if "number" in line
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_resumed_run_s_card_says_whether_that_run_is_simulated_or_real(
    sit: Sit, here: pytest.MonkeyPatch
) -> None:
    """Holds off: "SIMULATED: a rehearsal" above a resumed run on a real system."""
    at = sit(profile="env")
    at.until("plan")
    at.given["profile"] = "simulator"
    card = restarted(at, here, killed=True)
    assert text(card.kind.value).startswith("SIMULATED")
    at.click("connect", "resume")
    assert (card.profile.value, text(card.kind.value)[:5]) == ("env", "REAL:")


def test_a_run_that_was_cut_short_can_be_finished_and_a_new_one_begun(
    sit: Sit, here: pytest.MonkeyPatch
) -> None:
    at = sit()
    at.until("plan")
    first = at.run.folder
    card = restarted(at, here, killed=True)
    card.finish.click()
    for _ in range(600):
        if "The record of the earlier run is finished" in card.message.value:
            break
        at.pause(0.05)
    assert (read(first)["outcome"], read(first)["changing_calls"]) == ("interrupted", [])
    at.click("connect")
    assert (at.run.folder == first, at.run.runs) == (False, 2)


def test_a_run_whose_journal_is_damaged_is_told_of_and_not_gone_on_with(
    sit: Sit, here: pytest.MonkeyPatch
) -> None:
    """It was passed over in silence, as if nothing had been begun, and a new run could send it all again."""
    at = sit()
    at.until("kill")
    journal = at.run.folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], b"\x00\n", *lines[3:]]))
    sent = at.run.changes()
    card = restarted(at, here, killed=True)
    assert "left a damaged journal, so nobody knows what it sent" in text(card.found.value)
    card.resume.click()
    assert card.job is not None
    assert card.job.join(60)
    assert "is damaged" in text(card.message.value)
    assert (at.live.run, at.run.changes()) == (None, sent)


@pytest.mark.parametrize("event", ["intent", "exchange"])
def test_a_journal_of_which_lines_are_gone_is_not_gone_on_with(
    sit: Sit, here: pytest.MonkeyPatch, event: str
) -> None:
    """Without the line of an intent its call counted as one that was never made."""
    at = sit()
    at.until("kill")
    journal = at.run.folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if f'"event": "{event}"'.encode() not in line))
    card = restarted(at, here, killed=True)
    card.resume.click()
    assert card.job is not None
    assert card.job.join(60)
    assert "of its run, where number" in text(card.message.value)
    assert at.live.run is None


@pytest.mark.parametrize("other", [{"JPY_SESSION_NAME": "/home/grace/other.ipynb"}, {"JPY_SESSION_NAME": ""}])
def test_the_run_of_another_notebook_is_not_offered(
    sit: Sit, here: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    at = sit()
    at.until("plan")
    here.setenv(*next(iter(other.items())))
    card = restarted(at, here, killed=True)
    assert (card.found.value, card.cut_short.layout.display) == ("", "none")


def test_a_run_whose_kernel_still_lives_is_not_offered(sit: Sit, here: pytest.MonkeyPatch) -> None:
    at = sit()
    at.until("plan")
    assert interrupted.cut_short(at.outputs, "force_power_off", SESSION) is None


def test_a_closed_run_is_not_offered(sit: Sit, here: pytest.MonkeyPatch) -> None:
    at = sit()
    at.until("plan")
    at.close()
    here.setattr(processes, "lives", lambda pid: False)
    assert interrupted.cut_short(at.outputs, "force_power_off", SESSION) is None


def test_of_two_kernels_that_go_on_with_one_run_the_second_is_refused_and_nothing_is_sent_twice(
    sit: Sit, here: pytest.MonkeyPatch
) -> None:
    # Holds off: each knew what was sent before it opened the journal, and nothing of what the other sent.
    at = sit()
    at.until("plan")
    restarted(at, here, killed=True)
    first, second = at.live, at.notebook()
    second_card = second.step("connect")
    at.click("connect", "resume")
    second_card.resume.click()
    assert second_card.job is not None
    assert second_card.job.join(60)
    assert "another process has this run open" in text(second_card.message.value)
    assert second.run is None
    at.live = first
    at.close()
    second_card.resume.click()
    second_card.job.join(60)
    assert "somebody has it open, or has closed it" in text(second_card.message.value)
    assert (at.run.changes(), at.run.runs) == ([], 1)
