"""The methods that a plan does not open, so that a person knows before approving it. Pure."""

from __future__ import annotations

from msgspec import Struct

from vergeos_nb.parameters import RUNGS, Rung
from vergeos_nb.procedure.engine.case import ForceOptions
from vergeos_nb.procedure.values.step_tables import STAYS_CLOSED
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue

TITLES: dict[Rung, str] = {"poweroff": "Power off", "kill": "Kill power", "override": "Force power off"}

ONLY_ASSUMED = "only its record or log looks alive, which is assumed to be life"


class StaysClosed(Struct, frozen=True):
    """One method that stays closed under a plan.

    Attributes:
        way_on: what a person can do to open it.
        needs: the parameter that needs a text for that, or "".
    """

    method: Rung
    because: str
    way_on: str
    needs: str = ""

    @property
    def words(self) -> str:
        """A sentence for the person who is about to approve."""
        return f"As it stands, this plan does not open {TITLES[self.method]}: {self.because}; {self.way_on}."


def stays_closed(options: ForceOptions, verdict: Verdict) -> tuple[StaysClosed, ...]:
    """The methods that this plan does not open, by its parameters and the present evidence."""
    if options.up_to != "override":
        because = f"it goes no further than {TITLES[options.up_to]}"
        further = RUNGS[RUNGS.index(options.up_to) + 1 :]
        return tuple(
            StaysClosed(rung, because, f"plan again with up_to={rung} to open it") for rung in further
        )
    way_on = "make sure at the node, and plan again with the parameter assertion: who checked, and how"
    if verdict.only_assumed_life:
        if options.assertion:
            return ()
        return (StaysClosed("override", ONLY_ASSUMED, way_on, needs="assertion"),)
    if verdict.value is VerdictValue.ALIVE:
        because = "the process lives, and while it lives no approval opens it"
        return (StaysClosed("override", because, "Power Off and Kill Power may end it, or its node can"),)
    if verdict.value is VerdictValue.UNKNOWN and not options.assertion:
        because = "nothing shows whether the process is gone"
        return (StaysClosed("override", because, way_on, needs="assertion"),)
    return ()


def closed_table(closed: tuple[StaysClosed, ...]) -> Table:
    """The same as rows."""
    return STAYS_CLOSED.table(*((TITLES[one.method], one.because, one.way_on) for one in closed))
