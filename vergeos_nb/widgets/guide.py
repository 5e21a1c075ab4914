"""The run's header, and the way from card to card: what the script in the page is told.

The script keeps the header in view at the top of the notebook. When the turn goes to another card, it scrolls
there and gives the focus to what is asked for. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Hashable

import anywidget
import traitlets

from vergeos_nb.widgets.scripts import page_file


class Guide(anywidget.AnyWidget):
    """The header of one run.

    Attributes:
        html: the header. Everything in it is escaped already.
        here: the id of the card whose turn it is, or "".
        turn: counts up when a person is to be brought to that card.
        said: what a screen reader is told then.
    """

    _esm = page_file("guide.js")
    _css = page_file("guide.css")
    html = traitlets.Unicode("").tag(sync=True)
    here = traitlets.Unicode("").tag(sync=True)
    turn = traitlets.Int(0).tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self._seen: Hashable = None

    def show(self, html: str) -> None:
        """Show this as the header."""
        if html != self.html:
            self.html = html

    def lead(self, step: str, state: Hashable, said: str) -> None:
        """Bring a person to this card, if the turn or what is asked for there has changed.

        Args:
            state: what is asked for there; compared with that of the last time.
            said: told to a screen reader.
        """
        if (step, state) == self._seen:
            return
        self._seen = (step, state)
        self.bring(step, said)

    def bring(self, step: str, said: str = "") -> None:
        """Bring a person to this card."""
        with self.hold_sync():
            self.here, self.said = step, said
            self.turn += 1
