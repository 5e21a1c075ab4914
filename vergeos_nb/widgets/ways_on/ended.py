"""What the closing card shows of a run that is over, and the ways on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.settings import ServedFile


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook that waits to be opened and run.

    Attributes:
        served: as the page finds it; None if no page is known to.
    """

    file: Path
    served: ServedFile | None


@dataclass(frozen=True, slots=True)
class WayOn:
    """One thing to do after the run.

    Attributes:
        verb: what its button says.
        name: of the button, for style sheets and tests.
        prepare: makes the notebook in which it is done; takes time; raises a `VergeNbError` if it fails.
    """

    verb: str
    name: str
    prepare: Callable[[], Prepared]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over.

    Attributes:
        kept: the bundle that a saved notebook keeps.
        shown: the live card's HTML.
    """

    kept: Mapping[str, str]
    shown: str
    ways: Sequence[WayOn] = ()
