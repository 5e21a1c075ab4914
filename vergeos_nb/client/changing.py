"""The client's changing requests. Each of them is sent exactly once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vergeos_nb.client.decoded_rows import whole
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import MissingField
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.requests import NetworkQuery, NodeQuery, VmAction
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, VmKey

# A receipt's key goes into a path later: a number, or 40 hexadecimal digits (pyvergeos 1.7.1).
TAME_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Changing:
    """The changing half of `VergeApi`. `vergeos_nb.vergeos.requests` builds the requests.

    Every method raises `ApiError` or `AuthError`. If the error's ``may_have_executed`` is true, the change
    may have happened all the same: read back, and never send again.
    """

    wire: Wire

    def override_status(self, key: StatusKey, body: Mapping[str, Any]) -> Any:
        """Write these fields into a status row: ``PUT machine_status/KEY``. CHANGES the system; sent once.

        Returns:
            The decoded answer, which no source describes in full.
        """
        return self._change(requests.status_fields(key, body), f"override machine status {key}")

    def vm_action(self, vm: VmKey, action: VmAction) -> Any:
        """Send ``poweroff``, ``kill`` or ``poweron``. CHANGES the system; sent once.

        The answer means that the platform accepted it, not that it had an effect (D-power, govergeos).

        Returns:
            The decoded answer, which no source describes in full.
        """
        return self._change(requests.vm_action(vm, action), f"send {action} to VM {vm}")

    def create_snapshot(
        self, machine: MachineKey, name: str, expires: int, description: str = ""
    ) -> str | None:
        """Take a snapshot without quiescing. CHANGES the system; sent once.

        Returns:
            The key of its row; None if the answer has no key. ``snapshots_named`` finds it then.
        """
        change = requests.snapshot(machine, name, expires, description)
        return _receipt_key(self._change(change, f"take the snapshot {name!r} of machine {machine}"))

    def ask_node(self, node: int, query: NodeQuery) -> str:
        """Have a node run ``top``. The POST makes a row and changes nothing else. Sent once.

        Returns:
            The key for ``node_answer``.
        """
        return self._ask(requests.node_query(node, query), f"ask node {node} for {query}")

    def ask_network(self, network: int, query: NetworkQuery, host: str) -> str:
        """Have a network look for a host on it. The POST makes a row and changes nothing else. Sent once.

        Returns:
            The key for ``network_answer``.
        """
        return self._ask(
            requests.network_query(network, query, host), f"ask network {network} for {query} of {host}"
        )

    def _ask(self, query: Request, asked: str) -> str:
        key = _receipt_key(self._change(query, asked))
        if key is None:
            raise MissingField(
                asked, "the answer has no key, so its result cannot be found", "go on without it"
            )
        return key

    def _change(self, change: Request, asked: str) -> Any:
        return self.wire.change(change.method, change.table_path, change.fields, asked=asked)


def _receipt_key(receipt: Any) -> str | None:
    """``$key`` of a POST's receipt: text in D-create and pyvergeos 1.7.1; a number is accepted, too."""
    key = receipt.get("$key") if isinstance(receipt, Mapping) else None
    if (number := None if isinstance(key, str) else whole(key)) is not None:
        key = str(number)
    return key if isinstance(key, str) and TAME_KEY.fullmatch(key) else None
