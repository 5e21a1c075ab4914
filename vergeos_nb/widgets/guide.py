"""The run's header, and the way from card to card: the kernel's side of the script in the page.

The script keeps the header visible at the top of the notebook. When it is another card's turn, the script
scrolls there and gives the focus to the field or button that is needed. It decides nothing.
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
        turn: counts up to bring a person to that card.
        said: the text that a screen reader gets then.
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
        """Bring a person to this card, if the card or what it asks for has changed.

        Args:
            state: what the card asks for. It is compared with the last one.
            said: the text for a screen reader.
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
