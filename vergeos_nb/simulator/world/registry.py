"""Columns and tables that are worked out when they are read. The modules that know how add theirs here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# A function of the world and the stored row. The world is what reads this, so it cannot be named here.
Live = Callable[[Any, "dict[str, Any]"], Any]
LIVE: dict[tuple[str, str], Live] = {}
# A function of the world and the machines whose rows are wanted.
Virtual = Callable[[Any, "Sequence[int | str]"], "list[dict[str, Any]]"]
VIRTUAL: dict[str, Virtual] = {}
