"""The drill of a scenario: its story at the start of a rehearsal, and the lesson at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vergeos_nb.simulator import Scenario

DEFAULT_SCENARIO = "stuck"


def scenarios() -> Mapping[str, Scenario]:
    """The simulator's scenarios, by name."""
    # A run on a real system loads no simulator: that takes a tenth of a second.
    from vergeos_nb.simulator import SCENARIOS

    return SCENARIOS


def drill_of(profile: str) -> Scenario | None:
    """The scenario of this profile, or None for a real system.

    Args:
        profile: ``simulator`` or ``simulator:SCENARIO``.
    """
    word, _, scenario = profile.partition(":")
    return scenarios().get(scenario or DEFAULT_SCENARIO) if word == "simulator" else None
