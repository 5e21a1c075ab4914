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
