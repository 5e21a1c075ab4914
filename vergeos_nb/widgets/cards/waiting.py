"""What a card shows while its step runs: the seconds, the last news of the journal, and the run's picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as w

from vergeos_nb.widgets.parts import column, says

PICTURE_EVERY_S = 2.0


class Waiting:
    """The part of a card that is alive while its step runs, and empty otherwise.

    Args:
        picture: the run so far as HTML. It is asked for every `PICTURE_EVERY_S` seconds.
        masked: takes the secrets out of a text.
    """

    def __init__(self, picture: Callable[[], str], masked: Callable[[str], str]) -> None:
        self._draw = picture
        self._masked = masked
        self._note = ""
        self._picture_due = PICTURE_EVERY_S
        self.progress, self.picture = w.HTML(), w.HTML()
        self.progress.add_class("vnb-progress")
        self.panel = column(self.progress, self.picture)

    def begin(self) -> None:
        """The step begins to run."""
        self._note, self._picture_due = "", PICTURE_EVERY_S
        self.progress.value = says("▶ running …")

    def end(self) -> None:
        """Nothing runs here."""
        self.progress.value = self.picture.value = ""

    def heard(self, line: Mapping[str, Any]) -> None:
        """A line of the run's journal has come."""
        if line["event"] == "note":
            self._note = str(line["text"])
        elif line["event"] == "intent":
            self._note = f"sent {line['method']} {line['path']}"

    def cancelling(self) -> None:
        """The step was asked to end."""
        self._note = "cancelling: it ends at its next wait"

    def tick(self, seconds: float) -> None:
        """The step has run for so long."""
        note = f" · {self._note}" if self._note else ""
        self.progress.value = says(f"▶ running for {seconds:.0f} s{note}")
        if seconds >= self._picture_due:
            self._picture_due = seconds + PICTURE_EVERY_S
            try:
                self.picture.value = self._draw()
            except Exception as error:
                said = f"The picture of this wait cannot be drawn ({error!r}). The step itself goes on."
                self.picture.value = self._masked(says(said, alert=True))
