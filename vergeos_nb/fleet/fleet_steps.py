"""The steps of a fleet run as step results, so that its record looks like that of a run over one VM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vergeos_nb.clock import iso
from vergeos_nb.errors import Refused, StillAlive, VerdictUnknown, VergeNbError
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import VmProgress, Where
from vergeos_nb.procedure.engine.engine import outcome_of
from vergeos_nb.procedure.values.given_approval import Approval
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import FACTS, FLEET_RUN
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.words import counted


def result(
    step: str,
    title: str,
    system: str,
    times: tuple[float, float],
    outcome: StepOutcome,
    summary: str,
    *,
    next_step: str = "",
    tables: Sequence[Table] = (),
    facts: Mapping[str, Any] | None = None,
    error: VergeNbError | None = None,
) -> StepResult:
    """One step of a fleet run."""
    return StepResult(
        step=step,
        title=title,
        vendor_step="",
        system=system,
        outcome=outcome,
        summary=summary,
        next_step=next_step or (error.next_step if error else ""),
        began_at=times[0],
        ended_at=times[1],
        tables=tuple(tables),
        facts=facts or {},
        error=error.as_dict() if error else None,
    )


def plan_step(
    plan: FleetPlan, approval: Approval | None, refused: VergeNbError | None, system: str, at: float
) -> StepResult:
    """The step Plan: the plan and its approval, or the refusal."""
    facts = {
        "plan": dict(plan.plan.content),
        "plan_digest": plan.digest,
        "approval": asdict(approval) if approval else None,
        "simulated": plan.plan.content["system"].get("simulated"),
        "cloud_name": plan.plan.content["system"].get("cloud_name"),
    }
    limits = plan.limits
    words = FACTS.table(
        ("plan digest", plan.digest),
        ("VMs", str(len(plan.vms))),
        *_over_assumed_life(plan),
        ("approved by", approval.approver if approval else "nobody"),
        ("until", iso(approval.until) if approval else ""),
        ("at once", str(limits.at_once)),
        ("on one node", str(limits.per_node)),
        ("in one HA group", str(limits.per_group)),
        ("failures that stop it", str(limits.failures)),
    )
    if refused is not None:
        said = f"{refused.asked}: {refused.came_back}"
        return result("plan", "Plan and approve", system, (at, at), outcome_of(refused), said,
                      tables=[words], facts=facts, error=refused)  # fmt: skip
    assert approval is not None
    said = f"Approved by {approval.approver}: {counted(len(plan.vms), 'VM')}, {plan.digest}."
    return result("plan", "Plan and approve", system, (at, at), StepOutcome.PASSED, said,
                  tables=[words], facts=facts)  # fmt: skip


def _over_assumed_life(plan: FleetPlan) -> list[tuple[str, str]]:
    names = plan.over_assumed_life
    return [("over life that is only assumed", ", ".join(names))] if names else []


def states_table(plan: FleetPlan, states: Mapping[int, VmProgress]) -> Table:
    """Each VM of the plan, how it ended and where its record is."""
    rows = []
    for vm in plan.vms:
        state = states.get(vm.key, VmProgress(Where.WAITING))
        rows.append(
            (
                vm.name,
                vm.key,
                vm.node,
                state.where.value,
                state.outcome,
                state.verdict,
                state.exit_code,
                state.folder,
                state.headline,
            )
        )
    return FLEET_RUN.table(*rows)


def confirm_step(
    plan: FleetPlan,
    states: Mapping[int, VmProgress],
    held_back: VergeNbError | None,
    failed: int,
    system: str,
    times: tuple[float, float],
) -> StepResult:
    """The step Confirm. The fleet is off only if every VM is off by the evidence of its own run."""
    asked = f"forcing {counted(len(plan.vms), 'VM')} off"
    verdicts = [states[vm.key].verdict or "unknown" for vm in plan.vms]
    well = sum(states[vm.key].well for vm in plan.vms)
    waiting = sum(states[vm.key].where is Where.WAITING for vm in plan.vms)
    verdict = VerdictValue.UNKNOWN
    if "alive" in verdicts:
        verdict = VerdictValue.ALIVE
    elif set(verdicts) == {"off"}:
        verdict = VerdictValue.OFF
    ends = f"{well} of {len(plan.vms)} VMs ended as asked, {waiting} were not begun"
    if cut_short := sum(states[vm.key].outcome == "interrupted" for vm in plan.vms):
        ends += f", {cut_short} were cut short and read back"
    facts = {"verdict": verdict.value, "well": well, "waiting": waiting, "failed": failed}
    error: VergeNbError | None = None
    again = f"look at the records, then `vergeos-nb fleet resume {plan.digest}`"
    if lost := [vm.name for vm in plan.vms if states[vm.key].lost]:
        named = ", ".join(lost[:5]) + (", …" if len(lost) > 5 else "")
        again = f"look at {named} by hand; this plan never begins them again. Make a new plan for the others."
    if verdict is VerdictValue.OFF:
        pass
    elif verdict is VerdictValue.ALIVE:
        error = StillAlive(asked, f"{ends}; alive: {verdicts.count('alive')}", again)
    elif held_back is not None and waiting:
        error = held_back
    elif waiting and failed >= plan.limits.failures:
        error = Refused(asked, f"{ends}; {failed} did not, and nothing more was started", again)
    else:
        error = VerdictUnknown(asked, f"{ends}; unknown: {verdicts.count('unknown')}", again)
    outcome = StepOutcome.PASSED if error is None else outcome_of(error)
    if isinstance(error, VerdictUnknown):
        outcome = StepOutcome.UNKNOWN
    elif isinstance(error, StillAlive):
        outcome = StepOutcome.FAILED
    said = f"{ends}." if error is None or error is held_back else f"{error.came_back}."
    return result("confirm", "What has become of them", system, times, outcome, said,
                  tables=[states_table(plan, states)], facts=facts, error=error)  # fmt: skip
