"""The card that finds the VM: by its name, or chosen from a list of all VMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.clock import iso
from vergeos_nb.masking import masked
from vergeos_nb.procedure.engine.case import RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import TWINS
from vergeos_nb.vergeos.rows import Listed
from vergeos_nb.views.text import visible
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.parts import WIDE, button, row
from vergeos_nb.widgets.picker import VmPicker


class LocateCard(StepCard):
    """Takes a name that a person types or picks. The list of all VMs is read only on request."""

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ()) -> None:
        self.picker = VmPicker(self._picked)
        self._listed_in: RunCase | None = None
        self._choice: Listed | None = None
        self.twins = w.RadioButtons(
            options=[], description="Which one do you mean?", style=WIDE, layout=w.Layout(width="auto")
        )
        self.twins.add_class("vnb-wanted")
        self._twins_of: StepResult | None = None
        self.other, self.keep = button("Choose another VM"), button("Keep this VM")
        self.all = button("List all VMs (reads only)")
        super().__init__(desk, step, names)
        if (name := self.form.fields.get("vm_name")) is not None:
            name.add_class("vnb-wanted")
            name.observe(lambda change: self._named(), "value")
        self.buttons.children = (*self.buttons.children, self.keep)
        self.panel.children = (*self.panel.children, self.other)
        self.all.on_click(self.guarded(self._list))
        self.other.on_click(self.guarded(lambda: self._reopen(self.step.id)))
        self.keep.on_click(self.guarded(lambda: self._reopen("")))
        self.twins.observe(lambda change: self._took(change["new"]), "value")

    def inputs(self) -> Sequence[w.Widget]:
        return [self.twins, self.form.box, row(self.all), self.picker.panel]

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        self.all.disabled = locked

    def look(self) -> None:
        super().look()
        self._offer_twins()
        again = self.desk.reopened() == self.step.id and self.is_open() and not self.running
        if again:
            # Another VM can be found, or this one kept.
            self.go.description = self.verb()
            self.ways.show(frozenset(), None, closed=False)
            self.form.box.layout.display = ""
        self.keep.layout.display = "" if again else "none"
        folded = not self.is_open() and self.desk.may_reopen(self.step.id)
        self.other.layout.display = "" if folded else "none"
        if self.is_open() and self._is_another_vm():
            self.go.description, self.go.look = self.verb(), "strong"
        case = self.desk.case
        self.all.disabled = self.running or self.is_aside or case is None or bool(self.desk.over())
        # A list that was read from another system is hidden.
        listed = case is not None and case is self._listed_in
        self.picker.panel.layout.display = "" if listed else "none"

    def verb(self) -> str:
        """What the button does, in words."""
        key = self.form.values().get("vm_key")
        return f"{super().verb()} with key {key}" if key else super().verb()

    def _offer_twins(self) -> None:
        """If the step was refused because several VMs have the name, offer them as a choice by key."""
        result = self.result
        refused = result is not None and result.outcome is StepOutcome.REFUSED and not self.running
        rows = result.rows_of(TWINS) if refused and result is not None else ()
        self.twins.layout.display = "" if rows else "none"
        if result is not self._twins_of:
            self._twins_of = result
            self.twins.options = [(_in_line(values), values[0]) for values in rows]
            self.twins.value = None

    def _is_another_vm(self) -> bool:
        """Whether the fields name another VM than the step has searched."""
        case = self.desk.case
        return case is not None and any(
            getattr(case.options, name, value) != value for name, value in self.form.values().items()
        )

    def _reopen(self, step: str) -> None:
        self.desk.reopen(step)
        self.desk.changed()

    def _took(self, key: int | None) -> None:
        if key is not None:
            self.form.fields["vm_key"].value = key
        self.changed()

    def _picked(self, vm: Listed) -> None:
        self._choice = vm
        self.form.fields["vm_name"].value = vm.name
        self.form.fields["vm_key"].value = vm.key.value

    def _named(self) -> None:
        """If another name was typed, remove the key of the VM that was picked before."""
        picked, key = self._choice, self.form.fields["vm_key"]
        if picked is None or self.form.fields["vm_name"].value == picked.name:
            return
        self._choice = None
        if key.value == picked.key.value:
            key.value = 0

    def _list(self) -> None:
        case = self.desk.case

        def show(vms: Sequence[Listed]) -> None:
            self.picker.fill(vms)
            self._listed_in = case

        self.aside("reading the list of VMs …", self.desk.vms, show)


def _in_line(values: Sequence[Any]) -> str:
    """A row of the table of VMs with the same name, as the text of one choice."""
    key, name, node, status, last_write, cores, ram, tags = values
    told = [f"VM key {key}", name, f"on {node}" if node else "on no node", status]
    told += [f"last write {iso(last_write)[:19].replace('T', ' ')} UTC"] if last_write else []
    told += [f"{cores} cores", f"{ram} MB"] + ([f"tags {tags}"] if tags else [])
    return masked(visible(" · ".join(str(one) for one in told)))
