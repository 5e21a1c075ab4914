"""Whole runs against the simulator in process, on a clock that is stepped: nothing here waits.

Every run that ends here is held against the truth that the simulator knows: no verdict of off over a living
process, and never a second changing call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.session.run import Run
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator, SteppedClock

PASSWORD = "canary-Pa55word/+ü{x}'\"<&"
API_KEY = "canary0apikey0f00d0cafe"
VENDORS_BODY = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
BESIDE = ("machine_snapshots", "node_queries", "vnet_queries")
SYSTEM = "5e" * 20
LONG_AGO = "2000-01-01T00:00:00Z"
# Most tests are about the last step alone; those of the ladder say start_at="poweroff".
ATTESTED = {"start_at": "override", "attest": "Jo tried Power Off and Kill Power at nine."}
LADDER = {"start_at": "poweroff", "attest": ""}
# How often a wait reads decides nothing, and each reading costs. The runs of the matrix read every second.
SPARSE = {"poll_s": 8.0}
SENTENCE = "Jo pulled the node's power and saw it dark."


class RunClock:
    """The simulator's stepped clock, as a run sees it.

    Attributes:
        set_by: by how much somebody has set our own clock forward, or back.
    """

    def __init__(self, stepped: SteppedClock) -> None:
        self.stepped = stepped
        self.set_by = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def now(self) -> float:
        return self.stepped.now() + self.set_by

    def monotonic(self) -> float:
        return self.stepped.now()

    def sleep(self, seconds: float) -> None:
        end = self.stepped.now() + max(0.0, seconds)
        for moment, action in sorted(self._due, key=lambda due: due[0]):
            if moment <= end:
                self._due.remove((moment, action))
                self.stepped.sleep(moment - self.stepped.now())
                action()
        self.stepped.sleep(end - self.stepped.now())

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let this happen once so much time has been slept."""
        self._due.append((self.stepped.now() + seconds, action))


class Rehearsal:
    """One simulated system and the runs against it.

    Args:
        outputs: where the runs' folders go.
        kind: how the runs log in.
    """

    def __init__(self, scenario: str, outputs: Path, *, kind: str = "basic", **options: Any) -> None:
        # One system, whichever test plays it: some begin where another one has left it.
        options = {"system_id": SYSTEM, **options}
        self.sim = Simulator(scenario, clock=SteppedClock(), password=PASSWORD, api_key=API_KEY, **options)
        self.clock = RunClock(self.sim.clock)
        self.outputs = outputs
        self.vm_name = self.sim.vm_name
        self.transport: httpx.BaseTransport = self.sim.transport()
        who, secret = (None, API_KEY) if kind == "bearer" else (self.sim.username, PASSWORD)
        self.profile = Profile("lab", "vergeos.example", Credentials(kind, who, Secret(secret)))
        self.others: list[Any] = []  # what somebody else sent to the simulator
        self.runs = 0
        self.folder = outputs

    @property
    def requests(self) -> list[Any]:
        """What reached the simulator."""
        return self.sim.requests

    def open(self, *, finish: bool = False, resume: bool = False, **params: Any) -> Run:
        """A run that is open and has done nothing yet.

        Args:
            resume: go on with the last run, whose process is gone.
        """
        if not resume:
            self.runs += 1
            self.folder = self.outputs / "2026-09-22" / f"run-{self.runs}"
            self.folder.mkdir(parents=True)
        options = read_parameters(
            "force_power_off", {"vm_name": self.vm_name, **SPARSE, **ATTESTED, **params}
        )
        return Run(
            "force_power_off",
            options,
            self.folder,
            finish_here=finish,
            clock=self.clock,
            transport=self.transport,
            profile=self.profile,
            resume=resume,
        )

    def run(
        self, *, before: Mapping[str, Callable[[], object]] | None = None, finish: bool = False, **params: Any
    ) -> RunState:
        """All steps in order.

        Args:
            before: what happens on the platform right before a step.
        """
        book = self.open(finish=finish, **params)
        for step in book.engine.steps:
            if before and step.id in before:
                before[step.id]()
            book.step(step.id)
        return self.end(book)

    def end(self, book: Run) -> RunState:
        """Close a run and hold what it says against the truth."""
        account = book.end()
        self.hold_to_truth(account)
        return account

    def hold_to_truth(self, account: RunState) -> None:
        vm = account.fact("vm")
        if account.verdict is VerdictValue.OFF:
            assert vm is not None, "a verdict on no VM"
            assert not self.sim.process_alive(vm["key"]), "the verdict says off over a living process"
        sent = self.changes(refused=False)
        kinds = {request[:2] + (request[2].get("action", request[2].get("query")),) for request in sent}
        assert len(sent) == len(kinds), sent
        allowed = self.rungs(vm["key"]) if vm else []
        assert [r for r in sent if r not in allowed and r[1] not in BESIDE] == [], sent

    def from_others(self, entry: Any) -> bool:
        """Whether somebody else sent it. A request of ours can be its equal, by a clock that stands still."""
        return any(entry is other for other in self.others)

    def changes(self, *, refused: bool = True) -> list[tuple[str, str, dict[str, Any]]]:
        """The runs' changing requests that reached the simulator, executed or not: method, path, body.

        Args:
            refused: also those that were answered 403, which a person may have sent again.
        """
        return [
            (entry.method, entry.path.removeprefix("/api/v4/"), json.loads(entry.body))
            for entry in self.sim.changing_requests()
            if not self.from_others(entry) and (refused or entry.status != 403)
        ]

    def rungs(self, vm: int) -> list[tuple[str, str, dict[str, Any]]]:
        """The requests of the three rungs for this VM, to the letter."""
        return [
            ("POST", "vm_actions", {"vm": vm, "action": "poweroff"}),
            ("POST", "vm_actions", {"vm": vm, "action": "kill"}),
            ("PUT", f"machine_status/{self.sim.world.vm(vm).status}", VENDORS_BODY),
        ]

    def approve(self, **params: Any) -> RunState:
        """A planning run, and then one that has its plan approved."""
        planned, what = self.run(**_planning(params)), dict(params)
        self.digest = planned.fact("plan_digest")
        self.planned = planned
        return self.run(**{"approve": self.digest, **what})

    def put_answers(self, **rule: Any) -> None:
        """Make the PUT go wrong in this way."""
        from vergeos_nb.simulator.faults.rules import Rule

        self.sim.faults.add(Rule("put", "PUT", "/api/v4/machine_status/*", **rule))

    def steps(self, account: RunState) -> dict[str, str]:
        """How each step ended."""
        return {result.step: result.outcome.value for result in account.results}


def _planning(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in params.items() if name not in ("before", "approve_until", "finish")
    }


def ending(account: RunState) -> tuple[str, str, int]:
    """Outcome, verdict and exit code."""
    return account.outcome.value, account.verdict.value, account.exit_code
