"""A simulated fleet of which many VMs are stuck, and fleet runs over it on a clock that is stepped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.rehearsal import RunClock
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.fleet import plan as plans
from vergeos_nb.fleet.apply import Fleet
from vergeos_nb.fleet.crew import Crew
from vergeos_nb.fleet.fleet_session import Ended, FleetSession
from vergeos_nb.fleet.plan import FleetPlan, find_plan
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import FleetVm, Named, resolve
from vergeos_nb.fleet.system import FleetSystem, open_system
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.settings.policy import Policy
from vergeos_nb.simulator import Simulator, SteppedClock
from vergeos_nb.simulator.scenarios.process_scenarios import stuck

SHORT: dict[str, Any] = {
    "sample_gap_s": 2.0,
    "poll_s": 1.0,
    "poweroff_wait_s": 3.0,
    "kill_wait_s": 3.0,
    "settle_s": 2.0,
    "confirm_timeout_s": 12.0,
}
ATTESTED = {"start_at": "override", "attest": "Jo tried Power Off and Kill Power at nine."}


def make_stuck(sim: Simulator, *names: str) -> None:
    """Let these VMs be stuck like the scenario's."""
    for name in names:
        stuck(sim.world, next(r for r in sim.world.tables["vms"].values() if r["name"] == name))


class StuckFleet:
    """``web-01`` and so many more VMs, all stuck: plan, approve, apply, resume."""

    def __init__(self, outputs: Path, count: int = 4) -> None:
        self.outputs = outputs.absolute()
        self.stepped = SteppedClock(1_790_100_000.0)
        self.clock = RunClock(self.stepped)
        self.sim = Simulator("stuck", vms=count * 2, clock=self.stepped, system_id="5e" * 20)
        self.names = tuple(f"vm-{n:05d}" for n in range(1, count * 2) if n % 10)[:count]
        make_stuck(self.sim, *self.names)
        self.profile = Profile(
            "lab", "vergeos.example", Credentials("basic", self.sim.username, Secret(self.sim.password))
        )
        self.inner = self.sim.transport()
        # Called with every request before it is carried out; may raise in place of it.
        self.before: Callable[[httpx.Request], None] = lambda request: None
        self.transport = httpx.MockTransport(self._door)
        self.peak = 0
        self.starts: list[str] = []

    def _door(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        return self.inner.handler(request)

    def system(self) -> Any:
        return open_system(self.profile, self.clock, self.transport)

    def plan(self, limits: Limits | None = None, named: Sequence[Named] = (), **options: Any) -> FleetPlan:
        """A kept plan for all of them, or for these."""
        given = {**SHORT, **ATTESTED, "profile": "lab", **options}
        with self.system() as system:
            vms = resolve(system.inventory(), named or [Named(name) for name in self.names])
            shelf = PlanShelf(self.outputs)
            connect = system.connect(vms)

            def plan_it(vm: FleetVm) -> plans.Planned:
                return plans.plan_one(vm, given, connect, system.target, shelf, Policy(), self.clock, "ada")

            # One after the other: a stepped clock is everybody's.
            planned = plans.plan_fleet(vms, plan_it, system.reader.upcoming, at_once=1)
            whole = plans.fleet_plan(planned, given, limits or Limits(4, 4, 4, 1), system.told)
        shelf.keep(whole)
        return find_plan(self.outputs, whole.digest)

    def approve(self, plan: FleetPlan, approver: str = "grace", lasts_s: float = 3600.0) -> None:
        plans.approve(self.outputs, plan.digest, approver, self.clock, self.clock.now() + lasts_s)

    def apply(self, plan: FleetPlan, *, resume: bool = False, go_on: bool = False, **more: Any) -> Ended:
        """Apply or resume. Records are made in the runs' own threads, unless a `recorder` is asked for."""
        with self.system() as system:
            return self.session(plan, system, **more).run(resume=resume, go_on=go_on)

    def session(
        self, plan: FleetPlan, system: FleetSystem, *, recorder: bool = False, **more: Any
    ) -> FleetSession:
        def crew(journal: Any) -> Crew:
            return Crew(
                plan.limits.at_once,
                system.connect(plan.vms),
                self.clock,
                lambda: (self.sim.password,),
                system.reader.upcoming,
                outputs=self.outputs,
                recorder=recorder,
            )

        return FleetSession(
            **{
                "outputs": self.outputs,
                "plan": plan,
                "operator": "ada",
                "profile": "lab",
                "clock": self.clock,
                "scrubber": Scrubber((self.sim.password,)),
                "workers": crew,
                "on_change": self._look,
                **more,
            }
        )

    def _look(self, fleet: Fleet) -> None:
        self.peak = max(self.peak, len(fleet.schedule.running))

    def changes(self) -> list[tuple[str, str, Any]]:
        """Every changing request that reached the simulator."""
        return [
            (entry.method, entry.path.removeprefix("/api/v4/"), json.loads(entry.body))
            for entry in self.sim.changing_requests()
        ]

    def alive(self) -> list[str]:
        return [name for name in self.names if self.sim.process_alive(self.sim.world.vm(name).key)]
