"""The two places of a card in its cell's output: a static view for the saved notebook, and the live card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import ipywidgets as w

from vergeos_nb.widgets.screen import live, show, update


class TwoPlaces:
    """The first place holds a static view, which a saved notebook keeps. The second holds the live card.

    The page hides the static view beside a live card.

    Args:
        name: the card's name, a part of the names of its places.
        kept: makes the bundle that a saved notebook keeps.
        kept_of: what that bundle depends on. When this changes, the bundle is made again.
    """

    def __init__(
        self, name: str, kept: Callable[[], Mapping[str, Any]], kept_of: Callable[[], tuple[object, ...]]
    ) -> None:
        self.ids = [f"vergeos-nb-{name}-{place}-{uuid4().hex[:8]}" for place in ("static", "live")]
        self._kept = kept
        self._kept_of = kept_of
        self._shown: tuple[object, ...] | None = None

    def show(self, panel: w.Widget) -> None:
        """Show both in the cell that runs."""
        self._shown = self._kept_of()
        show(self._kept(), self.ids[0])
        show(live(panel), self.ids[1])

    def settle(self) -> None:
        """Update what a saved notebook keeps, if it was shown and has changed."""
        if self._shown and (now := self._kept_of()) != self._shown:
            self._shown = now
            update(self._kept(), self.ids[0])
