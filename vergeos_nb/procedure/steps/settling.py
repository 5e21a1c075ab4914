"""Wait for a change to settle: a condition must hold for the settle time."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from vergeos_nb.errors import AuthError
from vergeos_nb.procedure.steps.watching import Watch
from vergeos_nb.vergeos.rows import MachineStatus


class Ending(StrEnum):
    """How a wait ended."""

    SETTLED = "settled"  # the condition held for the settle time
    DECIDED = "decided"  # a reading showed that waiting longer is of no use
    TIMED_OUT = "timed out"
    STOPPED = "stopped"  # somebody wants the run to stop
    UNREADABLE = "unreadable"  # the platform no longer lets us read


class Look(Struct, frozen=True):
    """What a reading says about the condition.

    Attributes:
        holds: the state that holds, or None. If another state holds, the settle time starts again.
        trouble: why it does not hold.
        decides: whether the wait ends here.
    """

    holds: Any = None
    trouble: str = ""
    decides: bool = False


class Wait(Struct, frozen=True):
    """How long to wait.

    Attributes:
        settle_s: how long the condition must hold.
        begins_s: the wait ends if the condition does not hold by then.
        ends_s: the wait ends then, even if the condition holds.
        begins: what the run waits for until the condition holds, in words.
        holds: what the run waits for afterwards.
    """

    settle_s: float
    begins_s: float
    ends_s: float
    begins: str
    holds: str


class Settling(Struct, frozen=True):
    """How a wait ended.

    Attributes:
        held: whether the condition had held for the settle time at the end.
        stop: who wants the run to stop, or "".
    """

    ending: Ending
    wait: Wait
    held: bool = False
    stop: str = ""

    def trouble(self, not_held: str, before: str) -> str:
        """Why the wait ended before the condition settled, or "" if the readings themselves say it.

        Args:
            not_held: such as "the row has not stayed stopped".
            before: what had not happened when somebody stopped the run, such as "it had settled".
        """
        if self.ending is Ending.STOPPED:
            return f"{self.stop} says stop before {before}"
        if self.ending is Ending.TIMED_OUT and not self.held:
            return f"{not_held} for {self.wait.settle_s:g} s"
        return ""


def settle(
    watch: Watch,
    wait: Wait,
    look: Callable[[MachineStatus, bool], Look],
    progress: Callable[[float | None], str],
    enough: Callable[[], bool] | None = None,
) -> Settling:
    """Read until the condition has held for the settle time, or something else ends the wait.

    Reads only. A failed reading does not end the wait. ``watch.trouble`` says why the last reading failed, or
    why the condition does not hold.

    Args:
        look: judges a reading. Its argument is whether the condition held until now.
        progress: what to report between two readings. Its argument is since when the condition holds.
        enough: what else must be true when the condition has held long enough; by default that the last
            reading has no trouble.
    """
    try:
        ended = _settled(watch, wait, look, progress, enough)
        watch.rest()
        return ended
    except AuthError as error:
        watch.trouble = f"the reading back failed: {error.came_back}"
        return Settling(Ending.UNREADABLE, wait)


def _settled(
    watch: Watch,
    wait: Wait,
    look: Callable[[MachineStatus, bool], Look],
    progress: Callable[[float | None], str],
    enough: Callable[[], bool] | None,
) -> Settling:
    since: float | None = None
    state: Any = None
    while True:
        stop = watch.read()
        if watch.last is not None and not watch.trouble:
            seen = look(watch.last, since is not None)
            watch.trouble = seen.trouble
            if seen.decides:
                return Settling(Ending.DECIDED, wait)
            if seen.holds is None:
                since = None
            elif since is None or seen.holds != state:
                since, state = watch.elapsed, seen.holds
        held = since is not None and watch.elapsed - since >= wait.settle_s
        if held and (enough() if enough else not watch.trouble):
            return Settling(Ending.SETTLED, wait, held)
        if watch.elapsed >= (wait.begins_s if since is None else wait.ends_s):
            return Settling(Ending.TIMED_OUT, wait, held)
        if stop:
            return Settling(Ending.STOPPED, wait, held, stop)
        why = wait.begins if since is None else wait.holds
        ends_s = wait.begins_s if since is None else since + wait.settle_s
        watch.pause(progress(since), wait.ends_s, why, ends_s)
