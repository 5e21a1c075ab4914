"""A person's yes from a card: what it takes, and what is told to who lacks something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.rehearsal import Rehearsal
from vergeos_nb.errors import Refused
from vergeos_nb.procedure.approval.consent import (
    IDENTITY_TICKS,
    Consent,
    approval_of,
    still_missing,
)
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.runbooks.force_power_off import RISK_TICKS
from vergeos_nb.settings.policy import Policy

TICKS = [*IDENTITY_TICKS, *RISK_TICKS]


@pytest.fixture
def case(rehearse: Callable[..., Rehearsal]) -> Case:
    """A run whose plan was just made."""
    book = rehearse("stuck").open(operator="ada")
    for step in book.engine.steps[:6]:
        book.engine.run(step.id)
    return book.case


def whole(case: Case) -> Consent:
    assert case.plan is not None
    return Consent(case.plan.digest, "web-01", frozenset(TICKS), "ada", "ada", "it hangs")


def test_a_whole_consent_is_an_approval_of_the_plan_that_was_shown(case: Case) -> None:
    approval = approval_of(case, whole(case), TICKS, 900.0)
    now = case.clock.now()
    assert (approval.digest, approval.approver) == (case.plan.digest, "ada")
    assert (approval.given_at, approval.until) == (now, now + 900.0)


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        ({"ticks": frozenset(TICKS) - {"ram", "data"}}, "2 ticks missing: ram, data"),
        ({"ticks": frozenset()}, f"7 ticks missing: {', '.join(TICKS)}"),
        ({"reason": "  "}, "say why, in the field Reason"),
        ({"typed_name": "web-1"}, "type the VM's name, exactly: web-01"),
        ({"typed_name": "WEB-01"}, "type the VM's name, exactly: web-01"),
        ({"typed_name": "web-01 "}, "type the VM's name, exactly: web-01"),
        ({"digest": "0" * 64}, "the plan that was shown is not the plan of now: make it again"),
    ],
)
def test_what_is_missing_is_told_and_refuses(case: Case, lacks: dict[str, object], told: str) -> None:
    consent = replace(whole(case), **lacks)
    assert still_missing(case, consent, TICKS) == (told,)
    with pytest.raises(Refused, match="approving the plan for VM 'web-01'"):
        approval_of(case, consent, TICKS, 900.0)


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"approver": "grace", "typed_by_approver": "web-01"}, ()),
        ({"approver": "grace"}, ("the second person types the VM's name, too",)),
        (
            {"approver": " ADA", "typed_by_approver": "web-01"},
            ("two people are demanded, and the approver is the operator",),
        ),
        (
            {"approver": "", "typed_by_approver": "web-01"},
            ("two people are demanded: the second one gives their name as Approver",),
        ),
    ],
)
def test_where_two_people_are_demanded_the_second_one_is_another_and_types_the_name_too(
    case: Case, second: dict[str, str], told: tuple[str, ...]
) -> None:
    case.policy = Policy(two_people=True)
    assert still_missing(case, replace(whole(case), **second), TICKS) == told
