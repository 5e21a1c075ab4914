"""What every runbook has in common, and the roles by which other code knows its steps."""

from __future__ import annotations

import pytest

from vergeos_nb.procedure.runbooks.catalog import PROCEDURES, role_of

RUNBOOKS = sorted(PROCEDURES)


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_runbook_plans_once_before_it_acts_and_confirms_once_at_its_end(runbook: str) -> None:
    roles = [step.role for step in PROCEDURES[runbook]]
    if "act" not in roles:
        assert "confirm" not in roles
        return
    assert (roles.count("plan"), roles.count("confirm")) == (1, 1)
    assert roles.index("plan") < roles.index("act")
    assert roles[-1] == "confirm"


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_step_acts_by_its_role_where_it_can_send_a_changing_call(runbook: str) -> None:
    for step in PROCEDURES[runbook]:
        assert (step.role == "act") is step.changing, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_step_of_a_journal_has_the_role_that_its_runbook_gives_it(runbook: str) -> None:
    assert {step.id: role_of(runbook, step.id) for step in PROCEDURES[runbook]} == {
        step.id: step.role for step in PROCEDURES[runbook]
    }


def test_a_step_that_its_runbook_does_not_have_has_no_role() -> None:
    assert role_of("force_power_off", "watch") is None
    assert role_of("force_power_off", "no such step") is None
    assert role_of("a runbook that is not here", "no such step") is None


def test_the_plan_and_the_confirm_of_a_run_that_is_no_runbooks_are_known_by_their_ids() -> None:
    """A fleet's run is one."""
    assert role_of("fleet_apply", "plan") == "plan"
    assert role_of("fleet_apply", "confirm") == "confirm"
    assert role_of("fleet_apply", "apply") is None
