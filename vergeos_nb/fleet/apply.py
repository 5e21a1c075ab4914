"""Apply an approved fleet plan: start VMs by the schedule, let each have its own run, and write down both.

One thread decides what starts. Before a VM begins, the fleet's journal names the folder of its run, on disk.
Before a changing call of a VM is sent, its intent is on disk in the VM's own journal and in the fleet's. So
`resume` knows from the journals alone what may have been sent, even if a VM's own journal is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from vergeos_nb.clock import Clock, iso
from vergeos_nb.errors import VergeNbError
from vergeos_nb.fleet.plan import PROCEDURE, FleetPlan
from vergeos_nb.fleet.progress import VmProgress, Where
from vergeos_nb.fleet.schedule import Schedule
from vergeos_nb.journal.journal import OnLine, RunJournal
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.record.record_folder import new_folder

# Seconds between two checks for a stop file, the end of a window, or a signal, while VMs run.
LOOK_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VmJob:
    """One VM's run, ready to begin. Plain data, so that a worker elsewhere can do it.

    Attributes:
        folder: its record's folder.
    """

    at: int
    key: int
    machine: int
    folder: Path
    parameters: Mapping[str, Any]


class Workers(Protocol):
    """The crew that does the runs."""

    def submit(self, job: VmJob, on_line: OnLine) -> Future[VmProgress]:
        """Begin one. Its future returns the run's end, or raises if the end is unknown.

        Args:
            on_line: called with each line of the run's journal when the line is on disk here. For an intent
                this is before its call is sent. If it raises, the call is not sent.
        """

    def upcoming(self, machines: frozenset[int]) -> None:
        """Take note of the machines of the VMs that run or may start next."""

    def seal(self, folder: Path) -> Sequence[str]:
        """Make and seal the fleet run's own record, after the records of its runs. Called once, at the end.

        Returns:
            Why records could not be made, one text for each.
        """


@dataclass(slots=True)
class Fleet:
    """One fleet run.

    Attributes:
        refusal: the reason why nothing may start now, or None.
        begun: the VMs of earlier runs of this plan, by key. Those that ended are not begun again.
        failed_before: how many of them count as failures.
        on_change: called whenever a VM starts or ends, and when no more VMs will start. An exception from it
            is logged and otherwise ignored.
    """

    plan: FleetPlan
    approval: Approval
    operator: str
    outputs: Path
    journal: RunJournal
    clock: Clock
    refusal: Callable[[], VergeNbError | None]
    begun: Mapping[int, VmProgress] = field(default_factory=dict)
    failed_before: int = 0
    on_change: Callable[[Fleet], None] = lambda fleet: None
    states: dict[int, VmProgress] = field(default_factory=dict)
    held_back: VergeNbError | None = None
    schedule: Schedule = field(init=False)

    def __post_init__(self) -> None:
        self.states = {vm.key: self.begun.get(vm.key, VmProgress(Where.WAITING)) for vm in self.plan.vms}
        self.schedule = Schedule(self.plan.places, self.plan.limits)
        self.schedule.waiting = [
            at for at, vm in enumerate(self.plan.vms) if self.states[vm.key].where is Where.WAITING
        ]
        self.schedule.failed = self.failed_before

    def run(self, crew: Workers) -> None:
        """Start what may start until nothing runs and nothing will start."""
        running: dict[Future[VmProgress], int] = {}
        while not self.schedule.over:
            # Called in each round, because it also renews the plan's lease while the last runs end.
            refused = self.refusal()
            if refused is not None and self.held_back is None:
                self.held_back = refused
                self._changed()
            while self.held_back is None and (at := self.schedule.next()) is not None:
                running[self._start(at, crew)] = at
            if not running:
                break
            done, _ = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._end(running.pop(future), future)

    def _changed(self) -> None:
        try:
            self.on_change(self)
        except Exception as error:  # an observer decides nothing
            _log.warning("what the fleet does cannot be shown: %r", error)

    def _start(self, at: int, crew: Workers) -> Future[VmProgress]:
        vm = self.plan.vms[at]
        folder = new_folder(self.outputs, PROCEDURE, vm.name, self.clock.now(), within_run=True)
        path = folder.relative_to(self.outputs.absolute()).as_posix()
        self.journal.write(
            "vm-began",
            key=vm.key,
            name=vm.name,
            folder=path,
            plan=self.plan.digests[at],
            # Older fleet runs have no `vm-intent` lines, so there a missing intent proves nothing.
            keeps_intents=True,
        )
        self.states[vm.key] = VmProgress(Where.RUNNING, path)
        soon = [*self.schedule.running, *self.schedule.waiting[: self.schedule.width]]
        crew.upcoming(frozenset(self.plan.vms[one].machine for one in soon))
        parameters = {
            **self.plan.options,
            "vm_name": vm.name,
            "vm_key": vm.key,
            "approve": self.plan.digests[at],
            "approver": self.approval.approver,
            "approve_until": iso(self.approval.until),
            "operator": self.operator,
        }
        self._changed()
        return crew.submit(VmJob(at, vm.key, vm.machine, folder, parameters), partial(self._keep, at, path))

    def _keep(self, at: int, folder: str, line: Mapping[str, Any]) -> None:
        """Copy a run's intents into the fleet's journal. Called by the threads of the runs."""
        if line["event"] == "intent":
            vm, call = self.plan.vms[at], {name: line[name] for name in ("method", "path", "body")}
            self.journal.write("vm-intent", key=vm.key, name=vm.name, folder=folder, **call)

    def _end(self, at: int, future: Future[VmProgress]) -> None:
        vm = self.plan.vms[at]
        path = self.states[vm.key].folder
        try:
            state = future.result()
        except Exception as error:  # the other VMs continue, and the state of this one is unknown
            said = f"{type(error).__name__}: {error}"
            self.journal.write("vm-lost", key=vm.key, name=vm.name, folder=path, by=said)
            state = VmProgress(Where.OPEN, path, "interrupted", "unknown", 7, said, lost=True)
        self.states[vm.key] = state
        self.schedule.ended(at, not state.failed)
        self.journal.write(
            "vm-ended",
            key=vm.key,
            name=vm.name,
            folder=path,
            outcome=state.outcome,
            verdict=state.verdict,
            exit_code=state.exit_code,
            headline=state.headline,
        )
        self._changed()
