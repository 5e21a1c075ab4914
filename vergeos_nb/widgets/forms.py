"""Input fields for a runbook's parameters, made from its schema: one place knows their types and limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import ipywidgets as w

from vergeos_nb.parameters import AskedOn
from vergeos_nb.procedure.runbooks.catalog import schema_of
from vergeos_nb.widgets.parts import WIDE, text_area, text_field, wide

LARGEST = 2**31 - 1


class ParameterForm:
    """Fields for some of a runbook's parameters.

    Args:
        names: parameters; those that the runbook does not have are left out.
        values: what they hold at first, where that is not the default.
    """

    def __init__(self, runbook: str, names: Sequence[str], values: Mapping[str, Any]) -> None:
        fields = schema_of(runbook).model_fields
        self.fields: dict[str, Any] = {}
        for name in names:
            if name in fields:
                default = "" if fields[name].is_required() else fields[name].default
                words = any(isinstance(mark, AskedOn) and mark.words for mark in fields[name].metadata)
                make = _words if words else _field
                self.fields[name] = make(
                    fields[name].title or name, fields[name].annotation, values.get(name, default)
                )
        self.box = w.VBox(list(self.fields.values()))

    def values(self) -> dict[str, Any]:
        """The present values of the fields. Words are one line, whatever was pasted."""
        return {
            name: " ".join(field.value.split()) if isinstance(field, w.Textarea) else field.value
            for name, field in self.fields.items()
        }

    def show(self, names: Collection[str]) -> None:
        """Show these fields and hide the others. What a hidden one holds still counts."""
        for name, field in self.fields.items():
            field.layout.display = "" if name in names else "none"
        self.box.layout.display = "" if set(names) & set(self.fields) else "none"

    def fill(self, values: Mapping[str, Any]) -> None:
        """Show these values, of the parameters that are asked for here."""
        for name, field in self.fields.items():
            if name in values:
                field.value = values[name]

    def lock(self, locked: bool) -> None:
        """Lock the fields while a step runs with their values."""
        for field in self.fields.values():
            field.disabled = locked


def _words(label: str, annotation: Any, value: Any) -> w.Widget:
    return text_area(label, str(value))


def _field(label: str, annotation: Any, value: Any) -> w.Widget:
    traits = {"description": label, "style": WIDE, "layout": wide()}
    try:
        if get_origin(annotation) is Literal:
            return w.Dropdown(options=get_args(annotation), value=value, **traits)
        if annotation is bool:
            return w.Checkbox(value=value, indent=False, **traits)
        if annotation is int:
            return w.BoundedIntText(value=value, min=0, max=LARGEST, **traits)
        if annotation is float:
            return w.FloatText(value=value, **traits)
    except Exception:  # traitlets' own, of several kinds
        # The value in the parameters cell does not fit this field. It goes to the schema as text, which
        # reports it.
        pass
    return text_field(label, str(value))
