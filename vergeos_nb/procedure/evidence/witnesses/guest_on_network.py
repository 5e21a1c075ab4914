"""The guest on its own network, if it was asked for: a ping, and ARP, which answers where pings are blocked.

No reply is no evidence of death.

ASSUME_PING_REPLY_IS_LIFE
    If the answer to the query ``ping`` contains a reply as ping prints it, the guest has replied. If the ARP
    scan shows that another machine has the address, that machine has replied.

ASSUME_ARP_REPLY_IS_LIFE
    If the answer to the query ``arp-scan`` lists the guest's address with the MAC address of the VM's NIC, if
    that is known, the guest has replied. The scan asks each time; the table of neighbours (``arp``) can be
    old.
"""

from __future__ import annotations

import re
from typing import Literal

from vergeos_nb.procedure.evidence.witness import Answered, Evidence, Question, Witness
from vergeos_nb.procedure.values.votes import Vote

ASSUME_PING_REPLY_IS_LIFE = True
ASSUME_ARP_REPLY_IS_LIFE = True
PING, ARP = "vnet_queries ping", "vnet_queries arp-scan"

# A reply as iputils and busybox print it.
_REPLY = re.compile(r"bytes from|\bttl=", re.IGNORECASE)
# Address and MAC address at the beginning of a line, as arp-scan prints them.
_LINE = re.compile(r"^\s*(\S+)\s+((?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2})\b", re.IGNORECASE | re.MULTILINE)


def ping_vote(evidence: Evidence) -> Vote | None:
    """The vote of the ping, if there was one."""
    asked = evidence.answers.get(PING)
    if asked is None or (silent := _unanswered(PING, asked)) is not None:
        return None if asked is None else silent
    assert asked.answer is not None
    if taken := _taken_over(evidence):
        return Vote(PING, "silent", taken)
    if ASSUME_PING_REPLY_IS_LIFE and _REPLY.search(asked.answer.result):
        return Vote(PING, "alive", f"{asked.to} answers a ping on its own network")
    return Vote(PING, "silent", f"{asked.to} does not answer a ping, which proves nothing")


def arp_vote(evidence: Evidence) -> Vote | None:
    """The vote of the ARP scan, if there was one."""
    asked = evidence.answers.get(ARP)
    if asked is None or (silent := _unanswered(ARP, asked)) is not None:
        return None if asked is None else silent
    assert asked.answer is not None
    if taken := _taken_over(evidence):
        return Vote(ARP, "silent", taken)
    if ASSUME_ARP_REPLY_IS_LIFE and _found(asked):
        return Vote(ARP, "alive", f"{asked.to} answers ARP on its own network")
    return Vote(ARP, "silent", f"{asked.to} does not answer ARP, which proves nothing")


def _found(asked: Answered) -> set[str]:
    """The MAC addresses that the scan lists for the guest's address."""
    lines = _LINE.findall(asked.answer.result) if asked.answer is not None else []
    return {_plain(mac) for address, mac in lines if address == asked.to}


def _taken_over(evidence: Evidence) -> str:
    """A sentence if another machine now has the guest's address and replies itself; otherwise ""."""
    asked = evidence.answers.get(ARP)
    if asked is None or _unanswered(ARP, asked) is not None:
        return ""
    found = _found(asked)
    if not found or not asked.hardware or _plain(asked.hardware) in found:
        return ""
    return f"{asked.to} is another machine's now (MAC address {min(found)})"


def _unanswered(source: str, asked: Answered) -> Vote | None:
    answer = asked.answer
    if answer is not None and answer.status == "complete":
        return None
    why = asked.why or f"the network did not complete it ({answer.status if answer else 'not answered'})"
    return Vote(source, "silent", why)


def _plain(mac: str) -> str:
    return ":".join(part.zfill(2) for part in re.split("[:-]", mac.strip().lower()))


def _witness(query: Literal["ping", "arp-scan"]) -> Witness:
    ping = query == "ping"
    return Witness(
        source=PING if ping else ARP,
        reads=f"{'a ping' if ping else 'an ARP scan'} for the guest's address on the network of its NIC",
        alive="the guest replies" if ping else "the guest's address replies, with its NIC's MAC address",
        vote=ping_vote if ping else arp_vote,
        question=Question(query, "ping_ip"),
        assumes=("ASSUME_PING_REPLY_IS_LIFE" if ping else "ASSUME_ARP_REPLY_IS_LIFE",),
    )


GUEST_PING, GUEST_ARP = _witness("ping"), _witness("arp-scan")
