"""The plan of a fleet: one digest over the plans of its VMs, their order, the limits and the options."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.bound import plain
from vergeos_nb.clock import Clock, iso
from vergeos_nb.errors import Drift, RecordError, Refused, UsageError, VergeNbError
from vergeos_nb.files import disk_errors, put
from vergeos_nb.fleet.schedule import Limits, RunPlace, waves
from vergeos_nb.fleet.selection import FleetVm
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.masking import masked, masked_data
from vergeos_nb.parameters import RUNGS
from vergeos_nb.procedure.approval.standing import WaysOn, standing_refusal
from vergeos_nb.procedure.engine.case import Target
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.runbooks.force_power_off import RUNBOOK, STEPS, ForcePowerOffParameters
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.session.connection import CallLog, Connect
from vergeos_nb.session.reading import reading_case, reading_engine, refuse_changes
from vergeos_nb.settings.policy import Policy
from vergeos_nb.shapes import Unfit, fit, read_json
from vergeos_nb.words import counted

FORMAT = "vergeos-nb/fleet-plan/2"
# The VMs' plans in it do not bind every parameter. It can be shown, but no longer applied.
EARLIER_FORMAT = "vergeos-nb/fleet-plan/1"
PROCEDURE = RUNBOOK.name
MOST_VMS = 10
# Planning mostly waits: each VM's two readings are some seconds apart.
PLANNING_AT_ONCE = 32
# This many of the next VMs are read, too. With those at work, they are as many as one reading may name.
PLANNED_NEXT = 64


ONLY_PLANS = refuse_changes("planning", "apply the plan")


@dataclass(frozen=True, slots=True)
class Planned:
    """One VM of a fleet plan: its own plan's digest, or why it has none.

    Attributes:
        over_assumed_life: its plan forces it off over life that is only assumed.
    """

    vm: FleetVm
    digest: str
    verdict: str
    refused: str
    over_assumed_life: bool = False


def check_count(vms: Sequence[FleetVm], most: int) -> None:
    """Refuse more VMs than one run may touch.

    Raises:
        Refused: there are more.
    """
    if len(vms) > most:
        raise Refused(
            f"planning for {counted(len(vms), 'VM')}",
            f"one run touches {most} at most",
            f"choose fewer VMs, or use --cap {len(vms)} if you mean all of them",
        )


def plan_one(vm: FleetVm, options: Mapping[str, Any], connect: Connect, target: Target, shelf: PlanShelf,
             policy: Policy, clock: Clock, operator: str) -> Planned:  # fmt: skip
    """Plan for one VM as a single run would, and keep its plan. Changes nothing."""
    if masked(vm.name) != vm.name:
        return Planned(vm, "", "unknown", "its name holds a password or token, or looks like one")
    try:
        parameters = read_parameters(PROCEDURE, {**options, "vm_name": vm.name, "vm_key": vm.key})
    except UsageError as error:
        # A name that no run accepts refuses only this VM, not the fleet.
        return Planned(vm, "", "unknown", f"{error.came_back}; rename it on the platform, then plan again")
    with connect(clock, ONLY_PLANS, lambda exchange: None) as connection:
        case = reading_case(
            runbook=PROCEDURE,
            options=parameters,
            operator=operator,
            clock=clock,
            target=target,
            platform=connection.platform,
            plans=shelf,
            policy=policy,
            measured=PlatformFiles(shelf.outputs, clock),
        )
        engine = reading_engine(case, STEPS, CallLog())
        last: StepResult | None = None
        for step in STEPS:
            last = engine.run(step.id)
            if step.role == "plan" or last.outcome is not StepOutcome.PASSED:
                break
    assert last is not None
    verdict = case.verdict.value.value if case.verdict else "unknown"
    if case.vm is not None and case.vm.key.value != vm.key:
        return Planned(vm, "", verdict, f"its name leads to VM {case.vm.key} now")
    if case.plan is None:
        return Planned(vm, "", verdict, f"{last.title}: {last.summary}")
    return Planned(vm, case.plan.digest, verdict, "", case.over_assumed_life)


def plan_fleet(
    vms: Sequence[FleetVm],
    plan_it: Callable[[FleetVm], Planned],
    upcoming: Callable[[frozenset[int]], None],
    at_once: int = PLANNING_AT_ONCE,
) -> tuple[Planned, ...]:
    """Plan for all of them, many at a time and in their order. Changes nothing.

    Args:
        upcoming: called with the machines whose rows will be needed next.
    """

    def one(at: int) -> Planned:
        near = vms[max(0, at - at_once) : at + PLANNED_NEXT]
        upcoming(frozenset(vm.machine for vm in near))
        return plan_it(vms[at])

    with ThreadPoolExecutor(min(len(vms), at_once), thread_name_prefix="plan") as pool:
        return tuple(pool.map(one, range(len(vms))))


def fleet_plan(
    planned: Sequence[Planned], options: Mapping[str, Any], limits: Limits, system: Mapping[str, Any]
) -> Plan:
    """The plan of the fleet, whose digest an approval binds.

    Raises:
        Refused: there is nothing to do for any of its VMs.
    """
    if not any(one.digest for one in planned):
        reasons = "; ".join(f"{one.vm.name}: {one.refused}" for one in planned[:5])
        hint = "choose other VMs; for one of these `vergeos-nb run force_power_off` says more"
        raise Refused("planning for the fleet", f"nothing can be planned for any VM: {reasons}", hint)
    # Masked, because a secret in the name of a node or of a VM must not prevent the plan from being kept.
    vms = masked_data(
        [
            {
                "name": one.vm.name,
                "key": one.vm.key,
                "machine": one.vm.machine,
                "node": one.vm.node,
                "ha_group": one.vm.group,
                "plan": one.digest or None,
                "verdict": one.verdict,
                "left_out": one.refused or None,
                # Added only if there is one, so that the digests of all other plans do not change.
                **({"over_assumed_life": True} if one.over_assumed_life else {}),
            }
            for one in planned
        ]
    )
    return Plan(
        {
            "format": FORMAT,
            "procedure": PROCEDURE,
            "system": dict(system),
            "options": plain(options),
            "limits": asdict(limits),
            "vms": vms,
        }
    )


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet plan as apply reads it. VMs without a plan of their own are left out.

    Attributes:
        over_assumed_life: the names of the VMs that it forces off over life that is only assumed.
    """

    plan: Plan
    vms: tuple[FleetVm, ...]
    digests: tuple[str, ...]
    options: Mapping[str, Any]
    limits: Limits
    over_assumed_life: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The digest that an approval binds."""
        return self.plan.digest

    def outdated(self) -> VergeNbError | None:
        """Why nothing can be sent for this plan any more, or None: an older version made it."""
        if self.plan.content["format"] == FORMAT:
            return None
        return Drift(
            f"applying the fleet plan {self.digest[:12]}…",
            "an older version made it, and its VMs' plans do not bind every parameter",
            "make a new one with `vergeos-nb fleet plan` and have it approved; `vergeos-nb audit recover` "
            "finishes the records of runs that were cut short",
        )

    @property
    def lasts_s(self) -> float:
        """The seconds that its waits take at most, without the limits per node and group.

        API calls take more time, and Confirm can take longer than its settle time.
        """
        options = read_parameters(PROCEDURE, {**self.options, "vm_name": "any"})
        assert isinstance(options, ForcePowerOffParameters)
        tried = RUNGS[RUNGS.index(options.start_at) : RUNGS.index(options.up_to) + 1]
        waits = {"poweroff": options.poweroff_wait_s, "kill": options.kill_wait_s, "override": 0.0}
        one = options.sample_gap_s + sum(waits[rung] for rung in tried) + options.settle_s
        return one * waves(len(self.vms), self.limits.at_once)

    @property
    def places(self) -> tuple[RunPlace, ...]:
        """Where each VM is."""
        return tuple(RunPlace(vm.node, vm.group) for vm in self.vms)


def find_plan(outputs: Path, digest: str) -> FleetPlan:
    """The fleet plan with this digest.

    Raises:
        UsageError: this archive has no such plan, or it is not a fleet's.
    """
    plan = PlanShelf(outputs).find(digest)
    asked = f"finding the fleet plan {digest[:12]}…"
    if plan is None:
        raise UsageError(
            asked,
            f"no fleet plan of this digest is kept in {outputs}",
            "make one with `vergeos-nb fleet plan`",
        )
    if plan.content.get("format") not in (FORMAT, EARLIER_FORMAT):
        raise UsageError(asked, "it is the plan of a single run", "apply it with `vergeos-nb run`")
    try:
        told = fit(plan.content, _FleetShape)
    except Unfit as unfit:
        raise UsageError(asked, unfit.why, "make one with `vergeos-nb fleet plan`") from None
    some = [vm for vm in told.vms if vm.plan]
    return FleetPlan(
        plan,
        tuple(FleetVm(vm.name, vm.key, vm.machine, vm.node, vm.ha_group) for vm in some),
        tuple(str(vm.plan) for vm in some),
        told.options,
        told.limits,
        tuple(vm.name for vm in some if vm.over_assumed_life),
    )


class _VmShape(Struct):
    name: str
    key: int
    machine: int
    node: str
    ha_group: str
    plan: str | None
    over_assumed_life: bool = False


class _SystemShape(Struct):
    simulated: bool | None
    profile: str
    cloud_name: str | None
    # A system is named by its id, or by its host if it has no id.
    id: str = ""
    host: str = ""


class _FleetShape(Struct):
    system: _SystemShape
    options: dict[str, Any]
    limits: Limits
    vms: list[_VmShape]


def approve(outputs: Path, digest: str, approver: str, clock: Clock, until: float) -> Approval:
    """Keep a person's approval of a fleet plan.

    Raises:
        UsageError: there is no such plan, no approver is named, or the approval would have ended already.
        Drift: an older version made the plan.
        RecordError: it cannot be written.
    """
    if (outdated := find_plan(outputs, digest).outdated()) is not None:
        raise outdated
    asked = f"approving {digest[:12]}…"
    if not approver.strip():
        raise UsageError(asked, "no approver was named", "name the approver with --approver")
    now = clock.now()
    if until <= now:
        raise UsageError(asked, f"it would have ended at {iso(until)}", "give a later time")
    approval = Approval(digest, masked(approver.strip()), now, until)
    path = ArchiveLayout(outputs.absolute()).approval(digest)
    with disk_errors(f"keeping the approval {path}"):
        put(path, json.dumps(asdict(approval)).encode())
    return approval


def approval_of(outputs: Path, digest: str) -> Approval | None:
    """The newest approval of this plan, or None."""
    path = ArchiveLayout(outputs.absolute()).approval(digest)
    try:
        return read_json(path, Approval)
    except Unfit as unfit:
        if unfit.missing:
            return None
        raise RecordError(f"reading the approval {path}", unfit.why, "approve again") from None


@dataclass(frozen=True, slots=True)
class FleetApproval:
    """The guards before a VM of the fleet begins. Each VM's own run checks them again."""

    plan: FleetPlan
    approval: Approval | None
    operator: str
    policy: Policy
    clock: Clock
    stop_wanted: Callable[[], str]
    approval_ends: dict[Approval, float] = field(default_factory=dict)

    @property
    def over_assumed_life(self) -> bool:
        """Whether one of its VMs is forced off over life that is only assumed."""
        return bool(self.plan.over_assumed_life)

    def plan_digest(self) -> str:
        """The digest of the fleet's plan."""
        return self.plan.digest

    def refusal(self) -> VergeNbError | None:
        """Why no VM of the fleet may begin now, or None."""
        digest = self.plan.digest
        ways = WaysOn(
            not_approved=f"vergeos-nb fleet approve {digest} --approver NAME",
            other_plan="approve this one",
            one_person=" (the same command, with their name)",
            stopped=f"remove the stop file, if there is one; then `vergeos-nb fleet resume {digest}`",
            outside="",
        )
        asked = f"applying the fleet plan {digest[:12]}…"
        return self.plan.outdated() or standing_refusal(self, asked, ways)
