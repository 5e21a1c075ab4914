"""The runbook that reads a whole fleet and says which VMs are stuck. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from vergeos_nb.parameters import FIRST, AskedOn, Seconds, SystemParameters
from vergeos_nb.procedure.engine.case import SystemCase
from vergeos_nb.procedure.engine.engine import Draft, Step
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.evidence.triage import picture_of, table_of, triage, wanting, with_logs
from vergeos_nb.procedure.steps.common_steps import CONNECT
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.wait_report import BETWEEN_READINGS
from vergeos_nb.vergeos.rows import Columns, MachineKey, NodeState
from vergeos_nb.words import counted

# The longest list for a person. The columns have all VMs, and the command prints them.
MOST_SHOWN = 500
# The VMs whose newest log line is read. If a node fails, a few hundred VMs are affected.
MOST_LOGS = 500
LOG_HOURS = 24.0


class FindStuckVmsParameters(SystemParameters):
    """Its parameters, in addition to those of every runbook on a system."""

    sample_gap_s: Annotated[Seconds, AskedOn(FIRST)] = Field(
        5.0,
        title="Seconds between the two readings",
        description="Seconds between the two readings that judge what lives.",
    )


@dataclass(slots=True, kw_only=True)
class FleetCase(SystemCase):
    """One look at a whole fleet.

    Attributes:
        on_rows: called with each page of VMs as soon as it is read.
    """

    options: FindStuckVmsParameters
    vms: Columns | None = None
    counters: dict[int, int] | None = None
    nodes: Sequence[NodeState] = ()
    read_at: float = 0.0
    found: Columns | None = None
    on_rows: Callable[[Columns], None] = lambda rows: None


def survey(case: FleetCase) -> Draft:
    """Read everything once: VMs with status and stats, nodes, counters."""
    # The VMs first: a person sees those that look stuck while the rest is read.
    case.vms = case.platform.fleet_vms(case.on_rows)
    case.nodes = case.platform.all_nodes()
    case.counters = dict(case.platform.fleet_counters())
    case.read_at = case.clock.now()
    count = len(case.vms["vm_key"])
    return Draft(
        StepOutcome.PASSED,
        f"{counted(count, 'VM')} on {counted(len(case.nodes), 'node')}. Snapshots are left out.",
    )


def judge_fleet(case: FleetCase) -> Draft:
    """Read what can change a second time, judge each VM by both readings, and suggest its next method."""
    assert case.vms is not None
    assert case.counters is not None
    gap_s = max(case.options.sample_gap_s, case.silence_s)
    case.wait(gap_s, BETWEEN_READINGS)
    counters = case.platform.fleet_counters()
    signs = case.platform.fleet_signs()
    now = case.clock.now()
    times = (case.server_clock(case.read_at), case.server_clock(now))
    found = triage(
        case.vms, signs, (case.counters, counters), case.nodes, times, case.knowledge, case.silence_s
    )
    urgent = wanting(found)
    machines = [MachineKey(found["machine_key"][at]) for at in urgent[:MOST_LOGS]]
    if machines:
        found = with_logs(found, case.platform.last_logs(machines, times[1] - LOG_HOURS * 3600))
    case.found = found
    counts = {
        rung: found["suggestion"].count(rung) for rung in ("override", "kill", "poweroff", "look", "wait")
    }
    told = ", ".join(f"{count} {rung}" for rung, count in counts.items() if count)
    methods = f" (next method: {told})" if told else ""
    unknown = sum(found["verdict"][at] == "unknown" for at in urgent)
    left_out = f" The table shows {MOST_SHOWN}." if len(urgent) > MOST_SHOWN else ""
    return Draft(
        StepOutcome.PASSED,
        f"{len(urgent)} of {counted(len(found['vm_key']), 'VM')} want a look{methods}. "
        f"Unknown: {counted(unknown, 'VM')}.{left_out}",
        "A suggestion is where to begin: each run reads, judges and asks for its own approval."
        if urgent
        else "",
        (picture_of(found), table_of(found, urgent[:MOST_SHOWN])),
        {"suggestions": counts, "vms": len(found["vm_key"]), "unknown": unknown, "completes": True},
    )


STEPS: Sequence[Step[Any]] = (
    replace(CONNECT, vendor_step=""),
    Step(
        "survey",
        "Read the fleet",
        "",
        "Whole tables need a few calls. One call for each VM would need thousands.",
        survey,
        role="judge",
    ),
    Step(
        "judge",
        "Judge it",
        "",
        "A second reading shows which counters move and which rows are written.",
        judge_fleet,
        role="judge",
    ),
)

RUNBOOK = Runbook(name="find_stuck_vms", parameters=FindStuckVmsParameters, case=FleetCase, steps=STEPS)
