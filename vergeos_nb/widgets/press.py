"""A button for what cannot be taken back: a mouse and the space bar press it, the Enter key never does.

ipywidgets has no such button: a focused one is pressed by Enter as by a click.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

_ESM = """
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  const show = () => {
    button.textContent = model.get("description");
    button.disabled = model.get("disabled");
  };
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); }
  });
  button.addEventListener("click", () => {
    if (button.disabled) return;
    button.disabled = true;
    model.send({ kind: "press" });
  });
  for (const name of ["description", "disabled", "answered"]) model.on(`change:${name}`, show);
  el.classList.add("vnb-press");
  el.appendChild(button);
  show();
}
export default { render };
"""
_CSS = """
.vnb-press button { font: inherit; font-weight: bold; color: #ffffff; background: #9b1c1c;
  border: 2px solid #9b1c1c; border-radius: 3px; padding: 0.35em 1em; cursor: pointer; }
.vnb-press button:focus-visible { outline: 3px solid #e0a800; outline-offset: 2px; }
.vnb-press button:disabled { color: #4a4a4a; background: #e0e0e0; border-color: #b0b0b0;
  cursor: not-allowed; }
"""


class PressButton(anywidget.AnyWidget):
    """A button that Enter does not press. The browser disables it from the press on, until it is answered."""

    _esm = _ESM
    _css = _CSS
    description = traitlets.Unicode("").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, description: str, **traits: Any) -> None:
        super().__init__(description=description, **traits)
        self._pressed: Callable[[Any], None] = lambda button: None
        self.on_msg(self._on_message)

    def on_click(self, pressed: Callable[[Any], None]) -> None:
        """Call this at every press, as of an ipywidgets button."""
        self._pressed = pressed

    def click(self) -> None:
        """Press it, as the browser would."""
        self._on_message(self, {"kind": "press"}, [])

    def _on_message(self, widget: Any, content: Any, buffers: Any) -> None:
        if not self.disabled and content.get("kind") == "press":
            self._pressed(self)
        # Have the browser show the button as it is now, also where nothing else has changed.
        self.answered += 1
