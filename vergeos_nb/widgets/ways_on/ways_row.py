"""A row of buttons that each prepare a notebook and open it."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from vergeos_nb.masking import masked
from vergeos_nb.widgets.guarded_button import PressButton
from vergeos_nb.widgets.job import CardJob
from vergeos_nb.widgets.message import said_of
from vergeos_nb.widgets.parts import button, column, row, says
from vergeos_nb.widgets.ways_on.ended import Prepared, WayOn
from vergeos_nb.widgets.ways_on.opener import Opener

UNKNOWN_PLACE = (
    "Ready: {file}. This front end cannot open it by a button; open it by hand and run all its cells."
)


class WaysRow:
    """The ways on from a card. A click prepares the notebook in a thread, and the page opens it."""

    def __init__(self) -> None:
        self.opener = Opener()
        self.message = w.HTML()
        self.buttons = row()
        self.box = column(self.buttons, self.message, self.opener)
        self.job: CardJob[Prepared] | None = None

    def offer(self, ways: Sequence[WayOn]) -> None:
        """Show these, and no others. The first is highlighted."""
        self.buttons.children = [self.button(way, strong=at == 0) for at, way in enumerate(ways)]

    def button(self, way: WayOn, *, strong: bool = False) -> PressButton:
        """A button like those of this row, for another place."""
        made = button(way.verb, strong=strong)
        made.add_class(f"vnb-way-{way.name}")
        made.on_click(lambda _: self._go(way))
        return made

    def _go(self, way: WayOn) -> None:
        if self.job is not None and not self.job.join(0):
            return
        self.message.value = says("preparing …")
        self.job = CardJob(way.prepare, self._ready, on_trouble=self._troubled).start()

    def _ready(self, prepared: Prepared | None, failure: BaseException | None) -> None:
        if failure is not None:
            self.message.value = masked(said_of(failure))
        elif prepared is not None and prepared.served is None:
            self.message.value = says(UNKNOWN_PLACE.format(file=prepared.file))
        elif prepared is not None and prepared.served is not None:
            self.message.value = ""
            self.opener.bring(prepared.served)

    def _troubled(self, error: Exception) -> None:
        self.message.value = masked(said_of(error))
