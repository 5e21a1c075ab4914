"""Which VMs of a fleet are stuck, and which method comes next. Works on columns. Pure.

The verdict on a VM is that of ``verdict.judge``, as in a single run. A suggestion says where to begin. It is
no permission: the run for that VM reads, judges and asks for its own approval.

An assumption about the platform that no source confirms:

ASSUME_A_STOPPED_VM_HOLDS_NO_RAM
    The last statistics of a VM that stopped by itself show no RAM. If they show RAM and the row says stopped,
    the row was written by hand, and its process may still live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from vergeos_nb.procedure.evidence.sample import COUNTERS, STATS, STATUS, Sample
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import SILENCE_S, Evidence
from vergeos_nb.procedure.values.step_tables import FLEET, TRIAGE
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.vergeos.assumptions import (
    NOTHING_MEASURED,
    STATUS_OF_A_STOPPED_MACHINE,
    PlatformKnowledge,
)
from vergeos_nb.vergeos.rows import (
    MOVING,
    OF_NODES,
    Columns,
    Counter,
    LogLine,
    MachineKey,
    MachineStats,
    MachineStatus,
    NodeState,
    StatusKey,
)

ASSUME_A_STOPPED_VM_HOLDS_NO_RAM = True

Rung = Literal["override", "kill", "poweroff", "look", "wait", "none"]
RANK: Mapping[str, int] = {rung: at for at, rung in enumerate(get_args(Rung))}
"""The most urgent suggestion comes first."""


class Suggestion(Struct, frozen=True):
    """The next method, and why; ``none`` if there is nothing to do."""

    rung: Rung
    reason: str


class Facts(Struct, frozen=True):
    """The facts about one VM that decide which method is suggested.

    Attributes:
        status: the status in the row, "" if the VM has no status row.
        own_row: whether the status row names the VM's machine.
        node: its node as it was read; None if the row names no node or an unknown one.
        only_assumed: whether its signs of life are only assumed.
        of_node: whether its machine is a node's.
        ram_used: MB, from its last statistics, even if those are old.
        unread: the fields of its place and state that cannot be read, or "".
    """

    status: str
    state: str
    running: bool
    moving: bool
    own_row: bool
    verdict: VerdictValue
    because: str
    node: NodeState | None
    only_assumed: bool = False
    of_node: bool = False
    ram_used: int | None = None
    unread: str = ""


def suggest(vm: Facts) -> Suggestion:
    """The next method for one VM. It is the override only if evidence shows that the process is gone."""
    if vm.of_node or vm.status in OF_NODES:
        return Suggestion("none", "its machine is a node's; never force a node off this way")
    if vm.unread:
        return Suggestion("look", f"its row cannot be read: {vm.unread}")
    if not vm.status:
        return Suggestion("look", "it leads to no status row; the platform's tables contradict each other")
    if not vm.own_row:
        return Suggestion("look", "its status row names another machine; forcing it would hit that one")
    if vm.moving or vm.status in MOVING:
        return Suggestion("wait", f"the platform is moving or starting it ({vm.status})")
    if not vm.running and vm.status == "stopped":
        if vm.verdict is VerdictValue.ALIVE:
            return Suggestion("look", f"its record says stopped, but its process lives: {vm.because}")
        if vm.verdict is VerdictValue.OFF:
            return Suggestion("none", "its record says stopped")
        if ASSUME_A_STOPPED_VM_HOLDS_NO_RAM and vm.ram_used:
            return Suggestion(
                "look",
                "its record says stopped, but nothing shows that its process is gone: its last statistics "
                f"hold {vm.ram_used} MB RAM; do not power it on before somebody has looked at its node",
            )
        return Suggestion("none", "its record says stopped; nothing shows whether its process is gone")
    if vm.verdict is VerdictValue.ALIVE:
        return _for_the_living(vm)
    if vm.verdict is VerdictValue.OFF:
        return Suggestion(
            "override",
            "its process is gone by fresh evidence, and the record does not follow; Power Off and Kill Power "
            "come before it, or are attested",
        )
    return Suggestion("look", f"unknown: {_why_unknown(vm)}; make sure at the node, nothing is forced unseen")


def _for_the_living(vm: Facts) -> Suggestion:
    if vm.running and vm.status == "running" and not vm.only_assumed:
        return Suggestion("none", "it runs")
    if vm.only_assumed and vm.ram_used == 0:
        return Suggestion("look", f"its statistics hold no RAM, and {vm.because}; make sure at the node")
    if vm.status == "stopping":
        return Suggestion("kill", f"its shutdown hangs and its process lives: {vm.because}")
    return Suggestion("poweroff", f"its process lives, so the standard methods act on it: {vm.because}")


def _why_unknown(vm: Facts) -> str:
    if vm.node is None:
        return "it says that it runs, on no node that is listed"
    if not vm.node.running:
        return f"node {vm.node.name} does not answer"
    return "nothing fresh came from it"


def triage(
    first: Columns,
    second: Columns,
    counters: tuple[Mapping[int, int], Mapping[int, int]],
    nodes: Sequence[NodeState],
    times: tuple[float, float],
    knowledge: PlatformKnowledge = NOTHING_MEASURED,
    silence_s: float = SILENCE_S,
) -> Columns:
    """All VMs that are in both readings, with verdict and suggestion: the columns of `TRIAGE` as lists.

    Args:
        first, second: ``fleet_vms`` and ``fleet_signs``, read in this order.
        counters: ``fleet_counters``, read in the same order.
        times: when the two were read, by the platform's clock, seconds since 1970.
        knowledge: what was measured of the platform.
        silence_s: how many seconds apart the two must be to show silence.
    """
    heartbeat_is_life = knowledge.of(STATUS_OF_A_STOPPED_MACHINE).holds is not True
    by_node = {node.key: node for node in nodes}
    machines_of_nodes = {node.machine.value for node in nodes}
    later = {key: at for at, key in enumerate(second["vm_key"])}
    kept = [at for at, key in enumerate(first["vm_key"]) if key in later]
    pairs = [(at, later[first["vm_key"][at]]) for at in kept]
    out: dict[str, list[Any]] = {name: [] for name, _ in TRIAGE.columns}
    for name in ("name", "ha_group", "vm_key", "machine_key"):
        out[name] = [first[name][at] for at in kept]
    for name in ("cpu_pct", "ram_used_mb", "status", "state", "running", "status_key"):
        out[name] = [second[NAMED.get(name, name)][at] for _, at in pairs]
    last, written_first = second["last_update"], first["last_update"]
    started, now = second["started"], times[1]
    for at, then in pairs:
        beat, machine = last[then], first["machine_key"][at]
        node = by_node.get(second["node"][then])
        fresh = beat is not None and written_first[at] is not None and beat > written_first[at]
        moved = _moved(machine, counters)
        alive = fresh and heartbeat_is_life and not _freshly_zero(first, second, at, then)
        if alive and _is_well(second, then, machine) and machine not in machines_of_nodes:
            # The same result as from `judge` for a heartbeat, without a dozen objects for each healthy VM.
            verdict, said = VerdictValue.ALIVE, WELL
        else:
            of_node = machine in machines_of_nodes
            facts = _facts(first, second, (at, then), counters, node, times, of_node, knowledge, silence_s)
            verdict, said = facts.verdict, suggest(facts)
        since = started[then] if fresh else beat
        out["suggestion"].append(said.rung)
        out["reason"].append(said.reason)
        out["verdict"].append(verdict.value)
        out["for_s"].append(None if since is None else max(0, int(now - since)))
        out["node"].append(node.name if node else "")
        out["node_state"].append(_node_state(node))
        out["heartbeat_s"].append(None if beat is None else max(0, int(now - beat)))
        out["counters"].append("" if moved is None else "moving" if moved else "still")
    out["log_at"] = [None] * len(kept)
    out["log"] = [""] * len(kept)
    return out


WELL = Suggestion("none", "it runs")
# Columns that have another name in the platform's rows.
NAMED = {"cpu_pct": "total_cpu", "ram_used_mb": "ram_used"}

# Fields that are only shown, or without which a witness is silent.
OF_STATUS = ("last_update",)
OF_STATS = ("total_cpu", "ram_used", "stats_written")
BESIDE = ("cpu_cores", "ram_mb", "ha_group")


def _freshly_zero(first: Columns, second: Columns, at: int, then: int) -> bool:
    """Whether the statistics were written again and show neither CPU nor RAM."""
    before, written = first["stats_written"][at], second["stats_written"][then]
    anew = before is not None and written is not None and written > before
    return anew and second["total_cpu"][then] == 0 and second["ram_used"][then] == 0


def _is_well(rows: Columns, at: int, machine: int) -> bool:
    return bool(
        not rows["unread"][at]
        and rows["running"][at]
        and rows["status"][at] == "running"
        and rows["status_machine"][at] == machine
        and rows["migration_destination"][at] is None
    )


def _facts(
    first: Columns,
    second: Columns,
    at: tuple[int, int],
    counters: tuple[Mapping[int, int], Mapping[int, int]],
    node: NodeState | None,
    times: tuple[float, float],
    of_node: bool,
    knowledge: PlatformKnowledge,
    silence_s: float,
) -> Facts:
    before, then = at
    machine = first["machine_key"][before]
    verdict = Verdict(VerdictValue.UNKNOWN, ())
    own_row = second["status_machine"][then] == machine == second["machine_key"][then]
    own_row = own_row and (second["status_key"][then] or 0) > 0
    unread = _unread(first, before) or _unread(second, then)
    # The row of another machine is no evidence about this one.
    if own_row and not unread and first["status_machine"][before] == machine:
        samples = [
            _sample(first, before, machine, counters[0], node, times[0]),
            _sample(second, then, machine, counters[1], node, times[1]),
        ]
        verdict = judge(Evidence(samples, knowledge=knowledge, silence_s=silence_s))
    return Facts(
        status=second["status"][then],
        state=second["state"][then],
        running=bool(second["running"][then]),
        moving=second["migration_destination"][then] is not None,
        own_row=own_row,
        verdict=verdict.value,
        because=verdict.signs_of_life,
        only_assumed=verdict.only_assumed_life,
        node=node,
        of_node=of_node,
        ram_used=second["ram_used"][then],
        unread=unread,
    )


def _unread(rows: Columns, at: int) -> str:
    """The unreadable fields of a row's place and state. In evidence they only make their witness silent."""
    told = [field for field in rows["unread"][at].split("; ") if field]
    told = [field for field in told if field.partition(" ")[0] not in (*OF_STATUS, *OF_STATS, *BESIDE)]
    if rows["status"][at] and rows["running"][at] is None:
        told.append("running is null")
    return "; ".join(dict.fromkeys(told))


def _sample(
    rows: Columns, at: int, machine: int, counted: Mapping[int, int], node: NodeState | None, read_at: float
) -> Sample:
    key = MachineKey(machine)
    told = [field for field in rows["unread"][at].split("; ") if field]
    status = MachineStatus(
        key=StatusKey(rows["status_key"][at]),
        machine=key,
        running=bool(rows["running"][at]),
        status=rows["status"][at],
        state=rows["state"][at],
        node=rows["node"][at],
        migration_destination=rows["migration_destination"][at],
        started=rows["started"][at],
        last_update=rows["last_update"][at],
        unread=tuple(field for field in told if field.partition(" ")[0] in OF_STATUS),
    )
    stats = MachineStats(
        key,
        rows["total_cpu"][at],
        rows["ram_used"][at],
        (),
        rows["stats_written"][at],
        unread=tuple(field for field in told if field.partition(" ")[0] in OF_STATS),
    )
    known = {"counted": counted[machine]} if machine in counted else {}
    counters = (Counter("nic", 0, "NICs and drives", known, None),)
    return Sample(read_at, {STATUS.name: status, STATS.name: stats, COUNTERS.name: counters}, node)


def _moved(machine: int, counters: tuple[Mapping[int, int], Mapping[int, int]]) -> bool | None:
    before, after = counters[0].get(machine), counters[1].get(machine)
    return None if before is None or after is None else before != after


def _node_state(node: NodeState | None) -> str:
    if node is None:
        return ""
    if not node.running:
        return f"does not answer ({node.status})"
    if node.vsan_connected is False:
        return "cut off from the vSAN"
    return "in maintenance" if node.maintenance else "up"


def with_logs(found: Columns, lines: Mapping[int, LogLine]) -> Columns:
    """The same table with the newest log line of each machine."""
    of = [lines.get(machine) for machine in found["machine_key"]]
    return {
        **found,
        "log_at": [line.at if line else None for line in of],
        "log": [f"{line.level}: {line.text}" if line else "" for line in of],
    }


def wanting(found: Columns) -> list[int]:
    """The positions of the VMs that need attention: the most urgent first, then the longest silent."""
    some = [at for at, rung in enumerate(found["suggestion"]) if rung != "none"]
    return sorted(some, key=lambda at: (RANK[found["suggestion"][at]], -(found["heartbeat_s"][at] or 0), at))


def table_of(found: Columns, positions: Sequence[int]) -> Table:
    """These VMs as rows."""
    return TRIAGE.table(*(tuple(found[name][at] for name, _ in TRIAGE.columns) for at in positions))


def picture_of(found: Columns) -> Table:
    """The number of VMs on each node in each status."""
    counts: dict[tuple[str, str], int] = {}
    for where in zip(found["node"], found["status"], strict=True):
        counts[where] = counts.get(where, 0) + 1
    return FLEET.table(*((node, status, count) for (node, status), count in sorted(counts.items())))
