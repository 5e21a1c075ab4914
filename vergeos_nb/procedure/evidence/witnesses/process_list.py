"""The node's process list, if it was asked for.

ASSUME_TOP_NAMES_VMS
    If a node's answer to the query ``top`` contains the VM's name, it lists the VM's process. If the name is
    missing, that proves nothing, because no document says what a VergeOS node prints there.
"""

from __future__ import annotations

from vergeos_nb.procedure.evidence.witness import Evidence, Question, Witness
from vergeos_nb.procedure.values.votes import Vote

ASSUME_TOP_NAMES_VMS = True
SOURCE = "node_queries"


def vote(evidence: Evidence) -> Vote:
    """The vote of the node's process list."""
    asked = evidence.answers.get(SOURCE)
    if asked is None or asked.answer is None:
        return Vote(SOURCE, "silent", "not asked (parameter probe_node)")
    if asked.answer.status != "complete":
        return Vote(SOURCE, "silent", f"the node did not complete it (status {asked.answer.status})")
    if ASSUME_TOP_NAMES_VMS and evidence.vm_name in asked.answer.result:
        return Vote(SOURCE, "alive", f"the node's process list names {evidence.vm_name!r}")
    return Vote(SOURCE, "silent", "the node's process list does not name the VM, which proves nothing")


PROCESS_LIST = Witness(
    source=SOURCE,
    reads="the process list of the VM's node",
    alive="it names the VM",
    vote=vote,
    question=Question("top", "probe_node"),
    assumes=("ASSUME_TOP_NAMES_VMS",),
)
