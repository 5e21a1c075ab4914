"""The card on which a plan is made, read, changed and approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.parameters import asked_if_needed
from vergeos_nb.procedure.approval.consent import Consent
from vergeos_nb.procedure.approval.standing import two_people_demanded
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.evidence.healthy import MEANS_IT
from vergeos_nb.procedure.runbooks.catalog import schema_of
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.widgets.card_head import Said
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.cards.plan_in_words import closed_by, in_three_lines
from vergeos_nb.widgets.forms import ParameterForm
from vergeos_nb.widgets.guarded_button import PressButton
from vergeos_nb.widgets.parts import button, cautions, column, row, says, text_field, tick

ANOTHER = "To take another one, press Choose another VM on the line of the step that found it."
MAKE_ANEW = "you have changed what is planned: make the plan again, and read it"


class ApprovalCard(StepCard):
    """Shows the plan, and what it does not open. Asks for the ticks, the reason and the VM's name.

    When all are given, the button is enabled, which names the VM. Enter does not press it. The plan can be
    changed here as long as a step remains that it could open, even after it was approved.
    """

    def __init__(
        self,
        desk: Desk,
        step: Step[Any],
        names: Sequence[str] = (),
    ) -> None:
        self.boxes = {name: tick(sentence) for name, sentence in step.ticks.items()}
        # These are not a part of the plan. They are asked for when the plan can be read.
        self.said_why = ParameterForm(desk.runbook, ("reason", "ticket"), desk.given)
        self.typed = text_field("Type the VM's name", while_typing=True)
        self.second = ParameterForm(desk.runbook, ("approver",), desk.given)
        self.typed_by_second = text_field("The second person types the VM's name", while_typing=True)
        self.lacks, self.closed, self.healthy = w.HTML(), w.HTML(), w.HTML()
        self.yes = PressButton("Approve", disabled=True)
        self.change, self.rethink = button("Change the plan"), button("Change the plan")
        self.two = column(self.second.box, self.typed_by_second)
        self.ask = column(
            self.closed,
            *self.boxes.values(),
            self.said_why.box,
            self.typed,
            self.two,
            self.lacks,
            row(self.yes),
        )
        self.ask.add_class("vnb-approval")
        later = {*self.said_why.fields, *self.second.fields}
        self._if_needed = asked_if_needed(schema_of(desk.runbook))
        self._changing = False
        super().__init__(desk, step, [name for name in names if name not in later])
        self.buttons.children = (*self.buttons.children, self.change)
        self.panel.children = (*self.panel.children, self.rethink)
        typed = (
            self.typed,
            self.typed_by_second,
            *self.said_why.fields.values(),
            *self.second.fields.values(),
        )
        for field in (*self.boxes.values(), *typed):
            field.observe(lambda change: self.changed(), "value")
        wanted = (*self.boxes.values(), self.typed, self.said_why.fields.get("reason"))
        for field in (*wanted, *(self.form.fields.get(name) for name in self._if_needed)):
            if field is not None:
                field.add_class("vnb-wanted")
        self.yes.on_click(self.guarded(lambda: self.start(self._approve)))
        self.change.on_click(self.guarded(self._change))
        self.rethink.on_click(self.guarded(lambda: self.start(self.desk.plan_again)))

    def inputs(self) -> Sequence[w.Widget]:
        return [self.healthy, self.form.box]

    def below(self) -> Sequence[w.Widget]:
        return [self.ask]

    def asks(self) -> bool:
        return self._planned() and not self.running and not self.is_done() and not self.desk.over()

    def said(self, result: StepResult) -> Said:
        """The plan in three lines. What it does not open is shown beside the button to approve."""
        if not self._planned():
            return super().said(result)
        digest = str(result.facts.get("plan_digest") or "")
        return Said("Read it, then approve it.", facts=in_three_lines(result, self.desk.steps), digest=digest)

    def ended(self, result: StepResult) -> None:
        self._changing = False
        for box in self.boxes.values():
            box.value = False
        self.typed.value = self.typed_by_second.value = ""

    def fill(self, given: Mapping[str, Any]) -> None:
        for form in (self.form, self.said_why, self.second):
            form.fill(given)

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        for field in (*self.boxes.values(), self.typed, self.typed_by_second):
            field.disabled = locked
        self.said_why.lock(locked)
        self.second.lock(locked)

    def asked(self) -> object:
        ticked = tuple(box.value for box in self.boxes.values())
        typed = (self.typed.value, self.typed_by_second.value)
        return (self.form.values(), self.said_why.values(), self.second.values(), ticked, typed)

    def look(self) -> None:
        super().look()
        case, result = self.desk.case, self.result
        wanted, other = self.asks(), self._is_another_plan()
        if not self.running:
            self.form.show(self._asked_now(wanted))
        # A plan shows this itself, beside the button to approve.
        self.healthy.value = "" if self._planned() else cautions(self._looks_healthy())
        self.change.layout.display = "" if wanted and not self._is_changing() else "none"
        self._show_rethink()
        if wanted:
            self.go.description, self.go.look = "Make the plan again", "strong" if other else "plain"
        self.ask.layout.display = "" if wanted and not other else "none"
        missing: Sequence[str] = ()
        if wanted and isinstance(case, Case) and result is not None:
            self.closed.value = cautions(*closed_by(result))
            self.two.layout.display = "" if two_people_demanded(case) else "none"
            missing = [MAKE_ANEW] if other else self.desk.missing(self._consent(case))
            self.yes.description = f"Approve this plan for {case.known_vm().name}"
        self.lacks.value = says("\n".join(f"○ {text}" for text in missing))
        self.yes.disabled = not wanted or bool(missing)

    def _asked_now(self, wanted: bool) -> set[str]:
        """The parameters to ask for now: for a new plan all, for a plan that was made those that it needs."""
        result = self.result
        needs = set(result.facts.get("needs") or ()) if result is not None else set()
        filled = {name for name in self._if_needed if self.form.values().get(name)}
        asked_if_needed_now = self._if_needed & (needs | filled)
        if self.is_done() or (wanted and not self._is_changing()):
            return set() if self.is_done() else set(asked_if_needed_now)
        return (set(self.form.fields) - self._if_needed) | asked_if_needed_now

    def _is_changing(self) -> bool:
        return self._changing or self.desk.replanning()

    def _change(self) -> None:
        self._changing = True
        self.changed()

    def _show_rethink(self) -> None:
        """Offer to change an approved plan on its folded line, as long as a step remains that it opens."""
        idle = not self.is_open() and not self.desk.busy()
        folded = idle and self._planned() and self.desk.may_plan_again()
        self.rethink.layout.display = "" if folded else "none"

    def _is_another_plan(self) -> bool:
        """Whether the fields differ from the plan that was made."""
        case = self.desk.case
        if not self.asks() or case is None:
            return False
        return any(getattr(case.options, name) != value for name, value in self.form.values().items())

    def _looks_healthy(self) -> str:
        """Why the VM looks healthy, from the step that judged it; or ""."""
        judged = [self.desk.result(step.id) for step in self.desk.steps if step.role == "judge"]
        told = [str(result.facts.get("healthy") or "") for result in judged if result is not None]
        return f"{told[-1]} {MEANS_IT} {ANOTHER}" if told and told[-1] else ""

    def _planned(self) -> bool:
        case, result = self.desk.case, self.result
        made = result is not None and result.outcome is StepOutcome.PASSED
        return made and isinstance(case, Case) and case.plan is not None

    def _consent(self, case: Case) -> Consent:
        approver = self.second.values()["approver"] if two_people_demanded(case) else case.operator
        return Consent(
            digest=str(self.result.facts.get("plan_digest")) if self.result is not None else "",
            typed_name=self.typed.value,
            ticks=frozenset(name for name, box in self.boxes.items() if box.value) | self.desk.ticked(),
            operator=case.operator,
            approver=approver,
            reason=self.said_why.values()["reason"],
            typed_by_approver=self.typed_by_second.value,
        )

    def _approve(self) -> StepResult:
        case = self.desk.case
        assert isinstance(case, Case)
        consent = self._consent(case)
        return self.desk.approve(consent, {**self.said_why.values(), "approver": consent.approver})
