"""Make the case of a run: the class that its runbook names, with everything that it needs from outside."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.archive.questions.past_runs import PastRuns
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.client.transport.wire import OnExchange
from vergeos_nb.clock import Clock, from_iso
from vergeos_nb.journal.journal import RunJournal
from vergeos_nb.layout import archive_of
from vergeos_nb.lease.lease import Owner
from vergeos_nb.masking import masked
from vergeos_nb.parameters import RunParameters, SystemParameters, VmParameters
from vergeos_nb.procedure.engine.case import SIMULATOR_HOST, ArchiveCase, Case, RunCase, SystemCase, Target
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.engine.system_identity import lease_names
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.record.past_overrides import Capsules
from vergeos_nb.session.connection import Connect
from vergeos_nb.session.run_lease import RunLease, stop_wanted
from vergeos_nb.settings.policy import Policy

APPROVAL_LASTS_S = 15 * 60.0
LONGEST_NAME_WORDS = 3


@dataclass
class CaseMaker:
    """Makes the case of one run.

    Attributes:
        resources: closed when the run ends: the connection, and the lease.
        policy: replaces this machine's policy.
        profile: the profile of the run's system, if its runbook asks a system.
        secrets: returns all texts that must not be written, as far as the connection knows them.
    """

    folder: Path
    journal: RunJournal
    scrubber: Scrubber
    clock: Clock
    waits: Clock
    resources: ExitStack
    policy: Policy | None
    profile: settings.Profile | None = None
    secrets: Callable[[], Sequence[str]] = tuple

    def make(
        self,
        runbook: Runbook,
        options: RunParameters,
        operator: str,
        connect: Connect,
        on_exchange: OnExchange,
    ) -> RunCase:
        """The case. A run against a system is connected to it. Nothing is sent yet.

        Raises:
            SettingsError: the profile or the policy cannot be used.
        """
        kind = runbook.case
        needs: dict[str, Any] = {"options": options, "operator": operator, "clock": self.waits}
        if issubclass(kind, ArchiveCase):
            needs["past"] = PastRuns(archive_of(self.folder).outputs)
        if issubclass(kind, SystemCase):
            needs |= self._system(options, operator, connect, on_exchange)
        if issubclass(kind, Case):
            needs |= self._vm(options, operator, needs["policy"])
        case = kind(runbook=runbook.name, journal=self.journal, **needs)
        if isinstance(case, Case):
            self._lease(case, needs["lease"])
        return case

    def _system(
        self, options: RunParameters, operator: str, connect: Connect, on_exchange: OnExchange
    ) -> dict[str, Any]:
        assert isinstance(options, SystemParameters)
        connection = self.resources.enter_context(connect(self.clock, self.journal.intent, on_exchange))
        self.profile = opened = connection.profile
        self.secrets = connection.secrets
        self.scrubber.add((*settings.secrets_of(opened), *self.secrets()))
        settings.refuse_pieces(opened, _names_in(options, operator))
        target = target_of(opened)
        self.journal.write("profile", **asdict(target), source=opened.source)
        policy = self.policy or settings.load_policy()
        measured = PlatformFiles(archive_of(self.folder).outputs, self.clock, self.folder.name, self.scrubber)
        return {
            "target": target,
            "platform": connection.platform,
            "policy": policy,
            "measured": measured,
        }

    def _vm(self, options: RunParameters, operator: str, policy: Policy) -> dict[str, Any]:
        assert isinstance(options, VmParameters)
        paths = archive_of(self.folder)
        owner = Owner(masked(operator), platform.node(), os.getpid(), self.folder.name)
        return {
            "plans": PlanShelf(paths.outputs, self.scrubber),
            "lease": RunLease(paths.leases, owner, self.clock),
            "stop_wanted": lambda: stop_wanted(policy, paths.outputs),
            "approval": self._approval(options, operator),
            "records": Capsules(paths.outputs),
        }

    def _lease(self, case: Case, lease: RunLease) -> None:
        def subjects() -> Sequence[str]:
            assert case.info is not None
            assert self.profile is not None
            # By the host of the connection, not of the plan: all built-in simulators have one host in plans.
            return lease_names(settings.normal_host(self.profile.host), case.info, case.known_vm().key.value)

        lease.note, lease.subjects = case.note, subjects
        self.resources.callback(lease.release)

    def _approval(self, options: VmParameters, operator: str) -> Approval | None:
        if not options.approve:
            return None
        now = self.clock.now()
        until = from_iso(options.approve_until) if options.approve_until else now + APPROVAL_LASTS_S
        return Approval(options.approve, options.approver or operator, now, until)


def _names_in(options: SystemParameters, operator: str) -> dict[str, str]:
    """The names by which people search for the record, by their descriptions."""
    people = {"operator's name": operator, "ticket": options.ticket}
    if isinstance(options, VmParameters):
        people["approver's name"] = options.approver
    # A longer text is a sentence. If it holds a password, the record masks it and can still be read.
    names = {what: name for what, name in people.items() if len(name.split()) <= LONGEST_NAME_WORDS}
    return names | ({"VM's name": options.vm_name} if isinstance(options, VmParameters) else {})


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
