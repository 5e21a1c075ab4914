"""Every VM of a system in two calls, for a person who searches one. Reads only."""

from __future__ import annotations

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.transport.answer import TABLE
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import ApiError, PermissionDenied
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import Listed, MachineKey, VmKey

_LISTED = filters.fields(
    "$key", "name", "machine", "cpu_cores", "ram", "machine#status#status as status",
    "machine#status#state as state", "machine#status#running as running",
    "machine#status#node#name as node_name", "machine#status#last_update as last_update",
)  # fmt: skip
_TAG = filters.fields("member", "tag#name as tag_name")
# A VM that hangs shows in one of these (status values: pyvergeos and tsvergeos agree on the list).
STUCK = frozenset({"unresponsive", "stopping"})


class ListReads:
    """The part of `VergeApi` that lists."""

    wire: Wire

    def vms_listed(self, name: str = "") -> tuple[Listed, ...]:
        """Every VM that is not a snapshot, by key. Reads only.

        Args:
            name: only VMs that the platform finds for this name; "" for all.

        Raises:
            UsageError: no VM can have this name.
        """
        asked = f"listing the VMs named {name!r}" if name else "listing the VMs"
        wanted = filters.eq("is_snapshot", False)
        if name:
            wanted = filters.and_(filters.eq("name", filters.check_name(name)), wanted)
        data = self.wire.read("vms", asked=asked, bounds=TABLE, filter=wanted, fields=_LISTED)
        tags = self._tags()
        return tuple(_listed(row, asked, tags) for row in decoded_rows.rows_of(data, "vms", asked))

    def _tags(self) -> dict[str, list[str]]:
        asked = "reading the tags of VMs"
        found: dict[str, list[str]] = {}
        try:
            data = self.wire.read("tag_members", asked=asked, bounds=TABLE, fields=_TAG)
            for raw in decoded_rows.rows_of(data, "tag_members", asked):
                row = decoded_rows.RowFields(raw, "tag_members", asked)
                found.setdefault(row.seen_text("member"), []).append(row.seen_text("tag_name"))
        except (ApiError, PermissionDenied):
            # Tags only help a person to find a VM. If the system has no tags, or the user may not see them,
            # the VMs are still shown.
            return {}
        return found


def looks_stuck(status: str, state: str, running: bool | None) -> str:
    """Which value of a VM's row looks as if the VM hung, or "". A hint for a person; no verdict uses it."""
    if status in STUCK:
        return f"its status is {status}"
    if running and state not in ("online", ""):
        return f"it runs, and its state is {state}"
    return ""


def _listed(raw: object, asked: str, tags: dict[str, list[str]]) -> Listed:
    row = decoded_rows.RowFields(raw, "vms", asked)
    key = VmKey(row.key("$key"))
    status, state = row.seen_text("status"), row.seen_text("state")
    return Listed(
        key=key,
        name=row.text("name"),
        machine=MachineKey(row.key("machine")),
        status=status,
        state=state,
        node=row.seen_text("node_name"),
        cores=row.seen_integer("cpu_cores"),
        ram_mb=row.seen_integer("ram"),
        tags=tuple(sorted(tags.get(VmKey.path(key), ()))),
        why=looks_stuck(status, state, row.seen_truth("running")),
        last_write=row.seen_integer("last_update"),
    )
