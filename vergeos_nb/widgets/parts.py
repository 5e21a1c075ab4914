"""The small pieces that cards are made of, each with a name that a screen reader finds."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from vergeos_nb.masking import masked
from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.guarded_button import PressButton

WIDE = {"description_width": "initial"}


def wide() -> w.Layout:
    """The layout of a field for text: as wide as the card, but no wider than can be read."""
    return w.Layout(width="auto", max_width="40em")


def button(text: str, *, strong: bool = False, **traits: Any) -> PressButton:
    """A button for harmless actions. Enter presses it, too."""
    return PressButton(text, look="strong" if strong else "plain", **traits)


def text_field(label: str, value: str = "", *, while_typing: bool = False) -> w.Text:
    """A field for a line of text, under its label.

    Args:
        while_typing: send the text after every letter. ipywidgets holds letters back while one is being sent,
            but not clicks, so a button pressed right after typing would see half a name. Without this, the
            whole text is sent when the field is left, before any button can be pressed.
    """
    return w.Text(value=value, description=label, style=WIDE, layout=wide(), continuous_update=while_typing)


def text_area(label: str, value: str = "") -> w.Textarea:
    """A field for a sentence, under its label. It is sent when the field is left."""
    return w.Textarea(
        value=value, description=label, rows=2, style=WIDE, layout=wide(), continuous_update=False
    )


def tick(label: str, value: bool = False) -> w.Checkbox:
    """A box to be ticked, with its sentence."""
    layout = w.Layout(width="auto")
    return w.Checkbox(value=value, description=label, indent=False, style=WIDE, layout=layout)


def says(text: str, *, alert: bool = False) -> str:
    """A line that is announced when it changes, as HTML; nothing for no text."""
    if not text:
        return ""
    return rendered("line", text=masked(text), alert=alert)


def cautions(*paragraphs: str) -> str:
    """Warnings in the warning's colours, as HTML; "" for none."""
    told = [masked(text) for text in paragraphs if text]
    return rendered("cautions", paragraphs=told) if told else ""


def row(*children: w.Widget) -> w.HBox:
    """Widgets side by side. They wrap in a narrow window."""
    return w.HBox(children, layout=w.Layout(flex_flow="row wrap", align_items="center"))


def column(*children: w.Widget) -> w.VBox:
    """Widgets below each other."""
    return w.VBox(children)
