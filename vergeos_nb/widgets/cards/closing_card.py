"""The last card: ends the run, makes its record, and says where that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb.views.folded import line, static
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.two_places import TwoPlaces
from vergeos_nb.widgets.job import CardJob
from vergeos_nb.widgets.message import Message, said_of
from vergeos_nb.widgets.parts import button, column, row, says
from vergeos_nb.widgets.ways_on.ended import Ended
from vergeos_nb.widgets.ways_on.ways_row import WaysRow

TITLE = "Close"
ASK = (
    "Closing ends the run and makes its record from the journal, whatever this page shows or the browser "
    "has saved. Nothing can be sent in it afterwards."
)


class ClosingCard:
    """Closes the run by a click. Running its cell closes nothing.

    A run can be closed at any time. The button is highlighted when nothing else is left to do.

    Args:
        shown: called when the cell of this card, which is the last one, was run.
    """

    def __init__(self, desk: Desk, *, shown: Callable[[], None] = lambda: None) -> None:
        self.desk = desk
        self.number = len(desk.steps) + 1
        self.places = TwoPlaces("close", self._static, lambda: (self._end,))
        self._tell = shown
        self._end: Ended | None = None
        self._closing = False
        self._said = Message()
        self.job: CardJob[Ended] | None = None
        self.go = button("Close the run and make its record", strong=True)
        self.head, self.message = w.HTML(), w.HTML()
        self.ways = WaysRow()
        self.panel = column(self.head, row(self.go), self.message, self.ways.box)
        for name in ("card", "step-close"):
            self.panel.add_class(f"vnb-{name}")
        self.go.on_click(self._clicked)
        self.refresh()

    def refresh(self) -> None:
        """Show whether the run can be closed, or how closing it ended."""
        over, is_here = bool(self.desk.over()), self.desk.here() == "close"
        self.go.disabled = self._closing or self.desk.case is None or over
        self.go.look = "strong" if is_here else "plain"
        self.go.layout.display = "none" if over or self.desk.case is None else ""
        is_open = is_here or over or self._closing
        (self.panel.add_class if is_open else self.panel.remove_class)("vnb-open")
        word = "closed" if over else "open" if self.desk.case is not None else "waiting"
        title = line(self.number, TITLE, "■" if over else "●" if is_here else "○", word)
        self.head.value = title if over or not is_open else title + says(ASK)
        if self._closing:
            self.message.value = says("closing …")
        elif self._end is not None:
            self.message.value = self._end.shown
        else:
            self.message.value = self._said.now(self._situation())

    def changed(self) -> None:
        """Show a change in the run, also in what a saved notebook keeps."""
        self.refresh()
        self.places.settle()

    def _clicked(self, _: Any) -> None:
        if self.go.disabled:
            return
        self._closing = True
        self.refresh()
        self.job = CardJob(self.desk.end, self._closed, on_trouble=self._troubled).start()

    def _closed(self, end: Ended | None, failure: BaseException | None) -> None:
        self._closing = False
        try:
            if end is not None:
                self._end = end
                self.ways.offer(end.ways)
            elif failure is not None:
                self._said.say(self.desk.masked(said_of(failure)), self._situation())
        finally:
            self.desk.changed()

    def _situation(self) -> Sequence[object]:
        """Everything that the message about a failed close depends on."""
        return (self.desk.case, self.desk.over(), self.desk.busy())

    def _troubled(self, error: Exception) -> None:
        self.message.value = self.desk.masked(said_of(error))

    def _static(self) -> Mapping[str, str]:
        """What a saved notebook keeps of this card: the run's summary, once it is closed."""
        if self._end is not None:
            return static(self._end.kept["text/html"], self._end.kept["text/plain"])
        text = "Close the run: run this notebook in JupyterLab to use it."
        return static(line(self.number, TITLE, "○", "not closed"), text)

    def _ipython_display_(self) -> None:
        self.places.show(self.panel)
        self._tell()
