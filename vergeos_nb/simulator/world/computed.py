"""Columns and tables that are computed when they are read. The modules that know how add theirs here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# A function of the world and the stored row. World itself reads this, so it cannot be named here.
Live = Callable[[Any, "dict[str, Any]"], Any]
LIVE: dict[tuple[str, str], Live] = {}
# A function of the world and the machines whose rows are wanted.
Virtual = Callable[[Any, "Sequence[int | str]"], "list[dict[str, Any]]"]
VIRTUAL: dict[str, Virtual] = {}


def live(table: str, *columns: str) -> Callable[[Live], Live]:
    """Register a function as the value of columns of a table."""

    def register(function: Live) -> Live:
        LIVE.update({(table, column): function for column in columns})
        return function

    return register
