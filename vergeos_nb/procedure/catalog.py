"""Which steps belong to which runbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vergeos_nb.procedure import force_power_off, restore_status, watch_after_power_off
from vergeos_nb.procedure.case import Case
from vergeos_nb.procedure.engine import Step

PROCEDURES: Mapping[str, Sequence[Step[Case]]] = {
    "force_power_off": force_power_off.STEPS,
    "restore_status": restore_status.STEPS,
    "watch_after_power_off": watch_after_power_off.STEPS,
}
