"""Which steps belong to which runbook, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.procedure.engine.case import Case, RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.runbooks import (
    find_stuck_vms,
    force_power_off,
    incident_report,
    restore_status,
    watch_after_power_off,
)
from vergeos_nb.procedure.runbooks.find_stuck_vms import FleetCase
from vergeos_nb.procedure.runbooks.incident_report import ArchiveCase
from vergeos_nb.procedure.values.model import Role

PROCEDURES: Mapping[str, Sequence[Step[Any]]] = {
    "find_stuck_vms": find_stuck_vms.STEPS,
    "force_power_off": force_power_off.STEPS,
    "incident_report": incident_report.STEPS,
    "restore_status": restore_status.STEPS,
    "watch_after_power_off": watch_after_power_off.STEPS,
}

# The kind of case that a runbook's steps take. Who opens the run fills it in.
CASES: Mapping[str, type[RunCase]] = {
    "find_stuck_vms": FleetCase,
    "force_power_off": Case,
    "incident_report": ArchiveCase,
    "restore_status": Case,
    "watch_after_power_off": Case,
}

# A step's id has the same role in every runbook of ours, and in the run of a fleet.
_ROLES: Mapping[str, Role] = {step.id: step.role for steps in PROCEDURES.values() for step in steps}


def role_of(runbook: str, step_id: str) -> Role | None:
    """The role of a step of which a journal tells, also of a run that is no runbook's, or None.

    A journal holds the step's id only, so that those of every version are read alike.
    """
    steps = PROCEDURES.get(runbook)
    if steps is None:
        return _ROLES.get(step_id)
    return next((step.role for step in steps if step.id == step_id), None)
