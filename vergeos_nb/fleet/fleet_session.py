"""One fleet run from its first line to its sealed record: apply a plan, or resume after a crash."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.finishing import finish_record
from vergeos_nb.archive.seal import newest_entries, waits_for_its_seal
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock
from vergeos_nb.errors import RecordError, Refused, VergeNbError
from vergeos_nb.fleet import fleet_steps
from vergeos_nb.fleet.apply import Fleet, Workers
from vergeos_nb.fleet.plan import FleetApproval, FleetPlan, approval_of
from vergeos_nb.fleet.progress import RUNBOOK, VmProgress, Where, note_run, progress, runs_of
from vergeos_nb.forwarding.follower import follow
from vergeos_nb.journal.header import open_journal
from vergeos_nb.journal.journal import RunJournal, append_after_death, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL, RECORD, ArchiveLayout
from vergeos_nb.lease.lease import Lease, Owner
from vergeos_nb.masking import masked
from vergeos_nb.procedure.engine.system_identity import in_words
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.record_folder import new_folder
from vergeos_nb.runner.recovery import recover
from vergeos_nb.session.run_lease import stop_wanted
from vergeos_nb.words import counted

# Longer than any pause between two renewals. A dead holder on this machine is detected at once.
LEASE_S = 180.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a fleet run ended."""

    folder: Path
    account: RunState
    states: Mapping[int, VmProgress]
    trouble: tuple[str, ...] = ()


@dataclass(slots=True)
class FleetSession:
    """Everything that a fleet run needs from outside.

    Attributes:
        workers: makes the crew that does the runs.
        wants_stop: returns a reason to stop from outside, such as a signal, or "".
        on_change: called whenever a VM starts or ends.
        scheduler: the address of the Dask scheduler, for the record; "" for none.
    """

    outputs: Path
    plan: FleetPlan
    operator: str
    profile: str
    clock: Clock
    scrubber: Scrubber
    workers: Callable[[RunJournal], AbstractContextManager[Workers]]
    wants_stop: Callable[[], str] = str
    on_change: Callable[[Fleet], None] = lambda fleet: None
    scheduler: str = ""

    def run(self, *, resume: bool, go_on: bool = False) -> Ended:
        """Apply the plan, or resume it.

        Args:
            resume: continue earlier runs of this plan. Without it, there must be no earlier run.
            go_on: earlier failures no longer count.

        Raises:
            Refused: the plan was applied before, or is being applied now; or there is nothing to resume.
            RecordError: the journal of an earlier run of this plan is damaged or gone. Nothing was begun.
        """
        with ExitStack() as stack:
            folder = new_folder(self.outputs, RUNBOOK, self.plan.digest[:12], self.clock.now())
            stack.callback(_remove_if_empty, folder)
            lease = self._lease(folder)
            stack.callback(lease.release)
            earlier = self._earlier(resume)
            begun = progress(self.outputs, self.plan.digest)
            self._seal_what_was_left(earlier, begun)
            following = follow(folder, settings.archive_settings().forward)
            journal = open_journal(
                folder,
                self.clock,
                self.scrubber,
                runbook=RUNBOOK,
                parameters={
                    "plan": self.plan.digest,
                    "profile": self.profile,
                    "operator": self.operator,
                    "ticket": self.plan.options.get("ticket", ""),
                    "reason": self.plan.options.get("reason", ""),
                    "scheduler": self.scheduler,
                },
                operator=self.operator,
                on_line=following.hear,
            )
            stack.callback(following.end)
            note_run(self.outputs, self.plan.digest, folder)
            states, crew = self._apply(journal, lease, begun, go_on, stack)
            if following.trouble:
                journal.write("not-forwarded", why=following.trouble)
            journal.write("run-ended")
            journal.close()
            following.end()
            trouble = crew.seal(folder) if crew else self._seal(folder)
            return Ended(folder, run_state_of(read_journal(folder / JOURNAL)), states, tuple(trouble))

    def _apply(
        self, journal: RunJournal, lease: Lease, begun: dict[int, VmProgress], go_on: bool, stack: ExitStack
    ) -> tuple[Mapping[int, VmProgress], Workers | None]:
        clock, plan, began = self.clock, self.plan, self.clock.now()
        policy = settings.load_policy()
        approval = approval_of(self.outputs, plan.digest)

        def stop() -> str:
            return self.wants_stop() or stop_wanted(policy, self.outputs)

        agreed = FleetApproval(plan, approval, self.operator, policy, clock, stop)

        def refusal() -> VergeNbError | None:
            # Renewed first, and in every round, so that it is kept while VMs still run after a stop.
            try:
                lease.renew()
            except Refused as lost:
                return lost
            return agreed.refusal()

        system = plan.plan.content["system"]
        label = f"{'SIMULATED' if system['simulated'] else 'REAL'} system (profile {system['profile']}, "
        label += f"{in_words(system)})"

        def end(step: StepResult) -> None:
            journal.write("step-ended", result=step.as_dict())

        refused = refusal()
        end(fleet_steps.plan_step(plan, approval, refused, label, began))
        # Reading back changes nothing, so it needs no approval.
        settled = self._settle(journal, begun)
        if settled:
            said = f"{settled} VMs were left open and read back; none was sent anything again."
            end(fleet_steps.result("settle", "Settle", label, (began, clock.now()), StepOutcome.PASSED, said))
        states: Mapping[int, VmProgress] = {
            vm.key: begun.get(vm.key, VmProgress(Where.WAITING)) for vm in plan.vms
        }
        if refused is not None or approval is None:
            return states, None
        before = 0 if go_on else sum(state.failed for state in begun.values())
        fleet = Fleet(
            plan,
            approval,
            self.operator,
            self.outputs,
            journal,
            clock,
            refusal,
            begun,
            before,
            self.on_change,
        )
        crew = stack.enter_context(self.workers(journal))
        began = clock.now()
        journal.write("step-began", step="apply", title="Apply")
        fleet.run(crew)
        self._settle(journal, fleet.states)
        failed = fleet.schedule.failed
        # A read-only step's result. The runs' own records hold their readings.
        said = f"Ended: {counted(sum(s.where is Where.ENDED for s in fleet.states.values()), 'VM')}."
        end(fleet_steps.result("apply", "Apply", label, (began, clock.now()), StepOutcome.PASSED, said))
        last = fleet_steps.confirm_step(
            plan, fleet.states, fleet.held_back, failed, label, (clock.now(), clock.now())
        )
        end(last)
        return fleet.states, crew

    def _seal(self, folder: Path) -> list[str]:
        try:
            finish_record(folder, self.scrubber)
        except RecordError as error:
            return [str(error)]
        return []

    def _earlier(self, resume: bool) -> list[Path]:
        asked = f"applying the fleet plan {self.plan.digest[:12]}…"
        earlier = runs_of(self.outputs, self.plan.digest)
        if earlier and not resume:
            hint = f"`vergeos-nb fleet status {self.plan.digest}`, then `fleet resume`"
            raise Refused(asked, "it was applied before", hint)
        if resume and not earlier:
            raise Refused(asked, "it was never applied", "use `vergeos-nb fleet apply`")
        return earlier

    def _seal_what_was_left(self, earlier: Sequence[Path], begun: Mapping[int, VmProgress]) -> None:
        """Make the records that are missing after a crash: of VMs' runs that had ended, and of fleet runs."""
        folders = [self.outputs.absolute() / vm.folder for vm in begun.values() if vm.where is Where.ENDED]
        left = (*folders, *earlier)
        sealed = newest_entries(self.outputs, {folder.name for folder in left}) if earlier else {}
        for folder in left:
            if not (folder / RECORD).exists() or waits_for_its_seal(folder, sealed):
                self._finish(folder)

    def _settle(self, journal: RunJournal, states: dict[int, VmProgress]) -> int:
        """Read back the state of every VM whose run is open, and make the run's record. Changes nothing."""
        count = 0
        for vm in self.plan.vms:
            state = states.get(vm.key)
            if state is None or not state.folder or state.where is Where.ENDED:
                continue
            if state.where is Where.WAITING:
                self._finish(self.outputs.absolute() / state.folder)
                continue
            folder = self.outputs.absolute() / state.folder
            try:
                self._give_back(folder / JOURNAL, state.missing)
                account = recover(folder, clock=self.clock).account
            except VergeNbError as error:
                said = state.headline or f"{error.asked}: {error.came_back}"
                states[vm.key] = replace(
                    state, outcome="interrupted", verdict="unknown", exit_code=7, headline=said, lost=True
                )
                continue
            count += 1
            states[vm.key] = VmProgress(
                Where.ENDED,
                state.folder,
                **account.end.as_dict(),
                headline=account.results[-1].summary if account.results else "",
            )
            journal.write(
                "vm-settled", key=vm.key, name=vm.name, folder=state.folder, **account.end.as_dict()
            )
        return count

    def _give_back(self, journal: Path, missing: Sequence[Mapping[str, Any]]) -> None:
        """Add the intents that only the fleet's journal has to the VM's journal, so that its record has them.

        Raises:
            RecordError: the journal is damaged, or has lost its first line.
        """
        if not run_state_of(read_journal(journal)).opened:
            raise RecordError(f"reading the journal {journal}", "its first line is lost", "look at the VM")
        for call in missing:
            append_after_death(journal, self.clock, "intent-kept", **call)

    def _finish(self, folder: Path) -> None:
        """Make and seal a record from its journal. The platform is not asked."""
        if not (folder / JOURNAL).exists():
            return
        try:
            recover(folder, ask=False, clock=self.clock)
        except VergeNbError:
            return  # `audit recover` tries again

    def _lease(self, folder: Path) -> Lease:
        owner = Owner(masked(self.operator), platform.node(), os.getpid(), folder.name)
        return Lease.take(
            ArchiveLayout(self.outputs.absolute()).leases,
            f"fleet plan {self.plan.digest}",
            owner,
            LEASE_S,
            self.clock,
        )


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder of a run that was refused before it had a journal."""
    with suppress(OSError):
        folder.rmdir()
