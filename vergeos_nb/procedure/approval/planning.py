"""What all plan steps share: the frame of a plan, and the check that the approval is for this plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.bound import bound_values
from vergeos_nb.errors import Drift
from vergeos_nb.procedure.approval.gate import refused_now
from vergeos_nb.procedure.engine import system_identity
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.differences import (
    as_approved,
    difference,
    identity_changes,
    parameters_changed,
    state_of,
)
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_tables import FACTS, REQUESTS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import VmNow

PLAN_FORMAT = "vergeos-nb/plan/3"


def frame_of_plan(case: Case, now: VmNow, requests: Sequence[tuple[str, str, Request]], **more: Any) -> Plan:
    """A plan: its system and VM, their state and verdict, the parameters, and the requests to send.

    Args:
        requests: (rung, effect in words, request), in order.
        more: other values of this runbook that the approval binds.
    """
    vm, info, verdict = case.known_vm(), case.info, case.verdict
    assert info is not None
    assert verdict is not None
    return Plan(
        {
            "format": PLAN_FORMAT,
            "procedure": case.runbook,
            "system": system_identity.in_plan(case.target, info),
            "vm": {
                "name": vm.name,
                "key": vm.key.value,
                "machine": vm.machine.value,
                "status_key": case.known_status_key().value,
            },
            "before": state_of(now),
            "verdict": verdict.value.value,
            "parameters": bound_values(case.options),
            **more,
            "requests": [
                {"rung": rung, "effect": effect, **request.as_sent()} for rung, effect, request in requests
            ],
        }
    )


def plan_in_words(case: Case, plan: Plan, *more: tuple[str, str]) -> Table:
    """The plan as a table: digest, system, VM, the lines of its runbook, and the policy."""
    vm = case.known_vm()
    return FACTS.table(
        ("plan digest", plan.digest),
        ("system", case.system_label()),
        ("VM", f"{vm.name} (VM key {vm.key}, machine {vm.machine}, status row {case.status_key})"),
        *more,
        ("policy", case.policy.source or "none"),
    )


def requests_table(plan: Plan) -> Table:
    """The plan's requests, to the letter."""
    return REQUESTS.table(
        *(
            (r["rung"], r["method"], r["path"], json.dumps(r["body"], sort_keys=True), r["effect"])
            for r in plan.content["requests"]
        )
    )


def to_apply(case: Case, plan: Plan) -> str:
    """How a plan without an approval is applied."""
    if case.on_cards:
        return "To apply it: approve it on this card"
    return f"To apply it: run again with approve={plan.digest}"


def planned(case: Case, plan: Plan, tables: tuple[Table, ...], hint: str, warn: str = "") -> Draft:
    """Keep the plan, and end the step: planned, approved, or refused.

    Args:
        hint: what to do if there is no approval yet.
        warn: a warning that is always shown.
    """
    case.plan = plan
    case.plans.keep(plan)
    verdict, approval = case.verdict, case.approval
    assert verdict is not None
    facts: dict[str, Any] = {
        "plan": dict(plan.content),
        "plan_digest": plan.digest,
        **verdict.facts(),
        "approval": None,
    }
    if approval is None:
        advice = f"{warn} {hint}".strip()
        return Draft(
            StepOutcome.PASSED, f"Planned, not approved. Digest {plan.digest}.", advice, tables, facts
        )
    facts["approval"] = {
        "digest": approval.digest,
        "approver": approval.approver,
        "given_at": approval.given_at,
        "until": approval.until,
    }
    if approval.digest != plan.digest:
        return _not_what_was_approved(case, plan, tables, facts)
    if (closed := refused_now(case, f"applying the plan for VM {case.known_vm().name!r}")) is not None:
        return ended_by(closed, *tables, **facts)
    return Draft(StepOutcome.PASSED, f"Approved by {approval.approver}: {plan.digest}.", warn, tables, facts)


def changed_since_judged(case: Case, now: VmNow) -> Draft | None:
    """Return a refusal if the VM or its state changed since it was judged, else None."""
    asked = f"planning for VM {now.name!r}"
    nobody_knows = {"verdict": VerdictValue.UNKNOWN.value}
    if (moved := identity_changes(case.known_vm(), case.known_status_key(), now)) is not None:
        return ended_by(
            Drift(asked, "it is no longer the VM that was found", "begin a new run"), moved, **nobody_knows
        )
    changed = difference(state_of(case.samples[-1].status), state_of(now))
    if not changed.rows:
        return None
    error = Drift(
        asked,
        f"it changed after it was judged: {', '.join(str(row[0]) for row in changed.rows)}",
        "begin a new run: the evidence is about a state that has passed",
    )
    return ended_by(error, changed, **nobody_knows)


def _not_what_was_approved(
    case: Case, plan: Plan, tables: tuple[Table, ...], facts: Mapping[str, Any]
) -> Draft:
    assert case.approval is not None
    approved = case.plans.find(case.approval.digest)
    asked = f"applying the approved plan {case.approval.digest[:12]}…"
    hint = f"look at what changed, then approve the plan of now: {plan.digest}"
    if approved is None:
        error = Drift(asked, "it is not the plan of now, and no plan with this digest was kept here", hint)
        return ended_by(error, *tables, **facts)
    changed = difference(approved.content, plan.content)
    fields = ", ".join(str(row[0]).removeprefix("parameters.") for row in changed.rows)
    if approved.content.get("format") != PLAN_FORMAT:
        came = "an older version made it, whose plans do not bind every parameter"
        error = Drift(asked, f"{came}; now differ: {fields}", hint)
    else:
        if (other := parameters_changed(approved, case.options)) is not None:
            back = as_approved(other)
            hint = f"give them as they were approved: {back}; or approve the plan of now: {plan.digest}"
        error = Drift(asked, f"what is there now differs in: {fields}", hint)
    return ended_by(error, changed, *tables, **facts)
