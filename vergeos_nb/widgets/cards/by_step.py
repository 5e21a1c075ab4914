"""Which card belongs to which step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.parameters import SystemParameters, VmParameters, schema_of
from vergeos_nb.procedure.engine.engine import Step, first_of, last_of
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.approval import ApprovalCard
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.cards.connection import ConnectionCard
from vergeos_nb.widgets.cards.locate import LocateCard
from vergeos_nb.widgets.cards.verify import VerifyCard

# Parameters that are asked for on a card of the ordinary kind.
ASKED: Mapping[str, Sequence[str]] = {
    "alive": ("probe_node", "ping_ip"),
    "watch": ("minutes", "every_s"),
}


def card_for(desk: Desk, step: Step[Any]) -> StepCard:
    """The card of a step, by its role.

    The first step opens the run, so its card asks for the system, if there is one. The first step that
    identifies asks for the VM, the last one has what was found compared and ticked.
    """
    schema = schema_of(desk.runbook)
    first = desk.steps[0].id == step.id
    if step.role == "connect" and issubclass(schema, SystemParameters):
        own = () if issubclass(schema, VmParameters) else _own_parameters(schema)
        return ConnectionCard(desk, step, ("operator", *own))
    if step is first_of(desk.steps, "identify"):
        return LocateCard(desk, step)
    if step is last_of(desk.steps, "identify"):
        return VerifyCard(desk, step)
    if step.role == "plan":
        return ApprovalCard(desk, step)
    names = ASKED.get(step.id, ())
    return StepCard(desk, step, (*names, *(("operator", *_own_parameters(schema)) if first else ())))


def _own_parameters(schema: type[Any]) -> Sequence[str]:
    """The parameters of a runbook over no single VM: all are asked for at its beginning."""
    return [name for name in schema.model_fields if name not in ("profile", "operator")]
