"""How often a row is written, from several looks at it. Pure.

A platform setting reads "flush the application framework database every 5000 ms" (vendor's settings). We take
it that rows are written only so often. So a row is looked at for several times as long, and a single write
proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from vergeos_nb.vergeos.learned import Written
from vergeos_nb.words import counted

FLUSH_S = 5.0
"""Seconds between two writes of the platform's tables, according to its settings."""

AT_LEAST_S = 2 * FLUSH_S
"""Seconds. In a shorter time, a row that was not written proves nothing."""

GOES_ON = 2
"""How many writes are needed before a row counts as regularly written."""

Habit = Literal["written", "not written", "no row", "mixed", "unclear"]


class Rhythm(Struct, frozen=True):
    """How often a row was written while it was looked at.

    Attributes:
        there: in how many of the looks there was a row.
        writes: how often its time of writing had moved.
        over_s: from the first look to the last one, by the platform's clock.
        longest_gap_s: the longest time between two writes; None where fewer than two were seen.
        oldest_s: the greatest age of the row at a look; None if it was never there.
    """

    there: int
    looks: int
    writes: int
    over_s: float
    longest_gap_s: float | None
    oldest_s: float | None

    @property
    def habit(self) -> Habit:
        """Whether the row is written regularly."""
        if not self.there:
            return "no row"
        if self.writes >= GOES_ON:
            return "written"
        return "not written" if not self.writes and self.over_s >= AT_LEAST_S else "unclear"


def rhythm(looks: Sequence[tuple[float, bool, int | None]]) -> Rhythm:
    """The rhythm of one row.

    Args:
        looks: for each look the time, whether the row was there, and when it says that it was written.
    """
    times = [at for _, there, at in looks if there and at is not None]
    ages = [max(0.0, looked_at - at) for looked_at, there, at in looks if there and at is not None]
    gaps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    over_s = looks[-1][0] - looks[0][0] if looks else 0.0
    return Rhythm(
        there=sum(there for _, there, _ in looks),
        looks=len(looks),
        writes=len(gaps),
        over_s=over_s,
        longest_gap_s=max(gaps) if len(gaps) >= GOES_ON else None,
        oldest_s=max(ages) if ages else None,
    )


def status_rhythm(looks: Sequence[Written]) -> Rhythm:
    """The rhythm of one machine's status row."""
    return rhythm([(one.looked_at, one.running is not None, one.status_at) for one in looks])


def stats_rhythm(looks: Sequence[Written]) -> Rhythm:
    """The rhythm of one machine's stats row."""
    return rhythm([(one.looked_at, one.has_stats, one.stats_at) for one in looks])


def together(rhythms: Iterable[Rhythm]) -> Habit:
    """The habit of several rows, or ``mixed``. Unclear ones count only if all are unclear."""
    habits = {one.habit for one in rhythms}
    if len(habits) > 1:
        habits.discard("unclear")
    return habits.pop() if len(habits) == 1 else "mixed" if habits else "unclear"


def in_words(rhythms: Sequence[Rhythm]) -> str:
    """The counts in words."""
    if not rhythms:
        return "no such machine"
    writes = ", ".join(str(one.writes) for one in rhythms)
    over_s = max(one.over_s for one in rhythms)
    gone = sum(not one.there for one in rhythms)
    absent = f"; {gone} without a row" if gone else ""
    seen = f"{counted(len(rhythms), 'row')} looked at {counted(rhythms[0].looks, 'time')} in {over_s:.0f} s"
    return f"{seen}, written {writes} times{absent}"
