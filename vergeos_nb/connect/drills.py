"""A drill for each scenario of the simulator: the story at the start, and what there was to see."""

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
        story: what the person on call is told; it gives nothing away.
        seen: what a good engineer would have seen.
    """

    story: str
    seen: str


def _load() -> Mapping[str, Drill]:
    text = resources.files("vergeos_nb.connect").joinpath("drills.toml").read_text(encoding="utf-8")
    return {name: Drill(**told) for name, told in tomllib.loads(text).items()}


DRILLS: Mapping[str, Drill] = _load()


def drill_of(profile: str) -> Drill | None:
    """The drill that this profile is, or None: a real system is no drill.

    Args:
        profile: ``simulator`` or ``simulator:SCENARIO``.
    """
    word, _, scenario = profile.partition(":")
    return DRILLS.get(scenario or DEFAULT) if word == "simulator" else None
