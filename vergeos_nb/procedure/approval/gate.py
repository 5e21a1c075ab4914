"""The guards that every step checks right before it sends a changing request."""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.errors import Drift, PermissionDenied, RecordError, Refused, RowNotFound, VergeNbError
from vergeos_nb.procedure.approval.standing import WaysOn, standing_refusal
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.values.differences import (
    as_approved,
    difference,
    identity_changes,
    parameters_changed,
    state_of,
)
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos.rows import MOVING, VmNow

# Fields that our own methods may change. After a method was sent, a change of these is no drift.
OURS = ("running", "status", "state", "powerstate")
NOTHING_SENT = "nothing was sent"


def not_approved(case: Case) -> Draft | None:
    """The end of a changing step if the run has no approval: such a run only plans. Otherwise None."""
    if case.approval is not None:
        return None
    return Draft(StepOutcome.SKIPPED, "Nothing was sent: this run has no approval and only plans.")


def closed(case: Case, asked: str) -> Draft | None:
    """Return a refusal if any guard forbids sending now, else None.

    Reads the VM again. A difference from the plan refuses, unless an earlier method of this run may have
    caused it. The other guards are asked last, because the reading may take a minute.
    """
    if (no_plan := _other_parameters(case, asked)) is not None:
        return no_plan
    case.now = now = case.platform.vm_now(case.known_vm().key)
    if (drifted := _drift(case, now)) is not None:
        fields = ", ".join(str(row[0]) for row in drifted.rows)
        hint = f"{NOTHING_SENT}; look at what changed, and plan again"
        error = Drift(asked, f"it changed since it was planned: {fields}", hint)
        nobody_knows = {"verdict": VerdictValue.UNKNOWN.value, "verdict_at": case.clock.now()}
        return ended_by(error, drifted, sent=False, **nobody_knows)
    if (no := refused_now(case, asked)) is not None:
        return ended_by(no, sent=False)
    return None


def refused_now(case: Case, asked: str) -> VergeNbError | None:
    """Return why this run may not send now, or None.

    If it returns None, the lease was renewed and the journal has room for the result of a call.
    """
    digest = case.plan_digest()
    ways = WaysOn(
        not_approved=f"approve the plan of now: {digest}",
        other_plan=f"approve the plan of now: {digest}",
        one_person=", and name them with approver=…",
        stopped=f"{NOTHING_SENT}; take the stop away when it is no longer needed",
        outside=f"{NOTHING_SENT}; ",
    )
    if (no := standing_refusal(case, asked, ways)) is not None:
        return no
    try:
        case.lease.renew()
        case.journal.make_room()
    except (Refused, RecordError) as error:
        return error
    return None


def never_forced(case: Case, *tables: Table) -> Draft | None:
    """The end of a plan step if the machine is a node's or the policy protects the VM; else None."""
    for refused in (_not_a_vm(case), _policy_refusal(case)):
        if refused is not None:
            return ended_by(refused, *tables)
    return None


def _policy_refusal(case: Case) -> VergeNbError | None:
    """Return a refusal if the policy protects this VM, else None."""
    vm, policy = case.known_vm(), case.policy
    asked = f"planning for VM {vm.name!r}"
    tags = case.platform.tags_of(vm.key) if policy.tags else ()
    if reason := policy.touching(vm.name, vm.key, tags):
        return Refused(
            asked, reason, f"leave this VM as it is; only a change of the list in {policy.source} allows it"
        )
    return None


def _not_a_vm(case: Case) -> VergeNbError | None:
    """Return a refusal if the machine is a node's or a tenant node's, else None. Nodes are machines, too."""
    vm = case.known_vm()
    asked = f"planning for VM {vm.name!r}"
    if case.node_of_machine is not None:
        name = case.node_of_machine.name
        return Refused(
            asked,
            f"its machine {vm.machine} is that of node {name!r}",
            "name the VM that you mean; never force a node off this way",
        )
    if tenants := _tenant_nodes(case):
        return Refused(
            asked,
            f"its machine {vm.machine} is that of tenant node {tenants[0]!r}",
            "a tenant node is stopped in its tenant; never force it off this way",
        )
    return None


def _tenant_nodes(case: Case) -> Sequence[str]:
    try:
        return case.platform.tenant_nodes_of(case.machine())
    except (RowNotFound, PermissionDenied) as error:
        # A system without tenants may not have the table, and a user may not be allowed to see it. This is
        # only a second check: the machine was found in vms, where a tenant node has no row.
        case.note(f"tenants' nodes could not be looked at: {error.came_back}")
        return ()


def _other_parameters(case: Case, asked: str) -> Draft | None:
    """Refuse if a person changed a bound parameter on a card after the approval."""
    assert case.plan is not None
    if (changed := parameters_changed(case.plan, case.options)) is None:
        return None
    names = ", ".join(str(row[0]) for row in changed.rows)
    hint = (
        f"{NOTHING_SENT} by this step; set them back as approved: {as_approved(changed)}; or make the plan "
        "again with these and have it approved. If this run has sent something, that needs a new run."
    )
    return ended_by(
        Drift(asked, f"parameters differ from those approved: {names}", hint), changed, sent=False
    )


def _drift(case: Case, now: VmNow) -> Table | None:
    assert case.plan is not None
    if (moved := identity_changes(case.known_vm(), case.known_status_key(), now)) is not None:
        return moved
    before, after = dict(case.plan.content["before"]), state_of(now)
    # No method of ours makes the platform move or start the VM.
    if case.sent_by and now.status not in MOVING:
        for name in OURS:
            before.pop(name), after.pop(name)
        if not now.running:
            # Our method stopped it. Then the platform clears node and state, which is no drift either.
            before, after = {"started": before["started"]}, {"started": after["started"]}
    changes = difference(before, after)
    return changes if changes.rows else None
