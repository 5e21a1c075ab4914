"""Capture a real system in a file: the tables that a force-off reads, read twice, without names. Reads only.

Large tables are read with the columns that the procedure and the fleet's triage read, so that 10,000 VMs take
no more than 60 calls. A few whole rows of each show what other columns the platform has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.transport.answer import TABLE
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.connect.pseudonyms import Pseudonyms
from vergeos_nb.errors import ApiError, PermissionDenied
from vergeos_nb.files import disk_errors, put
from vergeos_nb.settings import Profile
from vergeos_nb.simulator import CAPTURE_FORMAT, Captured
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.exchange import Exchange

BETWEEN_S = 6.0
"""Seconds between the two readings. The platform writes its tables every 5 s (one of its settings)."""

SAMPLED = 20
"""How many whole rows of each large table are read."""

LOG_LINES = 200

LARGE: Mapping[str, tuple[str, ...]] = {
    "vms": (
        "name", "machine", "enabled", "is_snapshot", "cpu_cores", "ram", "machine_type", "os_family",
        "guest_agent", "ha_group", "cluster", "on_power_loss", "allow_hotplug", "need_restart", "created",
        "modified",
    ),
    "machines": ("name", "type", "owner", "status", "stats", "cluster", "ha_group", "enabled"),
    "machine_nics": ("name", "machine", "vnet", "ipaddress", "interface", "enabled", "status", "stats"),
    "machine_drives": (
        "name", "machine", "interface", "media", "media_source", "advanced", "disksize", "used_bytes",
        "preferred_tier", "enabled", "readonly", "status", "stats",
    ),
}  # fmt: skip
MOVING: Mapping[str, tuple[str, ...]] = {
    "machine_status": (
        "machine", "running", "migratable", "node", "migrated_node", "migration_destination", "started",
        "status", "status_info", "state", "powerstate", "last_update", "running_cores", "running_ram",
        "agent_version",
    ),
    "machine_stats": ("machine", "total_cpu", "ram_used", "ram_pct", "vram_used", "core_peak", "modified"),
    "machine_drive_stats": (
        "parent_drive", "reads", "writes", "read_bytes", "write_bytes", "last_update",
    ),
    "machine_nic_stats": (
        "parent_nic", "tx_pckts", "rx_pckts", "tx_bytes", "rx_bytes", "last_update",
    ),
}  # fmt: skip
SMALL = ("system", "clusters", "nodes", "vnets", "tenant_nodes", "settings", "tag_members", "tags")
"""Small tables, read with most columns. A table that this user may not read is left out."""

WHOLE = filters.fields("most", "$key")


def capture(
    profile: Profile,
    *,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[Captured, bytes]:
    """Read a system and mask what was read. Reads only.

    Args:
        transport: replaces the network.
        progress: called with the name of each table before it is read.

    Returns:
        The capture, and the content of its file, which holds no text of the system.

    Raises:
        ApiError, AuthError: a table that a force-off needs cannot be read.
        RecordError: a text of the system is still in it.
    """
    clock, calls = clock or SystemClock(), _Calls()
    wire = Wire(profile, clock=clock, transport=transport, on_exchange=calls.count)
    with VergeApi(wire) as api:
        system = api.system()
        tables: dict[str, list[Any]] = {}
        before: dict[str, list[Any]] = {}
        for table in (*LARGE, *MOVING):
            progress(table)
            fields = filters.fields("$key", *(LARGE.get(table) or MOVING[table]))
            (tables if table in LARGE else before)[table] = api.whole_table(table, fields=fields)
        first_at = clock.monotonic()
        samples = {table: _sample(wire, table) for table in (*LARGE, *MOVING)}
        tables.update({table: _small(wire, table) for table in SMALL})
        tables["machine_logs"] = _logs(wire)
        clock.sleep(max(0.0, BETWEEN_S - (clock.monotonic() - first_at)))
        for table, columns in MOVING.items():
            progress(f"{table} again")
            tables[table] = api.whole_table(table, fields=filters.fields("$key", *columns))
        between = clock.monotonic() - first_at
        now = clock.now() + (system.clock_skew_s or 0.0)
        secrets = wire.secrets
    names = Pseudonyms()
    captured = Captured(
        CAPTURE_FORMAT, round(now, 3), round(between, 3), system.version, calls.number,
        _masked(names, tables), _masked(names, before), _masked(names, samples),
    )  # fmt: skip
    content = msgspec.json.encode(captured) + b"\n"
    login = profile.credentials
    user = login.username if login is not None and login.username else ""
    names.check(content, (*secrets, profile.host, user, system.cloud_name))
    return captured, content


def write(path: Path, content: bytes) -> None:
    """Write a capture, whole or not at all.

    Raises:
        RecordError: it cannot be written.
    """
    with disk_errors(
        "writing the capture", "name a file in a folder that exists and can be written", where=path
    ):
        put(path, content)


class _Calls:
    """How many requests were sent."""

    def __init__(self) -> None:
        self.number = 0

    def count(self, exchange: Exchange) -> None:
        self.number += 1


def _masked(names: Pseudonyms, tables: Mapping[str, list[Any]]) -> dict[str, list[dict[str, Any]]]:
    return {table: [names.masked(table, row) for row in rows] for table, rows in tables.items()}


def _sample(wire: Wire, table: str) -> list[Any]:
    return _rows(wire, table, fields=WHOLE, sort="+$key", limit=str(SAMPLED))


def _logs(wire: Wire) -> list[Any]:
    columns = filters.fields("$key", "machine", "level", "text", "user", "timestamp")
    return _rows(wire, "machine_logs", fields=columns, sort="-timestamp", limit=str(LOG_LINES))


def _small(wire: Wire, table: str) -> list[Any]:
    return _rows(wire, table, fields=WHOLE, limit="1000")


def _rows(wire: Wire, table: str, **query: str) -> list[Any]:
    try:
        found = wire.read(table, asked=f"reading {table}", bounds=TABLE, **query)
        rows = found if isinstance(found, list) else [found]
        return [row for row in decoded_rows.rows_of(rows, table, f"reading {table}") if "$key" in row]
    except (ApiError, PermissionDenied):
        # Capturing continues without such rows. The file shows that they are missing.
        return []
