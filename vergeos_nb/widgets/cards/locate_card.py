"""The card that finds the VM: by its name, or picked from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.procedure.engine.case import RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.vergeos.rows import Listed
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.parts import button, row
from vergeos_nb.widgets.picker import VmPicker


class LocateCard(StepCard):
    """Takes a name, typed or picked. The list is read only when it is asked for."""

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ()) -> None:
        self.picker = VmPicker(self._picked)
        self._listed_in: RunCase | None = None
        self._choice: Listed | None = None
        self.all = button("List all VMs (reads only)")
        super().__init__(desk, step, names)
        if (name := self.form.fields.get("vm_name")) is not None:
            name.add_class("vnb-wanted")
            name.observe(lambda change: self._named(), "value")
        self.all.on_click(self.guarded(self._list))

    def inputs(self) -> Sequence[w.Widget]:
        return [self.form.box, row(self.all), self.picker.panel]

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        self.all.disabled = locked

    def look(self) -> None:
        super().look()
        case = self.desk.case
        self.all.disabled = self.running or self.is_aside or case is None or bool(self.desk.over())
        # The VMs of another system are no choice here.
        listed = case is not None and case is self._listed_in
        self.picker.panel.layout.display = "" if listed else "none"

    def _picked(self, vm: Listed) -> None:
        self._choice = vm
        self.form.fields["vm_name"].value = vm.name
        self.form.fields["vm_key"].value = vm.key.value

    def _named(self) -> None:
        """Another name was typed: the key of the VM that was picked before does not belong to it."""
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
