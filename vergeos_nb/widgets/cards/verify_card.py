"""The card on which the VM's record, its status row and what the engineer expects are compared and ticked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as w

from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.evidence.healthy import MEANS_IT, row_of_a_working_vm
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import IDENTITY
from vergeos_nb.views.text import visible
from vergeos_nb.widgets.card_head import Said, side_by_side
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.parts import button, column, tick

WORKS = (
    "Its row says running and online, as that of a VM that works. The next step looks whether its counters "
    f"move. {MEANS_IT}"
)
# The line of the comparison that each tick is about.
FIELDS: Mapping[str, str] = {"cores": "cores", "ram": "RAM in MB", "status": "status", "machine": "machine"}


class VerifyCard(StepCard):
    """Three columns side by side, and a tick for each of the four comparisons of the vendor's step 4.

    The card is done when all four are ticked, because comparing is a part of the step.
    """

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ()) -> None:
        self.boxes = {name: tick(sentence) for name, sentence in step.ticks.items()}
        self.checked = button("I have compared all four", strong=True, disabled=True)
        self.ticks = column(*self.boxes.values(), self.checked)
        self.ticks.add_class("vnb-ticks")
        super().__init__(desk, step, names)
        for box in self.boxes.values():
            box.add_class("vnb-wanted")
            box.observe(lambda change: self.changed(), "value")
        self.checked.on_click(self.guarded(self._tick_all))

    def below(self) -> Sequence[w.Widget]:
        return [self.ticks]

    def asks(self) -> bool:
        return self._passed() and not self.running and not self.is_done()

    def said(self, result: StepResult) -> Said:
        """The comparison, and a warning if the row looks like that of a healthy VM."""
        case, said = self.desk.case, super().said(result)
        first = case.first if isinstance(case, Case) else None
        works = first is not None and row_of_a_working_vm(first.status)
        return replace(said, caution=(WORKS,)) if works else said

    def ended(self, result: StepResult) -> None:
        for box in self.boxes.values():
            box.value = False

    def asked(self) -> object:
        return (self.form.values(), tuple(box.value for box in self.boxes.values()))

    def look(self) -> None:
        super().look()
        for name, box in self.boxes.items():
            box.description = self._sentence(name)
        self.ticks.layout.display = "" if self.asks() else "none"
        self.checked.disabled = not all(box.value for box in self.boxes.values())

    def _sentence(self, name: str) -> str:
        """A tick's label. The values come first, because a label that is too long is cut at its end."""
        sentence, result = self.step.ticks[name], self.result
        rows = result.rows_of(IDENTITY) if result is not None else ()
        row = next((row for row in rows if row[0] == FIELDS[name]), None)
        return sentence if row is None else visible(f"{side_by_side(row)}: {sentence}")

    def _tick_all(self) -> None:
        self.desk.tick([name for name, box in self.boxes.items() if box.value])
        self.settle()
        self.desk.changed()
