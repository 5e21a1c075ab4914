"""Queries to the VM's node and its guest's network. Each is sent once, and only if a parameter says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vergeos_nb.errors import ApiError, PermissionDenied, Refused
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.evidence.witness import Answered, Question
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.steps.sending import send_once
from vergeos_nb.vergeos.rows import QueryAnswer

QUERY_WITHIN_S = 10.0


def answers(case: Case) -> dict[str, Answered]:
    """The answers to the queries that the parameters ask for, by witness."""
    asked = [(witness.source, witness.question) for witness in roll.WITNESSES if witness.question]
    values = {source: getattr(case.options, question.parameter, None) for source, question in asked}
    return {source: _answered(case, question, values[source]) for source, question in asked if values[source]}


def _answered(case: Case, question: Question, value: Any) -> Answered:
    """Send one query and return its answer."""
    query, platform = question.query, case.platform
    if query != "top":
        network, hardware, why = _network_of(case, value)
        if network is None:
            return Answered(value, None, why=why)
        answer = _asked(
            case, query, lambda: platform.ask_network(network, query, value), platform.network_answer
        )
        return Answered(value, answer, hardware)
    if case.node is None:
        return Answered(value, None)
    node = case.node.key
    return Answered(value, _asked(case, query, lambda: platform.ask_node(node, query), platform.node_answer))


def _network_of(case: Case, address: str) -> tuple[int | None, str, str]:
    """The network of the NIC with this address, and the NIC's MAC address; or why the network is unknown.

    A NIC may not show its address. Then the network is known only if all NICs are on the same network.
    """
    try:
        nics = case.platform.machine_rows(
            case.machine(), "machine_nics", ("$key", "vnet", "ipaddress", "macaddress")
        )
    except (ApiError, PermissionDenied) as error:
        return None, "", f"its NICs could not be read: {error.came_back}"
    own = [nic for nic in nics if nic.seen_text("ipaddress") == address]
    if len(own) == 1 and (network := own[0].seen_integer("vnet")):
        return network, own[0].seen_text("macaddress"), ""
    networks = {nic.seen_integer("vnet") for nic in nics}
    only = networks.pop() if len(networks) == 1 else None
    if only:
        return only, nics[0].seen_text("macaddress") if len(nics) == 1 else "", ""
    return None, "", f"no NIC of the VM shows the address {address}, and its NICs are not all on one network"


def _asked(
    case: Case, query: str, ask: Callable[[], str], answer_to: Callable[[str], QueryAnswer]
) -> QueryAnswer | None:
    """Send a query, and wait for its answer."""
    if stop := case.stop_wanted():
        case.note(f"no query {query} was sent: {stop} says stop")
        return None
    try:
        sent = send_once(case, "alive", None, ask)
        if sent.error is not None:
            raise sent.error
        assert sent.answer is not None
        end = case.clock.monotonic() + QUERY_WITHIN_S
        while True:
            answer = answer_to(sent.answer)
            if answer.status in ("complete", "error") or case.clock.monotonic() >= end:
                return answer
            case.clock.sleep(min(1.0, case.options.poll_s))
    except (ApiError, PermissionDenied, Refused) as error:
        # Refused: this run sent the query before, and was cut short before the answer.
        case.note(f"the answer to {query} is not known: {error.came_back}")
        return None
