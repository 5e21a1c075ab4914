"""Which of a run's parameters an approval binds.

A parameter is bound unless its field is marked ``Unbound``, with the reason. So a new parameter is bound
unless somebody decides
otherwise. A plan holds the values of all bound parameters. With another value it is another
plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Unbound:
    """Marks a parameter that plans do not bind.

    Attributes:
        because: why the plan does not bind it: what limits it instead, or why it decides nothing.
    """

    because: str


def unbound(schema: type[BaseModel]) -> dict[str, str]:
    """The parameters that a plan does not bind, each with its reason."""
    return {
        name: mark.because
        for name, field in schema.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Unbound)
    }


def bound_values(options: BaseModel) -> dict[str, Any]:
    """The parameters that a plan binds, as JSON without floats."""
    left_out = unbound(type(options))
    values = {name: getattr(options, name) for name in type(options).model_fields if name not in left_out}
    return plain(values)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON that is always spelled the same. Floats have several spellings and become text."""
    return {name: repr(value) if isinstance(value, float) else value for name, value in values.items()}
