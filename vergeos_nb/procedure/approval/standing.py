"""The guards that do not depend on the platform. A run checks them before each change, a fleet before a VM.

The platform is not asked here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from vergeos_nb.clock import Clock
from vergeos_nb.errors import ApprovalExpired, Drift, Refused, VergeNbError
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.settings.policy import Policy


class Approvable(Protocol):
    """A run over one VM, or a fleet, as these guards see it."""

    @property
    def approval(self) -> Approval | None:
        """The approval that was given, or None."""

    @property
    def operator(self) -> str:
        """The person who runs it."""

    @property
    def policy(self) -> Policy:
        """The site's policy."""

    @property
    def clock(self) -> Clock:
        """Both clocks."""

    @property
    def over_assumed_life(self) -> bool:
        """Whether the plan forces off life that is only assumed, because a named person has checked it."""

    @property
    def approval_ends(self) -> dict[Approval, float]:
        """When each approval that was checked ends, by the monotonic clock."""

    def plan_digest(self) -> str:
        """The digest of the present plan."""

    @property
    def stop_wanted(self) -> Callable[[], str]:
        """Returns who wants it to stop, or ""."""


class WaysOn(Struct, frozen=True):
    """What a person can do about each refusal.

    Attributes:
        one_person: how to name the second person. It follows "have somebody else approve".
        outside: what is true now. It precedes "wait, or have the policy changed".
    """

    not_approved: str
    other_plan: str
    one_person: str
    stopped: str
    outside: str


def standing_refusal(who: Approvable, asked: str, ways: WaysOn) -> VergeNbError | None:
    """Return why no changing request may be sent now, or None. The platform is not asked.

    Args:
        asked: the attempted action, for the error.
    """
    approval, policy = who.approval, who.policy
    if approval is None:
        return Refused(asked, "it is not approved", ways.not_approved)
    if approval.digest != who.plan_digest():
        return Drift(asked, "the approval is for another plan", ways.other_plan)
    if two_people_demanded(who) and same_person(approval.approver, who.operator):
        why = "" if policy.two_people else " over life that is only assumed"
        return Refused(
            asked,
            f"two people are demanded{why}, and {approval.approver!r} is the operator and the approver",
            f"have somebody else approve{ways.one_person}; the rule is in {policy.source}",
        )
    if ended := _ended(who, approval):
        return ApprovalExpired(asked, ended, "ask for a new one")
    if stop := who.stop_wanted():
        return Refused(asked, f"{stop} says stop", ways.stopped)
    if reason := policy.outside(who.clock.now()):
        return Refused(asked, reason, f"{ways.outside}wait, or have the policy {policy.source} changed")
    return None


def two_people_demanded(who: Approvable) -> bool:
    """Whether the policy demands that the approver of the present plan is not the operator."""
    policy = who.policy
    return policy.two_people or (policy.two_people_over_assumed_life and who.over_assumed_life)


def _ended(who: Approvable, approval: Approval) -> str:
    """Why the approval does not hold now, or "".

    From the first check on, its time also runs by the monotonic clock, because the other clock can be set
    back.
    """
    now, steady = who.clock.now(), who.clock.monotonic()
    ends = who.approval_ends.setdefault(approval, steady + approval.until - now)
    return approval.ended(now) or ("the time of the approval is over" if steady > ends else "")


def same_person(one: str, other: str) -> bool:
    """Whether two names belong to the same person, in any spelling."""
    return one.strip().casefold() == other.strip().casefold()
