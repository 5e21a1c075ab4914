"""Fleets that are killed at any request, on a platform that fails anyhow, and that are then resumed."""

from __future__ import annotations

import itertools
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet.stuck_fleet import StuckFleet
from tests.fleet.test_fleet import hold_to_truth
from vergeos_nb.audit.journal import NAME as JOURNAL
from vergeos_nb.audit.verify import verify
from vergeos_nb.errors import VergeNbError
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import RUNBOOK, Where, progress
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.session import LEASE_S
from vergeos_nb.simulator.faults import Rule

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
    """What befalls a fleet: it dies at this request, whose call may have been carried out; and what else."""

    at: int
    carried_out: bool
    at_once: int
    rungs: bool
    rules: list[Rule]


CHANCES = st.builds(
    Chance,
    st.integers(1, 200),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.booleans(),
    st.lists(RULES, max_size=2),
)


class Mortal:
    """A way to the simulator on which the caller's process dies: nothing gets through afterwards.

    Attributes:
        left: what was on its disk in that moment, once it has died.
        way: the simulator's own, for whoever lives on.
    """

    def __init__(self, fleet: StuckFleet, chance: Chance) -> None:
        self.left: Path | None = None
        self.way = fleet.inner
        self._fleet = fleet
        self._chance = chance
        self._count = itertools.count(1)
        # The copy is of one moment: no request is carried out while it is made.
        self._lock = threading.Lock()

    def handler(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if self.left is not None:
                raise httpx.ConnectError("dead", request=request)
            if next(self._count) != self._chance.at:
                return self.way.handler(request)
            if self._chance.carried_out:
                self.way.handler(request)
            left = self._fleet.outputs.with_suffix(".left")
            shutil.copytree(self._fleet.outputs, left)
            self.left = left
            raise httpx.ConnectError("dead", request=request)

    def revive(self) -> None:
        """Begin anew with what was on the disk. Leases of the dead have ended by then."""
        if self.left is not None:
            shutil.rmtree(self._fleet.outputs)
            self.left.rename(self._fleet.outputs)
            self.left = None
        self._fleet.stepped.advance(LEASE_S + 1)


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
    mortal = Mortal(fleet, chance)
    fleet.inner = mortal  # type: ignore[assignment]
    fleet.sim.faults.clear()
    fleet.sim.faults.add(*chance.rules)
    for _ in range(2):
        # As when nobody could be asked to log in.
        with suppress(VergeNbError):
            go_on(fleet, plan)
        mortal.revive()
    fleet.inner = mortal.way
    fleet.sim.faults.clear()
    go_on(fleet, plan)
    hold_to_truth(fleet)
    where = {vm.name: progress(fleet.outputs, plan.digest)[vm.key].where for vm in plan.vms}
    assert where == dict.fromkeys(where, Where.ENDED)
    assert verify(fleet.outputs).findings == ()


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
