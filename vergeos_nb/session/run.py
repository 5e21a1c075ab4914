"""One run of one runbook in this process.

Joins the rooms: settings and client reach the system, the engine runs the steps, the journal writes them
down, the views show them.
"""

from __future__ import annotations

import atexit
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.archive.past_runs import PastRuns
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, SystemClock, from_iso
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.journal.header import open_journal, refuse_at_the_door, resume_journal, this_user
from vergeos_nb.journal.journal import OnLine, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import archive_of
from vergeos_nb.lease.lease import Owner
from vergeos_nb.masking import masked
from vergeos_nb.parameters import (
    RunParameters,
    SystemParameters,
    VmParameters,
)
from vergeos_nb.procedure.engine.case import SIMULATOR_HOST, ArchiveCase, Case, RunCase, SystemCase, Target
from vergeos_nb.procedure.engine.engine import Engine
from vergeos_nb.procedure.engine.system_identity import lease_names
from vergeos_nb.procedure.engine.written_result import result_from_dict
from vergeos_nb.procedure.runbooks.catalog import notebook_of, read_parameters, runbook_of
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.past_overrides import Capsules
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.session.connection import CallLog, Connect, connect_to
from vergeos_nb.session.run_lease import RunLease, stop_wanted
from vergeos_nb.settings.policy import Policy
from vergeos_nb.vergeos.rows import Exchange
from vergeos_nb.views.shown import Picture, RunStopped, Shown, StepView
from vergeos_nb.views.summary import summary_view

if TYPE_CHECKING:
    import httpx

APPROVAL_LASTS_S = 15 * 60.0
LONGEST_NAME_WORDS = 3


class Run:
    """One run of one runbook. Made by ``open_runbook``."""

    def __init__(
        self,
        name: str,
        options: RunParameters,
        folder: Path,
        *,
        finish_here: bool,
        clock: Clock | None = None,
        waits: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        profile: settings.Profile | None = None,
        on_line: OnLine | None = None,
        resume: bool = False,
        session: str = "",
        connect: Connect | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self._finish_here = finish_here
        self._clock = clock or SystemClock()
        self._waits = waits or self._clock
        self._closed = False
        self._numbered_from = 0
        self.profile_name = ""
        self.host = ""
        self._calls = CallLog()
        self._resources = ExitStack()
        self._policy = policy
        self._secrets: Callable[[], Sequence[str]] = tuple
        operator = options.operator or this_user()
        # Before the first line is written: a secret may have been typed into a parameter.
        self._scrubber = Scrubber(
            settings.secrets_of(profile) if profile else settings.secrets_known(_profile_named(options))
        )
        open_or_resume = resume_journal if resume else open_journal
        self.journal = open_or_resume(
            folder,
            self._clock,
            self._scrubber,
            runbook=name,
            parameters=options.model_dump(),
            operator=operator,
            session=session,
            on_line=on_line,
        )
        try:
            self.case = case = self._open(options, operator, profile, transport, connect)
            if resume:
                self._resume()
        except VergeNbError as error:
            self._resources.close()
            refuse_at_the_door(self.journal, self._clock, error)
            self._closed = True
            if finish_here:
                finish_record(name, folder, self._scrubber)
            raise
        self.engine = Engine(
            runbook_of(name).steps,
            case,
            system=case.system_label,
            sent_by=lambda: case.sent_by,
            clock=self._clock,
            journal=self.journal,
            calls=self._calls,
        )
        atexit.register(self._at_exit)

    def _open(
        self,
        options: RunParameters,
        operator: str,
        profile: settings.Profile | None,
        transport: httpx.BaseTransport | None,
        connect: Connect | None,
    ) -> RunCase:
        """The case of this run, with everything that it needs from outside."""
        kind = runbook_of(self.name).case
        if issubclass(kind, ArchiveCase):
            past = PastRuns(archive_of(self.folder).outputs)
            return kind(
                options=options, operator=operator, clock=self._clock, journal=self.journal, past=past
            )
        if not issubclass(kind, SystemCase):
            return kind(options=options, operator=operator, clock=self._clock, journal=self.journal)
        assert isinstance(options, SystemParameters)
        join = connect or connect_to(profile or settings.load_profile(options.profile), transport)
        connection = self._resources.enter_context(join(self._clock, self.journal.intent, self._on_exchange))
        opened = connection.profile
        self.profile_name, self.host = opened.name, opened.host
        self._secrets = connection.secrets
        self._scrubber.add((*settings.secrets_of(opened), *connection.secrets()))
        # Joined, and nothing was sent yet.
        settings.refuse_pieces(opened, _names_in(options, operator))
        target = target_of(opened)
        self.journal.write("profile", **asdict(target), source=opened.source)
        policy = self._policy or settings.load_policy()
        api = connection.platform
        if not issubclass(kind, Case):
            return kind(
                options=options,
                operator=operator,
                clock=self._waits,
                journal=self.journal,
                target=target,
                platform=api,
                policy=policy,
            )
        assert isinstance(options, VmParameters)
        paths = archive_of(self.folder)
        lease = RunLease(paths.leases, self._owner(operator), self._clock)
        case = kind(
            options=options,
            operator=operator,
            clock=self._waits,
            journal=self.journal,
            target=target,
            platform=api,
            policy=policy,
            plans=PlanShelf(paths.outputs, self._scrubber),
            lease=lease,
            stop_wanted=lambda: stop_wanted(policy, paths.outputs),
            approval=self._approval(options, operator),
            records=Capsules(paths.outputs),
        )
        lease.note = case.note

        def subjects() -> Sequence[str]:
            assert case.info is not None
            # By the host as it is reached, not by the plan's: two runs' own simulators are two systems.
            return lease_names(settings.normal_host(opened.host), case.info, case.known_vm().key.value)

        lease.subjects = subjects
        self._resources.callback(lease.release)
        return case

    def _owner(self, operator: str) -> Owner:
        return Owner(masked(operator), platform.node(), os.getpid(), self.folder.name)

    def _approval(self, options: VmParameters, operator: str) -> Approval | None:
        if not options.approve:
            return None
        now = self._clock.now()
        until = from_iso(options.approve_until) if options.approve_until else now + APPROVAL_LASTS_S
        return Approval(options.approve, options.approver or operator, now, until)

    def _resume(self) -> None:
        """Requests that an earlier process of this run has sent stay sent, and keep their numbers."""
        earlier = run_state_of(read_journal(self.journal.path))
        self._numbered_from = max((e.number for e in earlier.exchanges), default=0)
        if isinstance(self.case, Case):
            runbook = runbook_of(self.name)
            for call in earlier.changing_calls:
                if call.can_be_tried_again:
                    continue
                self.case.resume(runbook.latches_of(call.step))

    def _on_exchange(self, exchange: Exchange) -> None:
        self._scrubber.add(self._secrets())
        if self._numbered_from:
            exchange = replace(exchange, number=exchange.number + self._numbered_from)
        # First the journal: a result must not refer to a call that the journal lacks.
        self.journal.exchange(exchange)
        self._calls.add(exchange)

    def step(self, step_id: str) -> StepView:
        """Run a step and show how it ended; one that has passed is shown and not repeated.

        Raises:
            UsageError: the procedure has no such step.
            RecordError: the journal cannot be written; nothing is sent then.
        """
        return StepView(self.clean(self.engine.run(step_id)))

    def clean(self, result: StepResult) -> StepResult:
        """A result as it may be shown: as the journal holds it, without secrets."""
        data = self._scrubber.data(result.as_dict())
        return result_from_dict(data, {e.number: e for e in result.exchanges})

    def masked(self, text: str) -> str:
        """A text as it may be shown, without secrets."""
        return self._scrubber.text(text)

    def close(self) -> Shown:
        """End the run, show its summary, and make its record where no runner does that.

        Raises:
            RunStopped: the run did not end as asked. The record is made all the same.
            RecordError: the record could not be written.
        """
        from IPython.display import display

        account = self.end()
        view = Shown(summary_view(summary_of(account)))
        if self._finish_here:
            # A runner renders the notebook again. Here nothing else would show it.
            display(Picture(timeline_of(read_journal(self.journal.path).lines)))  # type: ignore[no-untyped-call]
        if account.exit_code:
            display(view)  # type: ignore[no-untyped-call]  # IPython has no annotation here
            raise RunStopped(summary_of(account).headline, account.exit_code)
        return view

    def change(self, changed: Mapping[str, Any]) -> None:
        """Take other values for some parameters, and write down which.

        Raises:
            UsageError: a value is not valid; then all values stay unchanged.
        """
        before = self.case.options.model_dump()
        options = read_parameters(self.name, {**before, **changed}, undecided=True)
        after = options.model_dump()
        differs = {name: value for name, value in after.items() if value != before[name]}
        if differs:
            self.case.options = options
            self.case.operator = options.operator or self.case.operator
            self.journal.write("parameters", changed=differs)

    def end(self) -> RunState:
        """End the run and make its record where no runner does that. Can be repeated.

        Raises:
            RecordError: the record could not be written.
        """
        if not self._closed:
            self._closed = True
            atexit.unregister(self._at_exit)
            self._resources.close()
            self.journal.write("run-ended")
            self.journal.close()
            if self._finish_here:
                return finish_record(self.name, self.folder, self._scrubber)
        return run_state_of(read_journal(self.journal.path))

    def _at_exit(self) -> None:
        """The kernel ends and nobody closed the run: make the record as far as possible."""
        if self._closed:
            return
        self._closed = True
        self._resources.close()
        # Nobody is left to be told of a full disk.
        with suppress(RecordError):
            self.journal.write("interrupted", step="", by="the end of the kernel")
            self.journal.close()
            if self._finish_here:
                finish_record(self.name, self.folder, self._scrubber)

    def __repr__(self) -> str:
        return f"<runbook {self.name}, record {self.folder}>"


def finish_record(name: str, folder: Path, scrubber: Scrubber) -> RunState:
    """Make and seal the record of a run that has ended, where no runner does that.

    Raises:
        RecordError: it could not be made, or not be sealed.
    """
    from vergeos_nb.archive.closing import close_record
    from vergeos_nb.nb import nbformat

    return close_record(folder, nbformat.read(notebook_of(name), as_version=4), scrubber)


def _names_in(options: SystemParameters, operator: str) -> dict[str, str]:
    """The names by which the record is found, each under its description."""
    people = {"operator's name": operator, "ticket": options.ticket}
    if isinstance(options, VmParameters):
        people["approver's name"] = options.approver
    # Longer it is a sentence that a password was typed into, and can be read without it.
    names = {what: name for what, name in people.items() if len(name.split()) <= LONGEST_NAME_WORDS}
    return names | ({"VM's name": options.vm_name} if isinstance(options, VmParameters) else {})


def _profile_named(options: RunParameters) -> str | None:
    return options.profile if isinstance(options, SystemParameters) else None


def target_of(profile: settings.Profile) -> Target:
    """The system behind a profile, as plans and records show it."""
    credentials = profile.credentials
    who = "nobody"
    if credentials is not None:
        who = credentials.username or "the owner of a token or API key"
    if not profile.verify:
        tls = "NOT VERIFIED: anybody on the way can read and change this"
    elif profile.ca_file:
        tls = "verified against the profile's own authority"
    else:
        tls = "verified"
    host = SIMULATOR_HOST if profile.kind == "simulator" else settings.normal_host(profile.host)
    return Target(profile.name, host, profile.kind, who, tls, profile.verify, profile.warnings)
