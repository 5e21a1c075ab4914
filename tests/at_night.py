"""Parametrised sweeps of which only a part runs by day: those that show most. ``make nightly`` runs all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def at_night(*values: Any) -> Any:
    """One set of parameters that is left to the night."""
    return pytest.param(*values, marks=pytest.mark.nightly)


def by_day(chosen: Iterable[Any], every: Iterable[Any]) -> list[Any]:
    """All of these; by day the chosen ones."""
    day = list(chosen)
    assert all(value in list(every) for value in day)
    return [value if value in day else at_night(value) for value in every]
