"""The ways out of a step that did not pass, in one row, and which of them is highlighted."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import ipywidgets as w

from vergeos_nb.procedure.engine.case import Case, RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.parts import button

# What a new plan can open, by the type of the refusal.
ANOTHER_PLAN = frozenset({"ApprovalExpired", "VerdictUnknown"})


class Way(Enum):
    """A way out, beside closing the run."""

    AGAIN = "again"
    PLAN = "plan"
    ANEW = "anew"


class WaysOut:
    """*Change the plan*, *Read everything anew* and *Close*, beside the card's own button to try again.

    Args:
        plan: makes the plan again.
        anew: reads everything anew, up to this step.
    """

    def __init__(self, plan: Callable[[Any], None], anew: Callable[[Any], None]) -> None:
        self.replan, self.anew = button("Change the plan"), button("Read everything anew")
        self.leave = w.HTML(rendered("leave"))
        self.leave.add_class("vnb-leave")
        self.replan.on_click(plan)
        self.anew.on_click(anew)

    def show(self, offered: frozenset[Way], lit: Way | None, *, closed: bool) -> None:
        """Show what is possible.

        Args:
            closed: whether the step has ended and did not pass. Then leaving is a way out, too.
        """
        for shown, way in ((self.replan, Way.PLAN), (self.anew, Way.ANEW)):
            shown.layout.display = "" if way in offered else "none"
            shown.look = "strong" if way is lit else "plain"
        self.leave.layout.display = "" if closed else "none"


def offered_on(desk: Desk, step: Step[Any], closed: bool) -> frozenset[Way]:
    """The ways out that are possible on the card of a step whose turn it is, while nothing runs.

    Args:
        closed: whether the step has ended and did not pass.
    """
    ways, case, can_plan = {Way.AGAIN}, desk.case, desk.may_plan_again()
    if step.changing and can_plan:
        ways.add(Way.PLAN)
    # A plan that is refused as outdated needs new evidence, not only another try.
    first = step.id == desk.steps[0].id
    if closed and not first and case is not None and (not case.sent_by or can_plan):
        ways.add(Way.ANEW)
    return frozenset(ways)


def lit_of(result: StepResult, offered: frozenset[Way], *, sent: bool, planned: bool) -> Way:
    """The way out that leads on, of those that are possible.

    Args:
        sent: whether this run has sent something.
        planned: whether the present plan opens this step, as far as a plan can.
    """
    refusal = str((result.error or {}).get("type", ""))
    wanted = Way.AGAIN
    if result.facts.get("again"):
        wanted = Way.AGAIN
    elif refusal == "Drift" and not sent:
        wanted = Way.ANEW
    elif not planned or refusal == "Drift" or refusal in ANOTHER_PLAN:
        wanted = Way.PLAN
    return wanted if wanted in offered else Way.AGAIN


def where_of(case: RunCase | None) -> str:
    """The VM, its process and its node in words, as far as they are known; "" before the VM is known."""
    if not isinstance(case, Case) or case.vm is None:
        return ""
    vm, node = case.vm, case.node
    on = f", on node {node.name} (key {node.key})" if node is not None else ", on no known node"
    return f"the process of {vm.name} is that of machine {vm.machine}{on}"
