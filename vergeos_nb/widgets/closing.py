"""The last card: ends the run, makes its record, and says where that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import ipywidgets as w

from vergeos_nb.widgets.card import said_of
from vergeos_nb.widgets.desk import Closable
from vergeos_nb.widgets.job import Job
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
        self.job: Job[Mapping[str, str]] | None = None
        self.go = button("Close the run and make its record", strong=True)
        self.message = w.HTML()
        self.panel = column(w.HTML(says(ASK)), row(self.go), self.message)
        self.panel.add_class("vnb-step-close")
        self.go.on_click(self._clicked)
        self.refresh()

    def refresh(self) -> None:
        """Show whether there is something to close."""
        self.go.disabled = self.desk.case is None or bool(self.desk.over())

    def _clicked(self, _: Any) -> None:
        if self.go.disabled:
            return
        self.go.disabled = True
        self.message.value = says("closing …")
        self.job = Job(self.desk.end, lambda seconds: None, self._closed).start()

    def _closed(self, bundle: Mapping[str, str] | None, failure: BaseException | None) -> None:
        if bundle is None:
            self.message.value = said_of(failure) if failure is not None else ""
        else:
            self._shown = bundle
            self.message.value = bundle["text/html"]
            update(bundle, self._id)
        self.desk.changed()

    def _ipython_display_(self) -> None:
        text = "Close the run: run this notebook in JupyterLab to use it."
        show(self._shown or live(self.panel, says(ASK), text), self._id)
