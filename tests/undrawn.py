"""Records without a picture of their own, where nobody looks at it: drawing is a third of the work."""

from __future__ import annotations

from functools import cache

import pytest

from vergeos_nb.views.shown import Picture
from vergeos_nb.views.timeline import Timeline
from vergeos_nb.views.timeline_drawing import timeline_svg


def leave_undrawn(patch: pytest.MonkeyPatch) -> None:
    """All records that this process makes have one picture, as long as this patch holds."""
    patch.setattr("vergeos_nb.record.making._drawn", lambda journal: _nothing_drawn())


@cache
def _nothing_drawn() -> tuple[Picture, bytes]:
    empty = Timeline("", "", "not drawn in this test")
    return Picture(empty), timeline_svg(empty)
