"""Whether a VM looks healthy. If so, a warning says that it may be the wrong VM. This is no verdict. Pure."""

from __future__ import annotations

from vergeos_nb.procedure.evidence.witnesses.moving_counters import DRIVES, NICS
from vergeos_nb.procedure.values.votes import Verdict
from vergeos_nb.vergeos.rows import MachineStatus

MEANS_IT = "Make sure that this is the VM you mean before you plan anything."


def row_of_a_working_vm(row: MachineStatus) -> bool:
    """Whether the status row is like that of a VM that works."""
    return row.running and row.status == "running" and row.state == "online"


def looks_healthy(row: MachineStatus, verdict: Verdict) -> str:
    """Why the VM looks healthy, or "". Both its row and its moving counters must show it."""
    counters = {witness.source for witness in (NICS, DRIVES)}
    moving = [vote.source for vote in verdict.votes if vote.says == "alive" and vote.source in counters]
    if not moving or not row_of_a_working_vm(row):
        return ""
    what = " and ".join({"machine_nics": "network", "machine_drives": "disks"}[source] for source in moving)
    return f"This VM looks healthy: its row says running and online, and the counters of its {what} move."
