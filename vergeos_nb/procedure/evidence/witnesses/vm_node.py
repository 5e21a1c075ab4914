"""The VM's node. Its vote never decides. It shows how reliable the other votes are."""

from __future__ import annotations

from vergeos_nb.procedure.evidence.sample import cannot_be_read
from vergeos_nb.procedure.evidence.witness import Evidence, Witness
from vergeos_nb.procedure.values.votes import Vote

SOURCE = "nodes"


def vote(evidence: Evidence) -> Vote:
    """The vote of the node that the last status row names."""
    last = evidence.samples[-1] if evidence.samples else None
    key, node = (last.status.node, last.node) if last else (None, None)
    if key is None:
        return Vote(SOURCE, "silent", "the status row names no node")
    if node is None or node.key != key:
        return Vote(SOURCE, "silent", f"node {key} was not looked at, or is not listed")
    if node.unread:
        return Vote(SOURCE, "silent", f"{node.name}: {cannot_be_read(node.unread)}")
    if not node.running:
        unseen = "whatever runs there cannot be seen"
        return Vote(SOURCE, "silent", f"{node.name} does not answer (status {node.status}): {unseen}")
    if node.vsan_connected is False:
        return Vote(SOURCE, "silent", f"{node.name} runs, but is cut off from the vSAN")
    state = "in maintenance" if node.maintenance else "up"
    return Vote(SOURCE, "silent", f"{node.name} is {state} (status {node.status}), so its rows can be fresh")


VM_NODE = Witness(source=SOURCE, reads="the VM's node, as Verify read it", vote=vote)
