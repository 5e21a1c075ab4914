"""Columns and tables that are computed when they are read. Each module registers its own here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vergeos_nb.simulator.lookup import enter

# A function of the world and the stored row. World itself reads this, so it cannot be named here.
Live = Callable[[Any, "dict[str, Any]"], Any]
LIVE: dict[tuple[str, str], Live] = {}
# A function of the world and the machines whose rows are wanted.
Virtual = Callable[[Any, "Sequence[int | str]"], "list[dict[str, Any]]"]
VIRTUAL: dict[str, Virtual] = {}


def live(table: str, *columns: str) -> Callable[[Live], Live]:
    """Return a decorator: the function computes these columns of a table."""
    return enter(LIVE, *((table, column) for column in columns))
