"""One set of questions closes the way for a single run and for a fleet."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from vergeos_nb.clock import Clock
from vergeos_nb.errors import ApprovalExpired, Drift, Refused, VergeNbError
from vergeos_nb.procedure.approval.standing import WaysOn, same_person, standing_refusal
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.settings.policy import Policy

DIGEST = "d" * 64
WAYS = WaysOn("approve it", "approve the other", ", and say who", "resume", "nothing was sent; ")


class TwoClocks:
    """Ours, which a person can set, and the steady one."""

    def __init__(self) -> None:
        self.shows, self.steady = 1000.0, 50.0

    def now(self) -> float:
        return self.shows

    def monotonic(self) -> float:
        return self.steady

    def sleep(self, seconds: float) -> None:
        self.shows += seconds
        self.steady += seconds


@dataclass
class Asks:
    """Whoever wants to send."""

    approval: Approval | None = Approval(DIGEST, "Jo", 1000.0, 1600.0)
    operator: str = "Sam"
    policy: Policy = field(default_factory=Policy)
    clock: Clock = field(default_factory=TwoClocks)
    approval_ends: dict[Approval, float] = field(default_factory=dict)
    says_stop: str = ""
    over_assumed_life: bool = False

    def plan_digest(self) -> str:
        return DIGEST

    def stop_wanted(self) -> str:
        return self.says_stop


def refusal(who: Asks) -> VergeNbError | None:
    return standing_refusal(who, "sending", WAYS)


def test_an_approval_for_this_plan_opens_the_way() -> None:
    assert refusal(Asks()) is None


@pytest.mark.parametrize(
    ("who", "kind", "told"),
    [
        (Asks(approval=None), Refused, ("it is not approved", "approve it")),
        (
            Asks(approval=Approval("e" * 64, "Jo", 1000.0, 1600.0)),
            Drift,
            ("the approval is for another plan", "approve the other"),
        ),
        (
            Asks(operator=" JO ", policy=Policy(two_people=True, source="the policy")),
            Refused,
            (
                "two people are demanded, and 'Jo' is the operator and the approver",
                "have somebody else approve, and say who; the rule is in the policy",
            ),
        ),
        (
            Asks(
                operator="jo",
                policy=Policy(two_people_over_assumed_life=True, source="the policy"),
                over_assumed_life=True,
            ),
            Refused,
            (
                "two people are demanded over life that is only assumed, "
                "and 'Jo' is the operator and the approver",
                "have somebody else approve, and say who; the rule is in the policy",
            ),
        ),
        (
            Asks(approval=Approval(DIGEST, "Jo", 100.0, 900.0)),
            ApprovalExpired,
            ("the approval ended at 1970-01-01T00:15:00.000Z", "ask for a new one"),
        ),
        (Asks(says_stop="the stop file"), Refused, ("the stop file says stop", "resume")),
    ],
)
def test_each_question_closes_the_way_and_names_a_way_on(
    who: Asks, kind: type[VergeNbError], told: tuple[str, str]
) -> None:
    no = refusal(who)
    assert no is not None
    assert (type(no), no.asked, (no.came_back, no.next_step)) == (kind, "sending", told)


def test_a_second_person_for_assumed_life_is_demanded_of_no_other_plan() -> None:
    assert refusal(Asks(operator="Jo", policy=Policy(two_people_over_assumed_life=True))) is None


def test_an_approval_lasts_no_longer_when_the_clock_is_set_back_after_it_was_first_looked_at() -> None:
    clock = TwoClocks()
    who = Asks(clock=clock)
    assert refusal(who) is None
    clock.sleep(601.0)
    clock.shows -= 300.0
    no = refusal(who)
    assert no is not None
    assert (type(no), no.came_back) == (ApprovalExpired, "the time of the approval is over")


def test_a_name_in_another_spelling_is_the_same_person() -> None:
    assert same_person(" Jo Miller", "JO MILLER ")
    assert not same_person("Jo", "Joe")
