"""The card that finds the VM: by its name, or picked from all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.procedure.engine import Step
from vergeos_nb.widgets.card import StepCard, said_of
from vergeos_nb.widgets.desk import Desk
from vergeos_nb.widgets.job import Job
from vergeos_nb.widgets.parts import button, row, says
from vergeos_nb.widgets.picker import VmPicker


class LocateCard(StepCard):
    """Takes a name, typed or picked. The list is read only when it is asked for."""

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ("vm_name",)) -> None:
        self.picker = VmPicker(self._picked)
        self.picker.panel.layout.display = "none"
        self.all = button("List all VMs (reads only)")
        super().__init__(desk, step, names)
        self.all.on_click(self.guarded(self._list))

    def inputs(self) -> Sequence[w.Widget]:
        return [self.form.box, row(self.all), self.picker.panel]

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        self.all.disabled = locked

    def refresh(self) -> None:
        super().refresh()
        self.all.disabled = self.running or self.desk.case is None or bool(self.desk.over())

    def _picked(self, name: str) -> None:
        self.form.fields["vm_name"].value = name

    def _list(self) -> None:
        self.all.disabled = True
        self.message.value = says("reading the list of VMs …")

        def show(vms: Any, failure: BaseException | None) -> None:
            if failure is None:
                self.picker.fill(vms)
                self.picker.panel.layout.display = ""
                self.message.value = ""
            else:
                self.message.value = self.desk.masked(said_of(failure))
            self.refresh()

        Job(self.desk.vms, lambda seconds: None, show).start()
