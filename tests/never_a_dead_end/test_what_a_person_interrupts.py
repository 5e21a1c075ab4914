"""What a person breaks off or does again: a wait that is cancelled, a drill that is done twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.never_a_dead_end.at_the_cards import approve, case_of, ended, go_on, plan_again
from tests.procedure.steps.test_standard_methods import sent
from tests.rehearsal import ending
from tests.widgets.sitting import Sitting
from vergeos_nb.clock import Cancelled
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.values.outcomes import StepOutcome

Sit = Callable[..., Sitting]
STEPS = ("poweroff", "snapshot", "kill", "force", "confirm")


@pytest.mark.parametrize("step", ["poweroff", "kill", "confirm"])
def test_a_wait_that_was_cancelled_is_gone_on_with_and_nothing_is_sent_again(sit: Sit, step: str) -> None:
    at = sit("stuck", poweroff_wait_s=20.0, kill_wait_s=20.0, settle_s=10.0, confirm_timeout_s=60.0)
    before = STEPS[STEPS.index(step) - 1] if step != "poweroff" else "plan"
    at.until(before)
    at.run.clock.after(3.0, at.waits.cancel)
    with pytest.raises(Cancelled):
        at.live.perform(step, {})
    assert go_on(at, *STEPS[STEPS.index(step) :])[-1] == "passed"
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_after_a_wait_that_was_cancelled_the_rest_can_be_planned_anew(sit: Sit) -> None:
    at = sit("stuck", up_to="kill", kill_wait_s=20.0)
    at.until("snapshot")
    at.run.clock.after(3.0, at.waits.cancel)
    with pytest.raises(Cancelled):
        at.live.perform("kill", {})
    assert plan_again(at, up_to="override").outcome is StepOutcome.PASSED
    account = run_state_of(read_journal(at.run.folder / "journal.jsonl"))
    assert [result.step for result in account.results][-3:] == ["poweroff", "snapshot", "plan"]
    approve(at)
    assert go_on(at, "kill", "force", "confirm") == ["failed", "passed", "passed"]
    assert (ending(ended(at)), sent(at.run)) == (("done", "off", 0), ("poweroff", "kill", "PUT"))


def test_a_drill_is_done_twice_in_one_lab(sit: Sit) -> None:
    at = sit("stuck")
    at.until("confirm")
    at.close()
    first = at.run.folder
    at.run.sim.reset()
    at.live = at.notebook()
    at.until("confirm")
    assert ending(ended(at)) == ("done", "off", 0)
    assert at.run.folder != first


def test_a_drill_that_was_not_reset_says_that_it_is_off_already(sit: Sit) -> None:
    at = sit("stuck")
    at.until("confirm")
    at.close()
    at.live = at.notebook()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    assert at.click("plan").result.outcome is StepOutcome.NOTHING_TO_DO  # type: ignore[union-attr]
    assert case_of(at).off_since is None
    assert ending(ended(at)) == ("nothing-to-do", "off", 0)


def test_a_healthy_vm_is_left_alone_after_the_warning(sit: Sit) -> None:
    at = sit("healthy")
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    alive = at.live.result("alive")
    assert alive is not None
    assert alive.next_step.startswith("This VM looks healthy")
    at.live.perform("locate", {"vm_name": "web-02"}, again=True)
    assert at.live.result("alive") is None
    assert ending(ended(at))[0] == "interrupted"
    assert at.run.changes() == []
