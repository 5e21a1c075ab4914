"""A VM that is forced off, and the runs that follow, in process and on a stepped clock."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

from tests.rehearsal import ATTESTED, SPARSE, VENDORS_BODY, Rehearsal
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.session.run import Run

SIX = ("running", "migratable", "status", "state", "powerstate", "node")
_runs = itertools.count(1)
# What a forced power-off left behind, by scenario: many tests begin with the same one.
_FORCED: dict[str, tuple[Any, ...]] = {}


class FollowUp(Rehearsal):
    """Runs of every runbook against one simulated system."""

    def __init__(self, scenario: str, outputs: Path, **options: Any) -> None:
        super().__init__(scenario, outputs, **options)
        self.options = options
        # A run may be over another VM, and must not touch this one then.
        self.subject = self.sim.world.vm(self.vm_name)

    def open(self, runbook: str = "force_power_off", *, finish: bool = False, **params: Any) -> Run:
        """A run that is open and has done nothing yet."""
        self.folder = self.outputs / "2026-09-22" / f"run-{next(_runs)}"
        self.folder.mkdir(parents=True)
        defaults = ATTESTED if runbook == "force_power_off" else {}
        options = read_parameters(runbook, {"vm_name": self.vm_name, **SPARSE, **defaults, **params})
        return Run(
            runbook,
            options,
            self.folder,
            finish_here=finish,
            clock=self.clock,
            transport=self.transport,
            profile=self.profile,
        )

    def follow(self, runbook: str, *, before: Any = None, finish: bool = False, **params: Any) -> RunState:
        """All steps of a runbook in order.

        Args:
            before: what happens on the platform right before a step.
        """
        book = self.open(runbook, finish=finish, **params)
        for step in book.engine.steps:
            if before and step.id in before:
                before[step.id]()
            book.step(step.id)
        return self.end(book)

    def force(self) -> str:
        """Force the VM off. Returns the record's id."""
        name = self.sim.scenario.name
        if not self.options and name in _FORCED:
            return self._as_forced(*_FORCED[name])
        self.former = self.six()
        digest = self.run().fact("plan_digest")
        account = self.run(finish=True, approve=digest)
        assert (account.outcome, account.verdict) == ("done", "off")
        self.sent_before = len(self.changes())
        if not self.options:
            files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
            _FORCED[name] = (
                copy.deepcopy(self.sim.dump()),
                self.clock.now(),
                self.former,
                self.folder.name,
                files,
            )
        return self.folder.name

    def _as_forced(
        self, state: dict[str, Any], now: float, former: dict[str, Any], record: str, files: dict[str, bytes]
    ) -> str:
        """As another test has left it, record and all."""
        self.clock.sleep(now - self.clock.now())
        self.sim.load(copy.deepcopy(state))
        self.former, self.sent_before = former, 0
        self.folder = self.outputs / "2026-09-22" / record
        self.folder.mkdir(parents=True)
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        return record

    def restore(self, record: str, **params: Any) -> RunState:
        """Plan the undo and apply it."""
        planning = {name: params[name] for name in params if name not in ("before", "approver", "finish")}
        self.planned = self.follow("restore_status", record=record, **planning)
        digest = self.planned.fact("plan_digest")
        return self.follow("restore_status", record=record, approve=digest, **params)

    def watch(self, **params: Any) -> RunState:
        """A watch, which changes nothing."""
        return self.follow("watch_after_power_off", **params)

    def start(self, **params: Any) -> RunState:
        """Watch, plan the start, watch again and apply it."""
        planning = {name: params[name] for name in params if name not in ("before", "finish")}
        self.planned = self.watch(power_on=True, **planning)
        return self.watch(power_on=True, approve=self.planned.fact("plan_digest"), **params)

    def sent_since(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The changing requests since the VM was forced off."""
        return self.changes()[self.sent_before :]

    def six(self) -> dict[str, Any]:
        """The fields of the row that an override touches or may touch."""
        row = self.sim.world.status_of(self.vm_name)
        return {name: row[name] for name in SIX}

    def hold_to_truth(self, account: RunState) -> None:
        vm = self.subject
        if account.verdict is VerdictValue.OFF:
            key = account.fact("vm")["key"]
            assert not self.sim.process_alive(key), "the verdict says off over a living process"
        assert self.sim.process_copies(self.vm_name) <= 1, "two copies on one disk"
        sent = self.changes()
        assert all(sent.count(request) == 1 for request in sent), f"sent twice: {sent}"
        for method, path, body in sent:
            if method == "POST":
                assert path == "vm_actions"
                assert body == {"vm": vm.key, "action": body["action"]}
            else:
                assert (method, path) == ("PUT", f"machine_status/{vm.status}")
                former = getattr(self, "former", {})
                assert body in (VENDORS_BODY, former, {name: former.get(name) for name in VENDORS_BODY})
