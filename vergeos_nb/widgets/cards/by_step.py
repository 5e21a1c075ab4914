"""Which card belongs to which step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vergeos_nb.parameters import asked_on
from vergeos_nb.procedure.engine.engine import Card, Step
from vergeos_nb.procedure.runbooks.catalog import schema_of
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.approval_card import ApprovalCard
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.cards.connection_card import ConnectionCard
from vergeos_nb.widgets.cards.locate_card import LocateCard
from vergeos_nb.widgets.cards.verify_card import VerifyCard

KINDS: Mapping[Card, type[StepCard]] = {
    "step": StepCard,
    "connection": ConnectionCard,
    "vm": LocateCard,
    "comparison": VerifyCard,
    "approval": ApprovalCard,
}


def card_for(desk: Desk, step: Step[Any]) -> StepCard:
    """The card of a step, of the kind that the step names, with the parameters that are asked for on it."""
    asked = asked_on(schema_of(desk.runbook), [one.id for one in desk.steps])
    return KINDS[step.card](desk, step, asked[step.id])
