"""A ping from the node to the guest, if it was asked for. No reply is no evidence: guests block pings.

ASSUME_PING_REPLY_IS_LIFE
    A node's answer to the query ``ping`` that holds a reply, as ping prints one, comes from the guest, if the
    address is the guest's; another machine that took the address over errs on the safe side.
"""

from __future__ import annotations

import re

from vergeos_nb.procedure.evidence.witness import Evidence, Question, Witness
from vergeos_nb.procedure.values.votes import Vote

ASSUME_PING_REPLY_IS_LIFE = True
SOURCE = "node_queries ping"

# A reply as iputils and busybox print it.
_REPLY = re.compile(r"bytes from|\bttl=", re.IGNORECASE)


def vote(evidence: Evidence) -> Vote | None:
    """The vote of the ping, if there was one."""
    asked = evidence.answers.get(SOURCE)
    if asked is None:
        return None
    answer, address = asked.answer, asked.to
    if answer is None or answer.status != "complete":
        status = answer.status if answer else "not answered"
        return Vote(SOURCE, "silent", f"the node did not complete it ({status})")
    if ASSUME_PING_REPLY_IS_LIFE and _REPLY.search(answer.result):
        return Vote(SOURCE, "alive", f"{address} answers a ping from its node")
    return Vote(SOURCE, "silent", f"{address} does not answer a ping, which proves nothing")


GUEST_PING = Witness(
    source=SOURCE,
    reads="a ping from the VM's node to the guest's address",
    alive="the guest replies",
    vote=vote,
    question=Question("ping", "ping_ip", lambda address: {"host": address}),
    assumes=("ASSUME_PING_REPLY_IS_LIFE",),
)
