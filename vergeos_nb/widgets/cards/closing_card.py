"""The last card: ends the run, makes its record, and says where that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import ipywidgets as w

from vergeos_nb.widgets.card_host import Closable
from vergeos_nb.widgets.job import CardJob
from vergeos_nb.widgets.message import Message, said_of
from vergeos_nb.widgets.parts import button, column, row, says
from vergeos_nb.widgets.screen import live, show, update

ASK = (
    "Closing ends the run and makes its record from the journal, whatever this page shows or the browser "
    "has saved. Nothing can be sent in it afterwards."
)


class ClosingCard:
    """Closes the run by a click; running its cell closes nothing."""

    def __init__(self, desk: Closable) -> None:
        self.desk = desk
        self._id = f"vergeos-nb-close-{uuid4().hex[:8]}"
        self._shown: Mapping[str, str] | None = None
        self._closing = False
        self._said = Message()
        self.job: CardJob[Mapping[str, str]] | None = None
        self.go = button("Close the run and make its record", strong=True)
        self.message = w.HTML()
        self.panel = column(w.HTML(says(ASK)), row(self.go), self.message)
        self.panel.add_class("vnb-step-close")
        self.go.on_click(self._clicked)
        self.refresh()

    def refresh(self) -> None:
        """Show whether there is something to close, and what became of closing it."""
        self.go.disabled = self._closing or self.desk.case is None or bool(self.desk.over())
        if self._closing:
            self.message.value = says("closing …")
        elif self._shown is not None:
            self.message.value = self._shown["text/html"]
        else:
            self.message.value = self._said.now(self._situation())

    def _clicked(self, _: Any) -> None:
        if self.go.disabled:
            return
        self._closing = True
        self.refresh()
        self.job = CardJob(self.desk.end, self._closed, on_trouble=self._troubled).start()

    def _closed(self, bundle: Mapping[str, str] | None, failure: BaseException | None) -> None:
        self._closing = False
        try:
            if bundle is not None:
                self._shown = bundle
                update(bundle, self._id)
            elif failure is not None:
                self._said.say(self.desk.masked(said_of(failure)), self._situation())
        finally:
            self.desk.changed()

    def _situation(self) -> Sequence[object]:
        """All that a failure to close may speak of."""
        return (self.desk.case, self.desk.over(), self.desk.busy())

    def _troubled(self, error: Exception) -> None:
        self.message.value = self.desk.masked(said_of(error))

    def _ipython_display_(self) -> None:
        text = "Close the run: run this notebook in JupyterLab to use it."
        show(self._shown or live(self.panel, says(ASK), text), self._id)
