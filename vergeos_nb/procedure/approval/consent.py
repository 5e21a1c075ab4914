"""What a person must tick and type on a card before a plan counts as approved.

Headless, the digest is enough, because somebody has typed or copied 64 characters. A click is easier, so a
card asks for more. The answers are judged here, and not in the card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from vergeos_nb.errors import Refused
from vergeos_nb.procedure.approval.standing import same_person, two_people_demanded
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.values.differences import parameters_changed
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.words import counted

# The four comparisons of the vendor's step 4. Each has its own tick.
IDENTITY_TICKS: Mapping[str, str] = {
    "cores": "The number of cores is that of the VM I mean",
    "ram": "The RAM is that of the VM I mean",
    "status": "The status is what I expect of a VM that is stuck",
    "machine": "The machine number is that of the VM I mean",
}


class Consent(Struct, frozen=True):
    """A person's answers on an approval card.

    Attributes:
        digest: the digest of the plan that was shown.
        typed_name: the VM's name as it was typed.
        ticks: the names of the ticks that were set.
        operator: the person who clicks.
        approver: the person who approves: the operator, if one person is enough.
        typed_by_approver: the VM's name, typed again by the second person if two are required.
    """

    digest: str
    typed_name: str
    ticks: frozenset[str]
    operator: str
    approver: str
    reason: str
    typed_by_approver: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain JSON, for the journal."""
        return {
            "digest": self.digest,
            "typed_name": self.typed_name,
            "ticks": sorted(self.ticks),
            "operator": self.operator,
            "approver": self.approver,
            "typed_by_approver": self.typed_by_approver,
        }


def still_missing(case: Case, consent: Consent, ticks: Sequence[str]) -> tuple[str, ...]:
    """What this consent lacks, in words, in the order of the card; empty if it is complete.

    Args:
        ticks: the ticks that are needed.
    """
    name = case.known_vm().name
    missing = []
    unticked = [tick for tick in ticks if tick not in consent.ticks]
    if unticked:
        missing.append(f"{counted(len(unticked), 'tick')} missing: {', '.join(unticked)}")
    if not consent.reason.strip():
        missing.append("say why, in the field Reason")
    if consent.typed_name != name:
        missing.append(f"type the VM's name, exactly: {name}")
    if two_people_demanded(case):
        if not consent.approver.strip():
            missing.append("two people are demanded: the second one gives their name as Approver")
        elif same_person(consent.approver, consent.operator):
            missing.append("two people are demanded, and the approver is the operator")
        if consent.typed_by_approver != name:
            missing.append("the second person types the VM's name, too")
    if case.plan is not None and parameters_changed(case.plan, case.options) is not None:
        missing.append("parameters were changed since the plan was made: make it again")
    if case.plan is None or consent.digest != case.plan.digest:
        missing.append("the plan that was shown is not the plan of now: make it again")
    return tuple(missing)


def approval_of(case: Case, consent: Consent, ticks: Sequence[str], lasts_s: float) -> Approval:
    """The approval that this consent gives.

    Raises:
        Refused: the consent is not complete.
    """
    missing = still_missing(case, consent, ticks)
    if missing:
        asked = f"approving the plan for VM {case.known_vm().name!r}"
        raise Refused(asked, "; ".join(missing), "nothing was sent; complete the card, then approve")
    now = case.clock.now()
    return Approval(consent.digest, consent.approver.strip() or consent.operator, now, now + lasts_s)
