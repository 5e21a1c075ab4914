"""A drill for each scenario of the simulator: the story at the start, and the lesson at the end."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

DEFAULT = "stuck"


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill.

    Attributes:
        story: the message to the person on call. It does not reveal the solution.
        seen: the signs that a good engineer would have noticed.
    """

    story: str
    seen: str


def _load() -> Mapping[str, Drill]:
    text = resources.files("vergeos_nb.connect").joinpath("drills.toml").read_text(encoding="utf-8")
    return {name: Drill(**told) for name, told in tomllib.loads(text).items()}


DRILLS: Mapping[str, Drill] = _load()


def drill_of(profile: str) -> Drill | None:
    """The drill of this profile, or None for a real system.

    Args:
        profile: ``simulator`` or ``simulator:SCENARIO``.
    """
    word, _, scenario = profile.partition(":")
    return DRILLS.get(scenario or DEFAULT) if word == "simulator" else None
