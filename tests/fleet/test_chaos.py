"""Fleets that are killed at any request, on a platform that fails anyhow, and that are then resumed.

Between two of their lives a disk can lose what a VM's own journal held.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet import mortal
from tests.fleet.mortal import Mortal
from tests.fleet.stuck_fleet import StuckFleet
from tests.fleet.test_fleet import hold_to_truth
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import VergeNbError
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import RUNBOOK, Where, progress
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.layout import JOURNAL
from vergeos_nb.simulator.faults.rules import Rule

FAILURES: tuple[dict[str, Any], ...] = (
    {"drop": "before"},
    {"drop": "after"},
    {"status": 500},
    {"status": 500, "execute": True},
    {"status": 403},
    {"status": 404},
    {"body": "[]"},
    {"not_json": True},
)
PATHS = ("/api/v4/machine_status*", "/api/v4/vm_actions", "/api/v4/machine_stats", "/api/v4/vms*", "*")
RULES = st.builds(
    lambda method, path, nth, how: Rule("chaos", method, path, nth=tuple(nth), **how),
    st.sampled_from(["GET", "PUT", "POST"]),
    st.sampled_from(PATHS),
    st.sets(st.integers(1, 12), min_size=1, max_size=3),
    st.sampled_from(FAILURES),
)


@dataclass(frozen=True)
class Chance:
    """What befalls a fleet: it dies at this request, whose call may have been carried out; and what else.

    Attributes:
        damage: what befalls the journals of the VMs that a death left with a changing call.
    """

    at: int
    carried_out: bool
    at_once: int
    rungs: bool
    rules: list[Rule]
    damage: Callable[[Path], None] | None = None


SHARES = st.floats(0, 1, exclude_max=True)
DAMAGES = st.one_of(
    st.none(),
    st.sampled_from(
        [mortal.empty, mortal.remove, mortal.remove_folder, mortal.cut_before_its_intent,
         mortal.without_its_intent]
    ),
    SHARES.map(lambda share: partial(mortal.cut, share=share)),
    SHARES.map(lambda share: partial(mortal.overwrite, share=share)),
)  # fmt: skip
CHANCES = st.builds(
    Chance,
    st.integers(1, 200),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.booleans(),
    st.lists(RULES, max_size=2),
    DAMAGES,
)


def go_on(fleet: StuckFleet, plan: FleetPlan) -> None:
    """Apply, or resume what was begun."""
    begun = any(fleet.outputs.glob(f"*/*-{RUNBOOK}-*/{JOURNAL}"))
    fleet.apply(plan, resume=begun, go_on=True)


def lives_through(folder: Path, chance: Chance) -> None:
    """Apply, die, resume until every VM has ended; hold it all against the truth."""
    fleet = StuckFleet(folder, 4)
    begin_above: dict[str, Any] = {"start_at": "poweroff", "attest": ""} if chance.rungs else {}
    plan = fleet.plan(Limits(chance.at_once, 4, 4, 4), **begin_above)
    fleet.approve(plan, lasts_s=1e6)
    count = itertools.count(1)
    way = Mortal(fleet, lambda request: next(count) == chance.at, carried_out=chance.carried_out)
    damaged: set[Path] = set()
    fleet.sim.faults.clear()
    fleet.sim.faults.add(*chance.rules)
    for _ in range(2):
        # As when nobody could be asked to log in.
        with suppress(VergeNbError):
            go_on(fleet, plan)
        way.revive()
        for journal in mortal.unsealed_with_an_intent(fleet.outputs) if chance.damage else ():
            assert chance.damage is not None
            chance.damage(journal)
            damaged.add(journal.parent)
    fleet.inner = way.way
    fleet.sim.faults.clear()
    go_on(fleet, plan)
    hold_to_truth(fleet)
    for vm in plan.vms:
        state = progress(fleet.outputs, plan.digest)[vm.key]
        # Of one whose journal was damaged nobody may ever know more; it is open then, and never waits.
        may_be = {Where.ENDED, Where.OPEN} if fleet.outputs / state.folder in damaged else {Where.ENDED}
        assert state.where in may_be, vm.name
    assert verify(fleet.outputs).findings == ()


# Whole fleets that compute all the time: on a busy machine that is many minutes, and no sign of a hang.
@pytest.mark.timeout(1800)
@settings(max_examples=6)
@given(CHANCES)
def test_whenever_a_fleet_dies_it_is_gone_on_with_and_nothing_is_sent_twice(
    tmp_path_factory: pytest.TempPathFactory, chance: Chance
) -> None:
    lives_through(tmp_path_factory.mktemp("chaos") / "outputs", chance)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@settings(max_examples=500)
@given(CHANCES)
def test_however_often_a_fleet_dies_nothing_is_sent_twice(
    tmp_path_factory: pytest.TempPathFactory, chance: Chance
) -> None:
    folder = tmp_path_factory.mktemp("chaos")
    lives_through(folder / "outputs", chance)
    shutil.rmtree(folder)
