"""The buttons of cards. If the kernel does not acknowledge a press, the button says so.

ipywidgets' own button sends a click without waiting for an answer, and it fires on Enter. Here the browser
disables the button from the press on until the kernel has answered. Without an answer it enables it again and
says so beside it. A disabled button keeps the focus, and the second click of a double click presses nothing.
Dangerous buttons react to the mouse and the space bar, never to Enter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import anywidget
import traitlets

from vergeos_nb.widgets.scripts import page_file

PATIENCE_S = 5.0
"""Seconds after which an unanswered press is reported."""

UNANSWERED = (
    "No answer yet: the kernel is busy with a cell, or it has ended, or the press was lost. Press again; "
    "a press that arrives twice counts once."
)


class PressButton(anywidget.AnyWidget):
    """A button whose press is acknowledged. See the module's text for what happens when it is not.

    Attributes:
        guarded: whether Enter does not press it. A dangerous button is guarded at first.
    """

    _esm = page_file("press.js")
    _css = page_file("press.css")
    description = traitlets.Unicode("").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    look = traitlets.Enum(["plain", "strong", "danger"], "danger").tag(sync=True)
    guarded = traitlets.Bool(False).tag(sync=True)
    answered = traitlets.Unicode("").tag(sync=True)
    patience_ms = traitlets.Float(PATIENCE_S * 1000).tag(sync=True)
    unanswered = traitlets.Unicode(UNANSWERED).tag(sync=True)

    def __init__(
        self, description: str, *, look: Literal["plain", "strong", "danger"] = "danger", **traits: Any
    ) -> None:
        super().__init__(description=description, look=look, **{"guarded": look == "danger", **traits})
        self._pressed: Callable[[Any], None] = lambda button: None
        self._taken: set[str] = set()
        self.on_msg(self._on_message)

    def on_click(self, pressed: Callable[[Any], None]) -> None:
        """Call this at every press, as of an ipywidgets button."""
        self._pressed = pressed

    def click(self) -> None:
        """Press it, as the browser would."""
        self._on_message(self, {"kind": "press"}, [])

    def _on_message(self, widget: Any, content: Any, buffers: Any) -> None:
        if content.get("kind") != "press":
            return
        press = str(content.get("press", ""))
        again = press in self._taken
        if press:
            self._taken.add(press)
        try:
            if not self.disabled and not again:
                self._pressed(self)
        finally:
            # Sent also where it is the same as before: the answer, too, may have been lost.
            self.answered = press
            self.send_state("answered")
