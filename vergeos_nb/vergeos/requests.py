"""Every changing request as data, so that a plan shows exactly the request that is sent.

There is one function for each request. The client sends only requests that these functions make. They do not
send anything themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from vergeos_nb.errors import UsageError
from vergeos_nb.vergeos.exchange import Request, api_path
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, VmKey

NAME_MAX = 128
DESCRIPTION_MAX = 2048
"""Longest name and description of a snapshot in characters (the vendor's schema, in tsvergeos)."""

VmAction = Literal["poweroff", "kill", "poweron"]
NodeQuery = Literal["top"]
NetworkQuery = Literal["ping", "arp-scan"]


def poweroff(vm: VmKey) -> Request:
    """Ask the guest to shut down (ACPI). A guest that ignores it keeps running (D-power, pyvergeos 1.7.1)."""
    return vm_action(vm, "poweroff")


def kill(vm: VmKey) -> Request:
    """End the VM's process at once, like pulling the plug (D-power, pyvergeos 1.7.1)."""
    return vm_action(vm, "kill")


def poweron(vm: VmKey) -> Request:
    """Start the VM (D-power, pyvergeos 1.7.1)."""
    return vm_action(vm, "poweron")


def vm_action(vm: VmKey, action: VmAction) -> Request:
    """``POST vm_actions`` with the VM's key, which differs from its machine's key.

    Raises:
        UsageError: the action is not one of these three.
    """
    return _change(
        "POST", "vm_actions", {"vm": VmKey.number(vm), "action": _known(action, VmAction, "action")}
    )


def override(key: StatusKey) -> Request:
    """Step 5 of the vendor's procedure, exactly: these four fields and no others."""
    return status_fields(
        key, {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
    )  # fmt: skip


def status_fields(key: StatusKey, body: Mapping[str, Any]) -> Request:
    """Write these fields into a status row.

    Raises:
        UsageError: there are none.
    """
    if not body:
        raise UsageError(
            f"writing into machine status {key}", "no field is named", "name the fields to write"
        )
    return _change("PUT", StatusKey.path(key), dict(body))


def snapshot(machine: MachineKey, name: str, expires: int, description: str = "") -> Request:
    """Take a snapshot that expires, without quiescing the guest.

    ``quiesce`` needs a guest agent that answers, and a stuck VM has none. ``expires`` is always given.
    Without it the platform chooses 72 hours, and with 0 it keeps the snapshot for ever (pyvergeos 1.7.1).

    Args:
        expires: seconds since 1970.

    Raises:
        UsageError: the platform does not take a name or description of this length, or the snapshot would
            not expire.
    """
    asked = f"taking a snapshot of machine {machine}"
    if not 1 <= len(name) <= NAME_MAX:
        raise UsageError(asked, f"its name has {len(name)} characters", f"give it 1 to {NAME_MAX}")
    if len(description) > DESCRIPTION_MAX:
        raise UsageError(
            asked, f"its description has {len(description)} characters", f"give at most {DESCRIPTION_MAX}"
        )
    if isinstance(expires, bool) or not isinstance(expires, int) or expires <= 0:
        raise UsageError(
            asked, f"{expires!r} is not a time at which it can end", "give seconds since 1970, above 0"
        )
    return _change(
        "POST",
        "machine_snapshots",
        {
            "machine": MachineKey.number(machine),
            "name": name,
            "created_manually": True,
            "quiesce": False,
            "expires": expires,
            "expires_type": "date",
            "description": description,
        },
    )


def node_query(node: int, query: NodeQuery) -> Request:
    """Run a diagnostic command on a node. It changes nothing there, but makes a row in ``node_queries``.

    Args:
        node: ``$key`` of the row in ``nodes``.

    Raises:
        UsageError: the query is not one of these, or the node is not a key.
    """
    _number(node, "node", query)
    body = {"node": node, "query": _known(query, NodeQuery, "query")}
    return _change("POST", "node_queries", body)


def network_query(network: int, query: NetworkQuery, host: str) -> Request:
    """Look for a host on a network. This changes nothing there, but makes a row in ``vnet_queries``.

    Networks are isolated from each other and from the nodes, so a guest is best asked on its own network. The
    column ``vnet`` and ``params`` with ``host`` are those of pyvergeos 1.7.1 queries.py; for ``arp-scan``
    this is assumed.

    Args:
        network: ``$key`` of the row in ``vnets``.

    Raises:
        UsageError: the query is not one of these, or the network is not a key.
    """
    _number(network, "network", query)
    body = {"vnet": network, "query": _known(query, NetworkQuery, "query"), "params": {"host": host}}
    return _change("POST", "vnet_queries", body)


def _change(method: Literal["POST", "PUT"], table_path: str, body: Mapping[str, Any]) -> Request:
    return Request(method, api_path(table_path), body)


def _number(key: int, what: str, query: str) -> None:
    if isinstance(key, bool) or not isinstance(key, int) or key <= 0:
        raise UsageError(
            f"asking a {what} for {query}", f"{key!r} is not the key of a {what}", "give a number above zero"
        )


def _known(word: str, words: Any, what: str) -> str:
    known = get_args(words)
    if word not in known:
        # No "did you mean" here, because it would suggest "poweron" for "killpower".
        raise UsageError(f"using the {what} {word!r}", "it is unknown", f"known: {', '.join(sorted(known))}")
    return word
