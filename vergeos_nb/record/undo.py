"""The undo capsule: the status row as it was before it was overridden, and the request that restores it."""

from __future__ import annotations

from typing import Any

from vergeos_nb.client.decoded_rows import machine_status, whole
from vergeos_nb.client.rows_behind_vm import asks_for_rows_behind, status_rows_in
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import ApiError
from vergeos_nb.journal.run_state import ChangingCall, RunState
from vergeos_nb.procedure.runbooks.restore_status import undo_request
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.exchange import Exchange, api_path
from vergeos_nb.vergeos.rows import MachineStatus, StatusKey


def undo_of(account: RunState) -> dict[str, Any] | None:
    """``row`` and ``request`` of a run that sent, or may have sent, the override; else None. Pure."""
    number = account.fact("status_key")
    if number is None:
        return None
    key = StatusKey(number)
    override = requests.override(key)
    sent = [call for call in account.changing_calls if call.key == override.key]
    row = _row_before(account, key, sent[0]) if sent else None
    return None if row is None else {"row": dict(row.row), "request": undo_request(row).as_sent()}


def _row_before(account: RunState, key: StatusKey, put: ChangingCall) -> MachineStatus | None:
    """The whole row as it was read last before the override: an earlier method may have changed it."""
    reads = [row for call in account.exchanges if _is_before(call, put) for row in _status_rows(call, key)]
    for row in [*reversed(reads), account.fact("before")]:
        try:
            return machine_status(row, key, "reading the row as it was")
        except ApiError:
            continue
    return None


def _status_rows(call: Exchange, key: StatusKey) -> list[Any]:
    """The status rows in the answer to a read, by the row's own key or with its VM's row."""
    if (call.method, call.status) != ("GET", 200):
        return []
    if call.path == api_path(StatusKey.path(key)):
        return [call.answer]
    if not asks_for_rows_behind(call.path, call.query):
        return []
    return [row for row in status_rows_in(call.answer) if whole(row.get("$key")) == key.value]


def _is_before(call: Exchange, put: ChangingCall) -> bool:
    if put.exchange is not None:
        return call.number < put.exchange.number
    # The run died during its override. A row that recovery read later is not the row from before. The
    # journal's times have milliseconds.
    return call.number <= put.follows and call.sent_at <= from_iso(put.intended_at) + 0.001
