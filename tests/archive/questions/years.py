"""An archive of real runs over several VMs, days and people, on stepped clocks: the same each time."""

from __future__ import annotations

from pathlib import Path

from tests.fleet.stuck_fleet import StuckFleet, make_stuck
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import Named

DAY_S = 86_400.0


def years_of_runs(outputs: Path) -> Path:
    """Single runs with a plan each, and a fleet of which two VMs come back three days later."""
    session = Rehearsal("stuck", outputs)
    given = {**LADDER, "ticket": "INC-8", "reason": "hangs since nine"}
    digest = session.run(finish=True, operator="jo", **given).fact("plan_digest")
    session.clock.sleep(420)
    session.run(finish=True, operator="jo", approve=digest, approver="Kim", **given)
    fleet = StuckFleet(outputs, 3)
    # One at a time: the clock is everybody's, and would say how the threads met.
    one = Limits(1, 1, 1, 1)
    plan = fleet.plan(one, ticket="INC-9")
    fleet.approve(plan)
    fleet.apply(plan)
    fleet.clock.sleep(3 * DAY_S)
    make_stuck(fleet.sim, *fleet.names[:2])
    twice = [Named(name) for name in fleet.names[:2]]
    again = fleet.plan(one, twice, ticket="INC-10", settle_s=3.0)
    fleet.approve(again, approver="ada")
    fleet.apply(again)
    return outputs
