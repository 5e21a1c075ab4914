"""The log ends no wait, but nothing is decided without it: read when the readings would decide, and again
while it cannot be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.procedure.steps.test_standard_methods import sent
from tests.rehearsal import Rehearsal, ending
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.simulator import Rule

Make = Callable[..., Rehearsal]
LOGS = "/api/v4/machine_logs"


def planned(run: Rehearsal) -> str:
    """The digest of a plan that begins with Power Off."""
    return str(run.run(start_at="poweroff").fact("plan_digest"))


@pytest.mark.parametrize("status", [404, 500])
def test_a_method_after_which_the_log_cannot_be_read_has_not_worked(rehearse: Make, status: int) -> None:
    """Holds off: "worked" by the readings alone, while the log might tell that the VM began anew."""
    run = rehearse("healthy")
    digest = planned(run)

    def no_log() -> None:
        run.sim.faults.add(Rule("no log", "GET", LOGS, status=status))

    account = run.run(start_at="poweroff", approve=digest, before={"poweroff": no_log})
    assert (ending(account), sent(run)) == (("unknown", "unknown", 7), ("poweroff",))


def test_a_log_that_can_be_read_again_lets_the_method_have_worked(rehearse: Make) -> None:
    run = rehearse("healthy")
    digest = planned(run)

    def no_log_at_first() -> None:
        run.sim.faults.add(Rule("no log", "GET", LOGS, status=404, nth=(1,)))

    account = run.run(start_at="poweroff", approve=digest, before={"poweroff": no_log_at_first})
    assert (ending(account), sent(run)) == (("done", "off", 0), ("poweroff",))


def test_a_method_whose_log_tells_of_a_start_has_not_worked_whatever_the_readings_say(
    rehearse: Make,
) -> None:
    """Holds off: a wait that ends at "off" with a log of the time before."""
    run = rehearse("healthy")
    digest = planned(run)

    def started_anew() -> None:
        run.clock.after(1, lambda: run.sim.world.log(44, "VM has started"))

    account = run.run(start_at="poweroff", approve=digest, before={"poweroff": started_anew})
    step = next(one for one in account.results if one.step == "poweroff")
    assert step.outcome is StepOutcome.FAILED
    assert "did not end the process, as far as its record tells" in step.summary
    assert sent(run) == ("poweroff",)


@pytest.mark.parametrize("status", [404, 500])
def test_confirm_without_the_log_does_not_say_off(rehearse: Make, status: int) -> None:
    """Holds off: off by the row and the statistics, where nobody could look for a start in the log."""
    run = rehearse("stuck")
    digest = planned(run)

    def no_log() -> None:
        run.sim.faults.add(Rule("no log", "GET", LOGS, status=status))

    account = run.run(start_at="poweroff", approve=digest, before={"confirm": no_log})
    assert (ending(account), sent(run)[-1]) == (("unknown", "unknown", 7), "PUT")
    assert "the log could not be read" in account.results[-1].summary
