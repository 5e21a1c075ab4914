"""A VM among ten thousand: typed words narrow the list, likely candidates come first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from vergeos_nb.masking import masked
from vergeos_nb.vergeos.rows import Listed
from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.parts import WIDE, column, row, text_field
from vergeos_nb.words import counted

MOST_SHOWN = 100


class VmPicker:
    """A list of VMs, filtered by the typed words, with the details of the chosen one beside it.

    Args:
        on_choice: called with the VM that was chosen.
    """

    def __init__(self, on_choice: Callable[[Listed], None]) -> None:
        self._vms: Sequence[Listed] = ()
        self._haystacks: Sequence[str] = ()
        self._shown: Sequence[Listed] = ()
        self._on_choice = on_choice
        self.words = text_field("Filter by name, status, node or tag", while_typing=True)
        self.list = w.Select(
            options=[], rows=8, description="VMs", style=WIDE, layout=w.Layout(width="auto", min_width="28em")
        )
        self.count, self.details = w.HTML(), w.HTML()
        self.panel = column(self.words, row(self.list, self.details), self.count)
        self.panel.add_class("vnb-picker")
        self.words.observe(lambda change: self._narrow(), "value")
        self.list.observe(self._choose, "index")

    def fill(self, vms: Sequence[Listed]) -> None:
        """Offer these VMs, the likely candidates first and then by name."""
        self._vms = sorted(vms, key=lambda vm: (not vm.why, vm.name, vm.key.value))
        self._haystacks = [
            "\n".join((vm.name, vm.status, vm.state, vm.node, *vm.tags)).casefold() for vm in self._vms
        ]
        self._narrow()

    def _narrow(self) -> None:
        words = self.words.value.casefold().split()
        found = [
            vm
            for vm, haystack in zip(self._vms, self._haystacks, strict=True)
            if all(word in haystack for word in words)
        ]
        self._shown = found[:MOST_SHOWN]
        # Two VMs with the same name are two entries, with different keys.
        self.list.options = [(_line(vm), place) for place, vm in enumerate(self._shown)]
        self.list.index = None
        more = f", the first {MOST_SHOWN} are shown" if len(found) > MOST_SHOWN else ""
        self.count.value = f"<div role='status'>{len(found)} of {counted(len(self._vms), 'VM')}{more}</div>"
        self.details.value = ""

    def _choose(self, change: dict[str, object]) -> None:
        place = change["new"]
        if not isinstance(place, int):
            return
        vm = self._shown[place]
        self.details.value = rendered("listed", vm=vm)
        self._on_choice(vm)


def _line(vm: Listed) -> str:
    where = f"on {vm.node}" if vm.node else "on no node"
    return masked(f"{'⚠ ' if vm.why else ''}{vm.name} · {vm.status} · {where} · key {vm.key}")
