"""The observations of a run about a platform, by name. The steps of the runbook share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from msgspec import Struct

from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.values.protocols import Learnable
from vergeos_nb.procedure.values.step_tables import OBSERVATIONS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.vergeos.learned import TableSeen


class Observation(Struct, frozen=True):
    """One thing that was seen on the platform.

    Attributes:
        value: a short word that a program can compare.
        how: how it was seen, in a sentence.
    """

    name: str
    value: str
    how: str


class LearnOptions(Protocol):
    """The parameters that these steps read. Their runbook may take more."""

    watch_s: float
    look_s: float
    stop_wait_s: float


@dataclass(slots=True, kw_only=True)
class LearnCase(Case):
    """One run that finds out how a platform behaves.

    Attributes:
        seen: the observations so far, by name. A later one of the same name replaces the earlier one.
        tables: the tables that were looked at.
        was_running: whether the test VM ran before this run sent anything; None until it was looked at.
    """

    platform: Learnable
    seen: dict[str, Observation] = field(default_factory=dict)
    tables: tuple[TableSeen, ...] = ()
    was_running: bool | None = None

    def learn_options(self) -> LearnOptions:
        """The parameters of a runbook that learns."""
        return cast(LearnOptions, self.options)

    def observe(self, name: str, value: str, how: str) -> Observation:
        """Keep an observation."""
        self.seen[name] = one = Observation(name, value, how)
        return one


def observations_table(seen: Mapping[str, Observation], names: tuple[str, ...] = ()) -> Table:
    """Observations as rows, in the order in which they were made; only these names if any are given."""
    return OBSERVATIONS.table(
        *((one.name, one.value, one.how) for one in seen.values() if not names or one.name in names)
    )


def as_facts(seen: Mapping[str, Observation]) -> dict[str, Any]:
    """Observations as plain JSON, for the facts of a step."""
    return {one.name: {"value": one.value, "how": one.how} for one in seen.values()}
