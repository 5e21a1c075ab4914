"""Witnesses beside the two rows: counters, the node, its process list, the machine's log. Pure.

None of them can prove a death. A counter that stands still belongs to a dead process or to an idle one; a
node that does not answer proves nothing about its VMs.

Assumptions about the platform that no source settles:

ASSUME_MOVING_COUNTER_IS_LIFE
    A NIC's or drive's cumulative counter that grows between two readings is moved by the VM's process.
ASSUME_TOP_NAMES_VMS
    A node's answer to the query ``top`` that holds the VM's name lists its process. Its absence is taken for
    nothing: what a VergeOS node prints there is documented nowhere.

ASSUME_PING_REPLY_IS_LIFE
    A node's answer to the query ``ping`` that holds a reply, as ping prints one, comes from the guest, if the
    address is the guest's; another machine that took the address over errs on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.step_tables import COUNTERS, LOGS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Vote
from vergeos_nb.vergeos.rows import Counter, LogLine, NodeState, QueryAnswer

ASSUME_MOVING_COUNTER_IS_LIFE = True
ASSUME_PING_REPLY_IS_LIFE = True
ASSUME_TOP_NAMES_VMS = True

# A reply as iputils and busybox print it.
_REPLY = re.compile(r"bytes from|\bttl=", re.IGNORECASE)

# Log texts of a guest or platform that has begun something anew ("VM has reset" is logged from inside the
# guest, vendor's page on unexpected restarts; that others hold these words is our reading).
SIGNS_OF_LIFE = ("has reset", "poweron", "power on", "powered on", "has started", "restarted")


def counters_table(readings: Sequence[Sequence[Counter]]) -> Table:
    """First and last reading of every counter."""
    first, last = _by_name(readings[0]), _by_name(readings[-1])
    return COUNTERS.table(
        *(
            (name, first.get(name), value, value - first[name] if name in first else None)
            for name, value in sorted(last.items())
        )
    )


def vote_of_counters(kind: str, readings: Sequence[Sequence[Counter]]) -> Vote:
    """The vote of the counters of the NICs (``nic``) or drives (``drive``)."""
    source = f"machine_{kind}s"
    if len(readings) < 2:
        return Vote(source, "silent", "it takes two readings to see a counter move")
    chosen = [_by_name([c for c in reading if c.kind == kind]) for reading in readings]
    unread = [f"{c.name}: {field}" for c in readings[-1] if c.kind == kind for field in c.unread]
    if not chosen[-1] and not unread:
        return Vote(source, "silent", "there is none")
    lowest: dict[str, int] = {}
    moved = set()
    for reading in chosen:
        moved |= {name for name, value in reading.items() if value > lowest.get(name, value)}
        lowest |= {name: min(value, lowest.get(name, value)) for name, value in reading.items()}
    if moved and ASSUME_MOVING_COUNTER_IS_LIFE:
        return Vote(source, "alive", f"moved while it was watched: {', '.join(sorted(moved))}")
    if unread:
        return Vote(source, "silent", cannot_be_read(unread))
    return Vote(source, "silent", "stood still, as those of an idle VM do")


def vote_of_node(key: int | None, node: NodeState | None) -> Vote:
    """The vote of the VM's node. It never decides; it says how reliable the other votes are."""
    source = "nodes"
    if key is None:
        return Vote(source, "silent", "the status row names no node")
    if node is None or node.key != key:
        return Vote(source, "silent", f"node {key} was not looked at, or is not listed")
    if node.unread:
        return Vote(source, "silent", f"{node.name}: {cannot_be_read(node.unread)}")
    if not node.running:
        return Vote(
            source,
            "silent",
            f"{node.name} does not answer (status {node.status}): whatever runs there cannot be seen",
        )
    if node.vsan_connected is False:
        return Vote(source, "silent", f"{node.name} runs, but is cut off from the vSAN")
    state = "in maintenance" if node.maintenance else "up"
    return Vote(source, "silent", f"{node.name} is {state} (status {node.status}), so its rows can be fresh")


def vote_of_logs(lines: Sequence[LogLine]) -> Vote:
    """The vote of the machine's log since the run began."""
    source = "machine_logs"
    for line in lines:
        if any(sign in line.text.lower() for sign in SIGNS_OF_LIFE):
            return Vote(source, "alive", f"{iso(line.at)}: {line.text}")
    return Vote(source, "silent", f"{len(lines)} lines since the run began, none of a start")


def vote_of_top(answer: QueryAnswer | None, vm_name: str) -> Vote:
    """The vote of the node's process list, if it was asked for."""
    source = "node_queries"
    if answer is None:
        return Vote(source, "silent", "not asked (parameter probe_node)")
    if answer.status != "complete":
        return Vote(source, "silent", f"the node did not complete it (status {answer.status})")
    if ASSUME_TOP_NAMES_VMS and vm_name in answer.result:
        return Vote(source, "alive", f"the node's process list names {vm_name!r}")
    return Vote(source, "silent", "the node's process list does not name the VM, which proves nothing")


def vote_of_ping(answer: QueryAnswer | None, address: str) -> Vote:
    """The vote of a ping from the node to the guest. No reply is no evidence: guests block pings."""
    source = "node_queries ping"
    if answer is None or answer.status != "complete":
        status = answer.status if answer else "not answered"
        return Vote(source, "silent", f"the node did not complete it ({status})")
    if ASSUME_PING_REPLY_IS_LIFE and _REPLY.search(answer.result):
        return Vote(source, "alive", f"{address} answers a ping from its node")
    return Vote(source, "silent", f"{address} does not answer a ping, which proves nothing")


def cannot_be_read(fields: Sequence[str]) -> str:
    """Why a witness is silent: the platform gave its fields in another form."""
    shown = ", ".join(fields[:3]) + (", …" if len(fields) > 3 else "")
    return f"cannot be read: {shown}"


def logs_table(lines: Sequence[LogLine]) -> Table:
    """Log lines as rows, newest first."""
    return LOGS.table(*((line.at, line.level, line.user, line.text) for line in lines))


def contradictions(attested: Sequence[str], lines: Sequence[LogLine], since_h: float) -> list[str]:
    """The parts of an attestation that the machine's log does not support.

    Args:
        attested: actions that somebody says were tried: ``poweroff``, ``kill``.
        lines: the log of the last ``since_h`` hours.
    """
    texts = [line.text.lower() for line in lines]
    return [
        f"the machine's log of the last {since_h:g} h has no line that {action} was sent"
        for action in attested
        if not any(f"'{action}'" in text for text in texts)
    ]


def _by_name(counters: Sequence[Counter]) -> dict[str, int]:
    # With the key: nothing keeps two of them from having one name.
    return {f"{c.kind} {c.name} ({c.key}): {n}": value for c in counters for n, value in c.values.items()}
