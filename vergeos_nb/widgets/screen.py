"""Put bundles on the screen: IPython's displays, typed, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as w
from IPython.display import display, update_display


def show(bundle: Mapping[str, Any], place: str) -> None:
    """Show this in the cell that runs, in a place that can be updated later."""
    display(dict(bundle), raw=True, display_id=place)  # type: ignore[no-untyped-call]


def update(bundle: Mapping[str, Any], place: str) -> None:
    """Replace what this place shows, in every page. From any thread."""
    update_display(dict(bundle), raw=True, display_id=place)  # type: ignore[no-untyped-call]


def live(panel: w.Widget) -> dict[str, Any]:
    """The bundle of a live panel. Front ends without widgets show nothing of it."""
    data = panel._repr_mimebundle_()
    return {**(data[0] if isinstance(data, tuple) else data), "text/html": "", "text/plain": ""}
