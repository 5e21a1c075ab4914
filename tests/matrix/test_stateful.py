"""Whatever the platform, the clocks, a second engineer and the network do between any two calls of a run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.matrix.held import BRIEF, calls_that_differ, codes_that_do_not_fit
from tests.rehearsal import SENTENCE, Rehearsal
from vergeos_nb.client.rows_behind_vm import asks_for_rows_behind
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.procedure.steps.identify import MOVING
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.session.run import Run
from vergeos_nb.simulator import Rule
from vergeos_nb.simulator.api.messages import Request
from vergeos_nb.simulator.world import life

SCENARIOS = ("stuck", "zombie", "deaf", "healthy", "kill_stuck", "node_dead", "slow")
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"snapshot": True, "snapshot_required": True},
    {"assertion": SENTENCE},
    {"probe_node": True, "up_to": "kill"},
    {"start_at": "override", "attest": "Jo tried both of them at nine.", "assertion": SENTENCE},
)
Event = Callable[["Stage"], object]


class Stage:
    """One system, the run against it, and all that can happen to both."""

    def __init__(self, scenario: str, folder: Path) -> None:
        self.run = Rehearsal(scenario, folder)
        self.vm = self.run.sim.world.vm("web-01")
        self.coming: list[tuple[int, Event]] = []
        self.alive_at: dict[int, bool] = {}
        self.wrong: list[str] = []
        self._seen = self._looked()
        self._first = self._seen
        self._calls = 0
        self._inner = self.run.sim.transport()
        self.run.transport = httpx.MockTransport(self._door)

    def soon(self, calls: int, event: Event) -> None:
        """Let this happen before one of the run's next calls."""
        self.coming.append((self._calls + 1 + calls, event))

    def stop_file(self) -> Path:
        return self.run.outputs / "STOP"

    def _door(self, request: httpx.Request) -> httpx.Response:
        self._calls += 1
        if request.method != "GET":
            self._guarded(request)
        for moment, event in list(self.coming):
            if moment <= self._calls:
                self.coming.remove((moment, event))
                event(self)
        try:
            return self._inner.handler(request)
        finally:
            self._seen = self._looked()
            self.alive_at[self._calls] = self.run.sim.process_alive(self.vm.key)

    def _looked(self) -> dict[str, Any]:
        """What is so when a call is over: a guard before the next one can know of it."""
        world = self.run.sim.world
        row, vm = world.status_of(self.vm.key), world.row("vms", self.vm.key)
        return {
            "stop": self.stop_file().exists(),
            "name": vm["name"],
            "started": row["started"],
            "moving": row["status"] in MOVING,
        }

    def _guarded(self, request: httpx.Request) -> None:
        """Before a changing call the guards have just looked: they must have seen nothing against it."""
        beside = request.url.path.rpartition("/")[2] == "node_queries"
        differs = [name for name in self._seen if self._seen[name] != self._first[name]]
        if "stop" in differs or (differs and not beside):
            self.wrong.append(f"{request.method} {request.url.path} was sent over {differs}")


def engineer(method: str, path: str, **body: Any) -> Event:
    """A second engineer sends this for the same VM."""

    def act(stage: Stage) -> None:
        keys = {"vm": stage.vm.key, "status": stage.vm.status}
        whole = {"vm": stage.vm.key, **body} if path == "vm_actions" else body
        sim = stage.run.sim
        auth = httpx.BasicAuth(sim.username, sim.password)._build_auth_header(sim.username, sim.password)
        content = json.dumps(whole).encode()
        sim.handle(Request(method, f"/api/v4/{path.format(**keys)}", "", {"Authorization": auth}, content))
        stage.run.others.append(sim.requests[-1])

    return act


def platform(act: Callable[[Any, Any], object]) -> Event:
    """Something happens to the VM on the platform's side."""
    return lambda stage: act(stage.run.sim.world, stage.vm)


def fault(method: str = "*", **spoilt: Any) -> Event:
    """The run's next request of this method goes wrong."""
    return lambda stage: stage.run.sim.faults.add(Rule("chance", method, nth=(1,), **spoilt))


def clock(seconds: float) -> Event:
    return lambda stage: stage.run.clock.stepped.advance(seconds)


def our_clock(seconds: float) -> Event:
    def act(stage: Stage) -> None:
        stage.run.clock.set_by += seconds

    return act


EVENTS: dict[str, Event] = {
    "poweron": engineer("POST", "vm_actions", action="poweron"),
    "poweroff": engineer("POST", "vm_actions", action="poweroff"),
    "kill": engineer("POST", "vm_actions", action="kill"),
    "reset": engineer("POST", "vm_actions", action="reset"),
    "hibernate": engineer("POST", "vm_actions", action="hibernate"),
    "migrate": engineer("POST", "vm_actions", action="migrate"),
    "renamed": engineer("PUT", "vms/{vm}", name="web-01-old"),
    "named back": engineer("PUT", "vms/{vm}", name="web-01"),
    "row says stopped": engineer(
        "PUT", "machine_status/{status}", running=False, status="stopped", state="offline"
    ),
    "row says running": engineer(
        "PUT", "machine_status/{status}", running=True, status="running", state="online"
    ),
    "process dies": platform(lambda world, vm: world.kill_process(vm.key)),
    "process revives": platform(lambda world, vm: world.revive_process(vm.key, node=2)),
    "a second copy": platform(
        lambda world, vm: life.HANDLERS["finish_start"](world, vm.machine, {"node": 3})
    ),
    "process ends in order": platform(lambda world, vm: life.end_process(world, vm.machine)),
    "restarted by HA": platform(lambda world, vm: life.HANDLERS["ha_restart"](world, vm.machine, {})),
    "node loses power": platform(lambda world, vm: world.take_node_down(1)),
    "node is cut off": platform(lambda world, vm: world.take_node_down(1, power=False)),
    "row is stale": platform(lambda world, vm: world.set_status_of(vm.key, **life.UNRESPONSIVE)),
    "a second": clock(1.0),
    "a minute": clock(61.0),
    "ten minutes": clock(600.0),
    "clock set back": our_clock(-3600.0),
    "clock set forward": our_clock(400.0),
    "stop": lambda stage: stage.stop_file().touch(),
    "go on": lambda stage: stage.stop_file().unlink(missing_ok=True),
    "500": fault(status=500),
    "503 for a change": fault("P*", status=503, execute=True),
    "403": fault(status=403),
    "409 for a change": fault("P*", status=409),
    "404": fault(status=404),
    "dropped": fault(drop="before"),
    "dropped after": fault(drop="after"),
    "cut off": fault("P*", drop="truncate"),
    "a page": fault(not_json=True),
    "too late": fault("P*", delay=3600.0),
}


@cache
def digest_for(scenario: str, number: int) -> str:
    """Of the plan of an undisturbed run; the same state gives the same plan wherever it is made."""
    with tempfile.TemporaryDirectory() as folder:
        run = Rehearsal(scenario, Path(folder))
        return str(run.run(**{**BRIEF, **OPTIONS[number]}).fact("plan_digest"))


class Everybody(RuleBasedStateMachine):
    """A run, step by step, among all the others."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stage: Stage | None = None
        self.book: Run | None = None
        self.next = 0

    @initialize(scenario=st.sampled_from(SCENARIOS), number=st.integers(0, len(OPTIONS) - 1))
    def open(self, scenario: str, number: int) -> None:
        self.stage = Stage(scenario, self.folder)
        options = {**BRIEF, "kill_wait_s": 3.0, **OPTIONS[number]}
        self.book = self.stage.run.open(**options, approve=digest_for(scenario, number))

    @rule(steps=st.integers(1, 6))
    @precondition(lambda self: self.book is not None)
    def go_on(self, steps: int) -> None:
        for step in STEPS[self.next : self.next + steps]:
            self.book.engine.run(step.id)
        self.next = min(self.next + steps, len(STEPS))

    @rule(step=st.sampled_from([step.id for step in STEPS]))
    @precondition(lambda self: self.book is not None)
    def run_again(self, step: str) -> None:
        self.book.engine.run(step)

    @rule(what=st.sampled_from(sorted(EVENTS)), calls=st.integers(0, 25))
    @precondition(lambda self: self.stage is not None)
    def meanwhile(self, what: str, calls: int) -> None:
        self.stage.soon(calls, EVENTS[what])

    @rule(what=st.sampled_from(sorted(EVENTS)))
    @precondition(lambda self: self.stage is not None)
    def now(self, what: str) -> None:
        EVENTS[what](self.stage)

    @rule(calls=st.integers(0, 60))
    @precondition(lambda self: self.stage is not None)
    def stop_soon(self, calls: int) -> None:
        self.stage.soon(calls, EVENTS["stop"])

    @rule(
        calls=st.integers(20, 60),
        what=st.sampled_from(["renamed", "hibernate", "migrate", "restarted by HA"]),
    )
    @precondition(lambda self: self.stage is not None)
    def drift_late(self, calls: int, what: str) -> None:
        self.stage.soon(calls, EVENTS[what])

    def teardown(self) -> None:
        try:
            if self.book is not None:
                self._hold(self.book, self.stage)
        finally:
            shutil.rmtree(self.folder)

    def _hold(self, book: Run, stage: Stage) -> None:
        for step in STEPS:
            book.engine.run(step.id)
        cut_short = run_state_of(read_journal(stage.run.folder / "journal.jsonl"))
        account = book.end()
        stage.run.sim.faults.clear()
        wrong = [
            *codes_that_do_not_fit(account),
            *calls_that_differ(stage.run, account, stage.vm.key),
            *_off_without_cause(account, stage),
            *stage.wrong,
        ]
        if cut_short.exit_code != 7 or cut_short.verdict is not account.verdict:
            wrong.append(f"before it was closed it ended {cut_short.exit_code}, {cut_short.verdict}")
        assert wrong == []


def _off_without_cause(account: RunState, stage: Stage) -> list[str]:
    """Off, though the process lived when the step that says so read its statistics for the last time."""
    if account.verdict is not VerdictValue.OFF:
        return []
    judged = [r for r in account.results if "verdict" in r.facts and r.step not in account.outdated][-1]
    read = [
        exchange.number
        for exchange in account.exchanges
        if (exchange.path.endswith("/machine_stats") or asks_for_rows_behind(exchange.path, exchange.query))
        and exchange.status == 200
        and not exchange.error
        and exchange.number <= judged.exchanges[-1].number
    ]
    return [f"{judged.step} says off over a living process"] if stage.alive_at[read[-1]] else []


LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EXAMPLES = 2_000 if LARGE else 60


# Sixty whole runs: on a busy machine they take longer than other tests may.
@pytest.mark.timeout(900)
def test_whatever_everybody_else_does_nothing_alive_is_called_off_and_nothing_is_sent_twice() -> None:
    run_state_machine_as_test(
        Everybody, settings=settings(max_examples=EXAMPLES, stateful_step_count=12, deadline=None)
    )


def test_a_second_engineer_s_equal_request_at_the_same_moment_is_told_from_ours() -> None:
    # By a clock that stands still the two entries of the simulator's log were equal, and both were left out.
    state = Everybody()
    state.open(scenario="stuck", number=0)
    state.go_on(steps=6)
    state.meanwhile(calls=15, what="kill")
    state.teardown()
