"""Where a step is, how a step and a run ended, and the role of a step in its run."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class StepState(StrEnum):
    """Where a step is."""

    WAITING = "waiting"  # a step before it has not ended
    READY = "ready"  # it can be run now
    RUNNING = "running"
    ENDED = "ended"


class StepOutcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    NOTHING_TO_DO = "nothing-to-do"  # its goal is reached already
    REFUSED = "refused"  # a guard said no
    FAILED = "failed"
    UNKNOWN = "unknown"  # what happened, or what holds, cannot be told
    SKIPPED = "skipped"  # a step before it did not open the way


class RunOutcome(StrEnum):
    """How a run ended."""

    PLANNED = "planned"  # no approval was given, so nothing was changed
    DONE = "done"
    NOTHING_TO_DO = "nothing-to-do"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"


# The task of a step in its run, in this order: open the connection, find the VM and its rows, judge the
# evidence, make the plan, send a change, read back its effect.
Role = Literal["connect", "identify", "judge", "plan", "act", "confirm"]
