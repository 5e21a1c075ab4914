"""What a notebook's cells call: open a runbook, run its steps, close it.

Joins the rooms: settings and client reach the system, the engine runs the steps, the journal writes them
down, the views show them. Headless, no widget is even constructed.
"""

from __future__ import annotations

import atexit
import inspect
import os
import platform
import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.audit.account import Account, account_of
from vergeos_nb.audit.capsules import Capsules
from vergeos_nb.audit.journal import read_journal
from vergeos_nb.audit.lease import Lease, Owner
from vergeos_nb.audit.opening import open_journal, refuse_at_the_door, this_user
from vergeos_nb.audit.plans import PlanShelf
from vergeos_nb.audit.summary import summary_of
from vergeos_nb.client import VergeApi, Wire
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, SystemClock, from_iso
from vergeos_nb.errors import RecordError, UsageError, VergeNbError
from vergeos_nb.parameters import VmRun, read_parameters, schema_of
from vergeos_nb.policy import Policy
from vergeos_nb.procedure.case import Case, Target
from vergeos_nb.procedure.catalog import PROCEDURES
from vergeos_nb.procedure.engine import Engine
from vergeos_nb.procedure.model import Approval, StepResult, result_from_dict
from vergeos_nb.records import Exchange
from vergeos_nb.standin import open_profile
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.frames import frames
from vergeos_nb.views.summary import summary_view

if TYPE_CHECKING:
    import httpx
    import pandas as pd

APPROVAL_LASTS_S = 15 * 60.0
# Longer than any pause of a waiting run, which renews it at each reading.
LEASE_S = 180.0


class RunStopped(Exception):  # noqa: N818 — it says how the run ended, which need not be an error
    """Ends the notebook of a run that was not done as asked, so that whoever scheduled it sees it fail."""

    def __init__(self, headline: str, exit_code: int) -> None:
        super().__init__(headline, exit_code)
        self.headline = headline
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.headline} (exit code {self.exit_code})"

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: the frames of this package would tell the person on call nothing.
        return [f"Run stopped: {self}"]


class Shown:
    """Something a cell shows as one MIME bundle."""

    def __init__(self, bundle: Mapping[str, str]) -> None:
        self._bundle = dict(bundle)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._bundle

    def __repr__(self) -> str:
        return self._bundle["text/plain"]


class StepView(Shown):
    """A step's result as a cell shows it. ``frames`` holds its tables and calls as DataFrames."""

    def __init__(self, result: StepResult) -> None:
        super().__init__(static_view(result))
        self.result = result

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The step's tables by name, and its API calls under ``calls``."""
        return frames(self.result)


class RunLease:
    """The lease of the run's VM: taken when it is first needed, given back at the end."""

    def __init__(self, folder: Path, owner: Owner, clock: Clock) -> None:
        self.subject: Callable[[], str] = str
        self.note: Callable[[str], None] = lambda text: None
        self._folder = folder
        self._owner = owner
        self._clock = clock
        self._held: Lease | None = None

    def renew(self) -> None:
        """Take the lease, or keep it for another while.

        Raises:
            Refused: somebody else holds it.
        """
        if self._held is None:
            self._held = Lease.take(self._folder, self.subject(), self._owner, LEASE_S, self._clock)
            if self._held.taken_over_from:
                self.note(f"the lease was taken over from {self._held.taken_over_from}: see its record")
        else:
            self._held.renew()

    def release(self) -> None:
        """Give it back, if it is held."""
        if self._held is not None:
            self._held.release()
            self._held = None


def stop_wanted(policy: Policy, outputs: Path) -> str:
    """Who says stop, in words, or "": the policy's stop file, or one called ``STOP`` in the archive."""
    if settings.stopped_by(policy):
        return f"the stop file {policy.stop_file} of the policy"
    path = outputs / "STOP"
    return f"the stop file {path}" if path.exists() else ""


class CallLog:
    """The run's API calls, on their way to the journal."""

    def __init__(self) -> None:
        self._calls: list[Exchange] = []

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, exchange: Exchange) -> None:
        """Keep one call."""
        self._calls.append(exchange)

    def since(self, start: int, /) -> Sequence[Exchange]:
        """The calls from this position on."""
        return tuple(self._calls[start:])


class Runbook:
    """One run of one runbook. Made by ``open_runbook``."""

    def __init__(
        self,
        name: str,
        options: VmRun,
        folder: Path,
        *,
        finish_here: bool,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        profile: settings.Profile | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self._finish_here = finish_here
        self._clock = clock or SystemClock()
        self._closed = False
        self._calls = CallLog()
        self._resources = ExitStack()
        operator = options.operator or this_user()
        # Before the first line is written: a secret may have been typed into a parameter.
        self._scrubber = Scrubber(
            settings.secrets_of(profile) if profile else settings.secrets_known(options.profile)
        )
        self.journal = open_journal(
            folder,
            self._clock,
            self._scrubber,
            runbook=name,
            parameters=options.model_dump(),
            operator=operator,
        )
        try:
            case = self._open(options, operator, profile, transport)
        except VergeNbError as error:
            self._resources.close()
            refuse_at_the_door(self.journal, self._clock, error)
            self._closed = True
            if finish_here:
                _finish(name, folder, self._scrubber)
            raise
        self.engine = Engine(
            PROCEDURES[name],
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
        options: VmRun,
        operator: str,
        profile: settings.Profile | None,
        transport: httpx.BaseTransport | None,
    ) -> Case:
        wanted = profile or settings.load_profile(options.profile)
        opened = wanted if transport else self._resources.enter_context(open_profile(wanted))
        self._scrubber.add(settings.secrets_of(opened))
        wire = self._resources.enter_context(
            Wire(
                opened,
                clock=self._clock,
                on_intent=self.journal.intent,
                on_exchange=self._on_exchange,
                transport=transport,
            )
        )
        self._wire = wire
        target = _target(opened)
        self.journal.write("profile", **asdict(target), source=opened.source)
        policy = settings.load_policy()
        outputs = self.folder.parent.parent
        lease = RunLease(outputs / "leases", self._owner(operator), self._clock)
        case = Case(
            options=options,
            target=target,
            operator=operator,
            platform=VergeApi(wire),
            clock=self._clock,
            journal=self.journal,
            plans=PlanShelf(outputs, self._scrubber),
            policy=policy,
            lease=lease,
            stop_wanted=lambda: stop_wanted(policy, outputs),
            approval=self._approval(options, operator),
            records=Capsules(outputs),
        )
        # By the host as it is reached, not by the plan's: two runs' own simulators are two systems.
        lease.note = case.note
        lease.subject = lambda: f"{opened.host} vm {case.known_vm().key}"
        self._resources.callback(lease.release)
        return case

    def _owner(self, operator: str) -> Owner:
        return Owner(operator, platform.node(), os.getpid(), self.folder.name)

    def _approval(self, options: VmRun, operator: str) -> Approval | None:
        if not options.approve:
            return None
        now = self._clock.now()
        until = from_iso(options.approve_until) if options.approve_until else now + APPROVAL_LASTS_S
        return Approval(options.approve, options.approver or operator, now, until)

    def _on_exchange(self, exchange: Exchange) -> None:
        self._scrubber.add(self._wire.secrets)
        # First the journal: a result must not speak of a call that it does not hold.
        self.journal.exchange(exchange)
        self._calls.add(exchange)

    def step(self, step_id: str) -> StepView:
        """Run a step and show how it ended; one that has passed is shown and not repeated.

        Raises:
            UsageError: the procedure has no such step.
            RecordError: the journal cannot be written; nothing is sent then.
        """
        result = self.engine.run(step_id)
        # What is shown is what the journal holds: without secrets, and nothing more.
        clean = self._scrubber.data(result.as_dict())
        return StepView(result_from_dict(clean, {e.number: e for e in result.exchanges}))

    def close(self) -> Shown:
        """End the run, show its summary, and make its record where no runner does that.

        Raises:
            RunStopped: the run did not end as asked. The record is made all the same.
            RecordError: the record could not be written.
        """
        account = self._end()
        view = Shown(summary_view(summary_of(account)))
        if account.exit_code:
            from IPython.display import display

            display(view)  # type: ignore[no-untyped-call]  # IPython has no annotation here
            raise RunStopped(summary_of(account).headline, account.exit_code)
        return view

    def _end(self) -> Account:
        if not self._closed:
            self._closed = True
            atexit.unregister(self._at_exit)
            self._resources.close()
            self.journal.write("run-ended")
            self.journal.close()
            if self._finish_here:
                return _finish(self.name, self.folder, self._scrubber)
        return account_of(read_journal(self.journal.path))

    def _at_exit(self) -> None:
        """The kernel ends and nobody closed the run: make what record there can be."""
        if self._closed:
            return
        self._closed = True
        self._resources.close()
        # Nobody is left to be told of a full disk.
        with suppress(RecordError):
            self.journal.write("interrupted", step="", by="the end of the kernel")
            self.journal.close()
            if self._finish_here:
                _finish(self.name, self.folder, self._scrubber)

    def __repr__(self) -> str:
        return f"<runbook {self.name}, record {self.folder}>"


def open_runbook(name: str, namespace: Mapping[str, Any]) -> Runbook:
    """Open a run of a runbook with the parameters that the notebook's namespace holds.

    Args:
        name: the runbook, such as ``force_power_off``.
        namespace: ``globals()`` of the notebook; names that are no parameter are left alone, but headless,
            where nobody would see a slip, an unknown one refuses.

    Raises:
        UsageError: a parameter is unknown, missing or mistyped, or the profile cannot be used. No call has
            been made then, and the refusal has a record.
    """
    from vergeos_nb.audit.record import new_folder

    schema_of(name)
    clock = SystemClock()
    ours = settings.run_dir()
    subject = str(namespace.get("vm_name", ""))
    folder = ours or new_folder(settings.outputs_dir(), name, subject, clock.now())
    try:
        options = read_parameters(name, _given(name, namespace))
    except UsageError as error:
        given = {key: value for key, value in _given(name, namespace).items() if _plain(value)}
        scrubber = Scrubber(settings.secrets_known(namespace.get("profile")))
        journal = open_journal(folder, clock, scrubber, runbook=name, parameters=given, operator=this_user())
        refuse_at_the_door(journal, clock, error)
        if ours is None:
            _finish(name, folder, scrubber)
        raise
    return Runbook(name, options, folder, finish_here=ours is None, clock=clock)


def _finish(name: str, folder: Path, scrubber: Scrubber) -> Account:
    import nbformat

    from vergeos_nb.audit.closing import close_record
    from vergeos_nb.runbook_files import runbook_path

    return close_record(folder, nbformat.read(runbook_path(name), as_version=4), scrubber)


def _given(name: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema_of(name).model_fields
    given = {key: namespace[key] for key in fields if key in namespace}
    if not settings.is_live():
        given |= {
            key: value for key, value in namespace.items() if key not in fields and _is_slip(key, value)
        }
    return given


def _is_slip(name: str, value: Any) -> bool:
    """Whether a name in the notebook looks like a parameter that was meant."""
    if name.startswith("_") or name in ("In", "Out"):
        return False
    return _plain(value) and not isinstance(value, types.ModuleType) and not inspect.isroutine(value)


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)


def _target(profile: settings.Profile) -> Target:
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
    host = "simulator" if profile.kind == "simulator" else profile.host
    return Target(profile.name, host, profile.kind, who, tls, profile.verify, profile.warnings)
