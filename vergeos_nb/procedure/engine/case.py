"""The state of one run, which all steps of a procedure share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

from vergeos_nb.clock import Clock
from vergeos_nb.parameters import (
    ConfirmingParameters,
    Rung,
    RunParameters,
    SystemParameters,
    VmParameters,
)
from vergeos_nb.procedure.evidence.sample import Sample, Subject, cannot_be_read
from vergeos_nb.procedure.evidence.witness import SILENCE_S
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.procedure.values.past_run import Past
from vergeos_nb.procedure.values.protocols import Journal, MeasuredSystems, Plans, Platform, Records, VmLease
from vergeos_nb.procedure.values.votes import Verdict
from vergeos_nb.procedure.values.wait_report import BETWEEN_READINGS, WaitReport
from vergeos_nb.settings.policy import Policy
from vergeos_nb.vergeos.assumptions import NOTHING_MEASURED, ROWS_COME_TOGETHER, PlatformKnowledge
from vergeos_nb.vergeos.rows import (
    NO_ROWS,
    LogLine,
    MachineKey,
    NodeState,
    StatusKey,
    SystemInfo,
    Vm,
    VmNow,
)

# The name of the host if the profile is the built-in simulator.
SIMULATOR_HOST = "simulator"


@dataclass(frozen=True, slots=True)
class Target:
    """The system that the run's profile names.

    Attributes:
        profile: the profile's name.
        host: host and port, or ``simulator`` if the run has its own simulator, because its port differs from
            run to run.
        kind: the kind of system that the profile claims.
        who: the user name, or the way to authenticate if there is none.
        tls: how the server's certificate is checked, in words.
        verified: whether the certificate is checked.
        warnings: what the user should know about this profile, one sentence each.
    """

    profile: str
    host: str
    kind: Literal["simulator", "configured"]
    who: str
    tls: str
    verified: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class RunCase:
    """The state of a run of any kind.

    Attributes:
        runbook: the runbook's name. A plan holds it as its procedure.
        sent_by: the last step that sent a changing call, or "".
    """

    runbook: str
    options: RunParameters
    operator: str
    clock: Clock
    journal: Journal
    sent_by: str = ""

    def system_label(self) -> str:
        """The system in words."""
        return "no system is asked"

    def note(self, text: str, wait: WaitReport | None = None) -> None:
        """Report progress during a long wait, in words and as data."""
        self.journal.write("note", text=text, **({} if wait is None else {"wait": wait.as_dict()}))

    def wait(self, seconds: float, why: str, last: Sample | None = None) -> None:
        """Wait. First report this, with what was read last."""
        read = {} if last is None else last.in_short()
        report = WaitReport(why, seconds, self.clock.now() + seconds, read)
        self.note(f"waiting {seconds:g} s: {why}", report)
        self.clock.sleep(seconds)


class ForceOptions(Protocol):
    """The parameters that the steps of a forced power-off use. Their runbook can have more."""

    start_at: Rung
    up_to: Rung
    attest: str
    assertion: str
    poweroff_wait_s: float
    kill_wait_s: float
    snapshot: bool
    snapshot_required: bool
    snapshot_days: int


@dataclass(slots=True, kw_only=True)
class ArchiveCase(RunCase):
    """The state of a run over the archive."""

    past: Past

    def system_label(self) -> str:
        """What this run reads."""
        return "the archive; no system is asked"


@dataclass(slots=True, kw_only=True)
class SystemCase(RunCase):
    """The state of a run on a system.

    Attributes:
        knowledge: which assumptions were measured on it.
        measured: where measurements of systems are kept; None if they are not kept.
    """

    options: SystemParameters
    target: Target
    platform: Platform
    policy: Policy
    info: SystemInfo | None = None
    knowledge: PlatformKnowledge = NOTHING_MEASURED
    measured: MeasuredSystems | None = None

    def system_label(self) -> str:
        """The system in words, simulated or real first. Before it has answered, as the profile claims."""
        simulated = self.info.simulated if self.info else self.target.kind == "simulator"
        kind = "SIMULATED" if simulated else "REAL"
        cloud = f", cloud {self.info.cloud_name}" if self.info else ""
        loud = "" if self.target.verified else ", TLS NOT VERIFIED"
        return f"{kind} system (profile {self.target.profile}, host {self.target.host}{cloud}){loud}"

    @property
    def silence_s(self) -> float:
        """The seconds that two readings must be apart to show silence. A simulator shows changes at once."""
        return 0.0 if self.info is not None and self.info.simulated else SILENCE_S

    def server_clock(self, ours: float) -> float:
        """The platform's time at this time of our clock, if Connect could measure the difference."""
        skew = self.info.clock_skew_s if self.info else None
        return ours + (skew or 0.0)


@dataclass(slots=True, kw_only=True)
class Case(SystemCase):
    """The state of a run for one VM.

    Attributes:
        on_cards: whether a person approves on a card instead of typing a digest.
        rows_differ: whether the rows that came together were not the rows themselves.
    """

    options: VmParameters
    plans: Plans
    lease: VmLease
    stop_wanted: Callable[[], str]
    on_cards: bool = False
    approval: Approval | None = None
    approval_ends: dict[Approval, float] = field(default_factory=dict)
    records: Records | None = None
    vm: Vm | None = None
    status_key: StatusKey | None = None
    first: Sample | None = None
    samples: Sequence[Sample] = ()
    node: NodeState | None = None
    node_of_machine: NodeState | None = None
    verdict: Verdict | None = None
    logs: tuple[LogLine, ...] = ()
    contradictions: Sequence[str] = ()
    plan: Plan | None = None
    now: VmNow | None = None
    sent: list[str] = field(default_factory=list)
    off_since: Rung | None = None
    unread: str = ""
    rows_differ: bool = False

    @property
    def one_by_one(self) -> bool:
        """Whether each row is read by its own call. Rows together are wrong here, or do not come."""
        return self.rows_differ or self.knowledge.of(ROWS_COME_TOGETHER).holds is False

    @property
    def gap_s(self) -> float:
        """Seconds between two samples: the parameter's value, but at least enough to show silence."""
        return max(self.options.sample_gap_s, self.silence_s)

    def sample(self) -> Sample:
        """Take a sample: read together what one call answers, and the rest one by one."""
        vm, machine, key = self.known_vm().key, self.machine(), self.known_status_key()
        together = NO_ROWS if self.one_by_one else self.platform.rows_behind(vm, machine, key)
        of = Subject(self.platform, machine, key, together)
        read = {one.name: one.read(of) for one in roll.readings()}
        sample = Sample(self.clock.now(), read, self.node, self.clock.monotonic())
        told = sample.unread()
        if (unread := cannot_be_read(told) if told else "") != self.unread:
            self.unread = unread
            self.note(unread or "all of the evidence can be read again")
        return sample

    def two_samples(self, first: Sample | None = None) -> tuple[Sample, Sample]:
        """Two samples, a gap apart.

        Args:
            first: the first sample, if it was taken already.
        """
        first = first or self.sample()
        since = self.clock.monotonic() - first.steady_at if first.steady_at is not None else 0.0
        self.wait(max(0.0, self.gap_s - since), BETWEEN_READINGS, first)
        return first, self.sample()

    def is_fresh(self, sample: Sample, lasts_s: float) -> bool:
        """Whether a reading is young enough to act on, by both clocks: one can jump, one stops in standby."""
        age, steady = self.clock.now() - sample.read_at, sample.steady_at
        if steady is None:
            return 0 <= age <= lasts_s
        return age <= lasts_s and self.clock.monotonic() - steady <= lasts_s

    def sending(self, step: str, what: str) -> None:
        """Remember a changing call before it is sent, so that it is never sent twice."""
        self.sent.append(what)
        self.sent_by = step

    def not_done(self, what: str, sent_by: str) -> None:
        """Take back `sending`, because the call was refused for a reason that can pass. It can be sent again.

        Args:
            sent_by: the last step that sent a changing call before this one.
        """
        self.sent.remove(what)
        self.sent_by = sent_by

    def resume(self, latches: Sequence[str]) -> None:
        """Remember what an earlier process of this run has sent, so that it is not sent again.

        ``sent_by`` stays empty, because the present plan is made after those calls and all steps can run
        again.
        """
        self.sent += latches

    def force_options(self) -> ForceOptions:
        """The parameters, if the runbook forces a VM off."""
        return cast(ForceOptions, self.options)

    def confirming(self) -> ConfirmingParameters:
        """The parameters, if the runbook has a confirming step."""
        assert isinstance(self.options, ConfirmingParameters)
        return self.options

    def known_vm(self) -> Vm:
        """The VM that Locate found. The engine runs no later step without it."""
        assert self.vm is not None
        return self.vm

    def known_status_key(self) -> StatusKey:
        """The key that was read and cross-checked."""
        assert self.status_key is not None
        return self.status_key

    def plan_digest(self) -> str:
        """The digest of the present plan. Nothing is sent without a plan."""
        assert self.plan is not None
        return self.plan.digest

    @property
    def over_assumed_life(self) -> bool:
        """Whether the plan ignores signs of life that are only assumed, since a named person has checked."""
        return self.plan is not None and bool(self.plan.content.get("over_assumed_life"))

    def machine(self) -> MachineKey:
        """The VM's machine."""
        return self.known_vm().machine
