"""The card on which a plan is made, read and approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.procedure.approval.consent import Consent
from vergeos_nb.procedure.approval.standing import two_people_demanded
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.forms import ParameterForm
from vergeos_nb.widgets.guarded_button import PressButton
from vergeos_nb.widgets.parts import column, row, says, text_field, tick


class ApprovalCard(StepCard):
    """The plan in words and as requests, the evidence, the ticks, the reason, the VM's name to be typed.

    Only then the button is enabled, which names the VM. Enter does not press it.
    """

    def __init__(
        self,
        desk: Desk,
        step: Step[Any],
        names: Sequence[str] = (),
    ) -> None:
        self.boxes = {name: tick(sentence) for name, sentence in step.ticks.items()}
        # These are no part of the plan: they are asked for once it can be read.
        self.said = ParameterForm(desk.runbook, ("reason", "ticket"), desk.given)
        self.typed = text_field("Type the VM's name", while_typing=True)
        self.second = ParameterForm(desk.runbook, ("approver",), desk.given)
        self.typed_by_second = text_field("The second person types the VM's name", while_typing=True)
        self.lacks = w.HTML()
        self.yes = PressButton("Approve", disabled=True)
        self.two = column(self.second.box, self.typed_by_second)
        self.ask = column(
            *self.boxes.values(),
            self.said.box,
            self.typed,
            self.two,
            self.lacks,
            row(self.yes),
        )
        self.ask.add_class("vnb-approval")
        later = {*self.said.fields, *self.second.fields}
        super().__init__(desk, step, [name for name in names if name not in later])
        typed = (self.typed, self.typed_by_second, *self.said.fields.values(), *self.second.fields.values())
        for field in (*self.boxes.values(), *typed):
            field.observe(lambda change: self.changed(), "value")
        for field in (*self.boxes.values(), self.typed, self.said.fields.get("reason")):
            if field is not None:
                field.add_class("vnb-wanted")
        self.yes.on_click(self.guarded(lambda: self.start(self._approve)))

    def below(self) -> Sequence[w.Widget]:
        return [self.ask]

    def asks(self) -> bool:
        return self._planned() and not self.running and not self.is_done() and not self.desk.over()

    def ended(self, result: StepResult) -> None:
        for box in self.boxes.values():
            box.value = False
        self.typed.value = self.typed_by_second.value = ""

    def fill(self, given: Mapping[str, Any]) -> None:
        for form in (self.form, self.said, self.second):
            form.fill(given)

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        for field in (*self.boxes.values(), self.typed, self.typed_by_second):
            field.disabled = locked
        self.said.lock(locked)
        self.second.lock(locked)

    def asked(self) -> object:
        ticked = tuple(box.value for box in self.boxes.values())
        typed = (self.typed.value, self.typed_by_second.value)
        return (self.form.values(), self.said.values(), self.second.values(), ticked, typed)

    def look(self) -> None:
        super().look()
        case = self.desk.case
        wanted = self.asks()
        self.ask.layout.display = "" if wanted else "none"
        missing: Sequence[str] = ()
        if wanted and isinstance(case, Case):
            self.two.layout.display = "" if two_people_demanded(case) else "none"
            missing = self.desk.missing(self._consent(case))
            self.yes.description = f"Approve this plan for {case.known_vm().name}"
        self.lacks.value = says("\n".join(f"○ {text}" for text in missing))
        self.yes.disabled = not wanted or bool(missing)

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
            reason=self.said.values()["reason"],
            typed_by_approver=self.typed_by_second.value,
        )

    def _approve(self) -> StepResult:
        case = self.desk.case
        assert isinstance(case, Case)
        consent = self._consent(case)
        return self.desk.approve(consent, {**self.said.values(), "approver": consent.approver})
