"""The buttons of cards. If the kernel does not acknowledge a press, the button says so.

ipywidgets' own button sends a click without waiting for an answer, and it fires on Enter. Here the browser
disables the button from the press on until the kernel has answered. Without an answer it enables it again and
says so beside it. Dangerous buttons react to the mouse and the space bar, never to Enter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import anywidget
import traitlets

PATIENCE_S = 5.0
"""How long a press may stay unanswered before the button says so."""

UNANSWERED = (
    "No answer yet: the kernel is busy with a cell, or it has ended, or the press was lost. Press again; "
    "a press that arrives twice counts once."
)
_ESM = """
function render({ model, el }) {
  const button = document.createElement("button");
  const note = document.createElement("span");
  button.type = "button";
  note.setAttribute("role", "alert");
  let waiting = null;
  let press = null;
  const show = () => {
    button.textContent = model.get("description");
    button.disabled = model.get("disabled") || waiting !== null;
    button.className = `vnb-${model.get("look")}`;
  };
  const settle = (text) => {
    clearTimeout(waiting);
    waiting = null;
    note.textContent = text;
    show();
  };
  const answered = () => {
    if (model.get("answered") !== press) return;
    press = null;
    settle("");
  };
  const unanswered = () => settle(model.get("unanswered"));
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && model.get("look") === "danger") {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  button.addEventListener("click", () => {
    if (button.disabled) return;
    note.textContent = "";
    // One that was not answered is made again under its name, so that it counts once.
    press = press ?? `${Date.now()}-${Math.random()}`;
    waiting = setTimeout(unanswered, model.get("patience_ms"));
    show();
    try {
      model.send({ kind: "press", press });
    } catch (error) {
      unanswered();
    }
  });
  const shown = ["description", "disabled", "look"].map((name) => `change:${name}`);
  for (const name of shown) model.on(name, show);
  model.on("change:answered", answered);
  el.classList.add("vnb-press");
  el.append(button, note);
  show();
  return () => {
    clearTimeout(waiting);
    for (const name of shown) model.off(name, show);
    model.off("change:answered", answered);
  };
}
export default { render };
"""
_CSS = """
.vnb-press { display: inline-flex; flex-wrap: wrap; align-items: center; gap: 0.3em 0.6em; margin: 2px; }
.vnb-press span { color: var(--jp-content-font-color1, #1a1a1a); }
.vnb-press span:empty { display: none; }
.vnb-press button { font: inherit; border: 2px solid transparent; border-radius: 3px; cursor: pointer;
  padding: 0.25em 0.8em; }
.vnb-press button.vnb-plain { color: #1a1a1a; background: #ffffff; border-color: #4a4a4a; }
.vnb-press button.vnb-strong { color: #ffffff; background: #0b57a4; border-color: #0b57a4; }
.vnb-press button.vnb-danger { font-weight: bold; color: #ffffff; background: #9b1c1c; border-color: #9b1c1c;
  padding: 0.35em 1em; }
.vnb-press button:focus-visible { outline: 3px solid #e0a800; outline-offset: 2px; }
.vnb-press button:disabled { color: #4a4a4a; background: #e0e0e0; border-color: #8a8a8a;
  border-style: dashed; cursor: not-allowed; }
"""


class PressButton(anywidget.AnyWidget):
    """A button whose press is acknowledged. See the module's text for what happens when it is not."""

    _esm = _ESM
    _css = _CSS
    description = traitlets.Unicode("").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    look = traitlets.Enum(["plain", "strong", "danger"], "danger").tag(sync=True)
    answered = traitlets.Unicode("").tag(sync=True)
    patience_ms = traitlets.Float(PATIENCE_S * 1000).tag(sync=True)
    unanswered = traitlets.Unicode(UNANSWERED).tag(sync=True)

    def __init__(
        self, description: str, *, look: Literal["plain", "strong", "danger"] = "danger", **traits: Any
    ) -> None:
        super().__init__(description=description, look=look, **traits)
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
