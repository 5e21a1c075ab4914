"""One method for each endpoint of the API that the procedure uses. They take typed keys and return records.

This module reads the system, the VM and the VM's rows. `evidence` reads everything else about it, and only
`changing` changes anything. The fields asked for are those of the vendor's own clients (pyvergeos 1.7.1) and
of the vendor's procedure.
"""

from __future__ import annotations

from typing import Self

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.changing import Changing
from vergeos_nb.client.decoded_rows import UserAccount
from vergeos_nb.client.evidence_reads import STATS, STATUS, VM, EvidenceReads
from vergeos_nb.client.learning_reads import LearningReads
from vergeos_nb.client.rows_behind_vm import RowsBehindVm
from vergeos_nb.client.transport.answer import FEW, NAMED, Bounds
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.whole_tables.fleet_tables import FleetReads
from vergeos_nb.client.whole_tables.listing import ListReads
from vergeos_nb.client.whole_tables.many_rows import ManyReads
from vergeos_nb.errors import REPORT, ApiError, PermissionDenied, WrongShape
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rights import Rights
from vergeos_nb.vergeos.rows import (
    MachineKey,
    MachineStats,
    MachineStatus,
    StatusKey,
    SystemInfo,
    Vm,
    VmKey,
    VmNow,
)

SIMULATOR_SERVER = "vergeos-nb-simulator"
"""The ``Server`` header by which this package's simulator says what it is, in every answer."""

_SYSTEM = filters.fields("$key", "id", "yb_version", "os_version", "cloud_name")
# `vms` has a column `running` of its own that is null on every row (pyvergeos 1.7.1): only the way through
# machine and status leads to the live value.
_VM_NOW = filters.fields(
    "$key", "name", "is_snapshot", "machine", "machine#status as status_key",
    "machine#status#machine as status_machine", "machine#status#running as running",
    "machine#status#status as status", "machine#status#state as state",
    "machine#status#powerstate as powerstate", "machine#status#node as node",
    "machine#status#migrated_node as migrated_node",
    "machine#status#migration_destination as migration_destination", "machine#status#started as started",
)  # fmt: skip
_USER = filters.fields("$key", "name", "type", "enabled", "identity")
_PERMISSION = filters.fields("$key", "identity", "table", "row", "modify")


class VergeApi(EvidenceReads, FleetReads, LearningReads, ListReads, ManyReads, RowsBehindVm, Changing):
    """A VergeOS system behind one `Wire`. A context manager that closes it.

    Every method raises `ApiError` or `AuthError` if there is no good answer, and `TypeError` for a key of
    another table.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.wire.close()

    def system(self) -> SystemInfo:
        """The system: ``GET system``, one row, alone or in a list (PSVergeOS, pyvergeos 1.7.1). Reads only.

        The server's time is that of the ``Date`` header, in whole seconds. It is compared with our time in
        the middle of the call.
        """
        asked = "asking the system who it is"
        answer = self.wire.read_answer("system", asked=asked, fields=_SYSTEM)
        found = answer.data if isinstance(answer.data, list) else [answer.data]
        if len(found) != 1:
            raise WrongShape(
                asked, f"{len(found)} systems answered", "check that the host is a VergeOS system"
            )
        of = decoded_rows.RowFields(found[0], "system", asked)
        skew = None
        if answer.server_time is not None:
            skew = answer.server_time - (answer.sent_at + answer.elapsed_s / 2)
        return SystemInfo(
            cloud_name=of.text("cloud_name"),
            version=of.text("yb_version"),
            os_version=of.seen_text("os_version"),
            simulated=answer.server == SIMULATOR_SERVER,
            server_time=answer.server_time,
            clock_skew_s=skew,
            id=of.text_or_empty("id"),
        )

    def vms_named(self, name: str) -> tuple[Vm, ...]:
        """Every row of ``vms`` that the platform finds for this name, snapshots too. Reads only.

        The caller compares the names in the rows with the requested one.

        Raises:
            UsageError: no VM can have this name.
        """
        asked = f"finding the VM {name!r}"
        wanted = filters.eq("name", filters.check_name(name))
        return self._vms(asked, NAMED, filter=wanted, fields=VM)

    def vms_like(self, text: str, limit: int = 20) -> tuple[Vm, ...]:
        """Rows of ``vms`` whose name contains this text in upper or lower case, at most `limit`. Reads only.

        Raises:
            UsageError: the text is empty or contains control characters.
        """
        asked = f"looking for VMs with a name like {text!r}"
        wanted = filters.contains("name", text)
        most = Bounds(limit, FEW.size)
        return self._vms(asked, most, filter=wanted, fields=VM, sort="+name", limit=str(limit))

    def vm_of_key(self, key: VmKey) -> Vm:
        """The row of ``vms`` with this key, which can be a snapshot's. Reads only."""
        path, asked = VmKey.path(key), f"finding the VM with the key {key}"
        found = decoded_rows.vm(self.wire.read(path, asked=asked, fields=VM), asked)
        if found.key != key:
            raise WrongShape(asked, f"VM {found.key} came", REPORT)
        return found

    def vm_now(self, key: VmKey) -> VmNow:
        """Identity and state of one VM in a single call. Reads only."""
        path, asked = VmKey.path(key), f"reading VM {key} and its state"
        return decoded_rows.vm_now(self.wire.read(path, asked=asked, fields=_VM_NOW), key, asked)

    def status_key(self, machine: MachineKey) -> StatusKey:
        """The key of the status row that this machine names. Reads only."""
        path, asked = MachineKey.path(machine), f"getting the status key of machine {machine}"
        row = self.wire.read(path, asked=asked, fields=filters.fields("status"))
        return StatusKey(decoded_rows.RowFields(row, "machines", asked).key("status"))

    def statuses_of(self, machine: MachineKey) -> tuple[MachineStatus, ...]:
        """Every status row that names this machine. Reads only."""
        asked = f"finding the status rows of machine {machine}"
        wanted = filters.eq("machine", MachineKey.number(machine))
        data = self.wire.read("machine_status", asked=asked, filter=wanted, fields=STATUS)
        found = decoded_rows.rows_of(data, "machine_status", asked)
        return tuple(decoded_rows.machine_status(row, None, asked) for row in found)

    def machine_status(self, key: StatusKey) -> MachineStatus:
        """One whole status row (``fields=most``, as in the vendor's procedure). Reads only."""
        path, asked = StatusKey.path(key), f"reading machine status {key}"
        return decoded_rows.machine_status(self.wire.read(path, asked=asked, fields="most"), key, asked)

    def machine_stats(self, machine: MachineKey) -> MachineStats | None:
        """The last measurements of this machine; None if it has no stats row. Reads only."""
        asked = f"reading the stats of machine {machine}"
        wanted = filters.eq("machine", MachineKey.number(machine))
        data = self.wire.read("machine_stats", asked=asked, filter=wanted, fields=STATS)
        found = decoded_rows.rows_of(data, "machine_stats", asked)
        if len(found) > 1:
            raise WrongShape(asked, f"{len(found)} rows came where a machine has one", REPORT)
        return decoded_rows.machine_stats(found[0], machine, asked) if found else None

    def account(self, username: str) -> UserAccount | None:
        """The row of ``users`` with this name; None if it does not exist or may not be listed. Reads only."""
        asked = f"looking up the user {username!r}"
        data = self.wire.read("users", asked=asked, filter=filters.eq("name", username), fields=_USER)
        found = [decoded_rows.account(row, asked) for row in decoded_rows.rows_of(data, "users", asked)]
        return next((one for one in found if one.name == username), None)

    def own_rights(self) -> Rights:
        """What the user's own permissions allow, as far as the API shows it. Reads only.

        The API does not say whose a token or API key is, and some users may not see the tables.
        """
        credentials = self.wire.profile.credentials
        if credentials is None or credentials.username is None:
            return Rights()
        asked = "looking up what this user may do"
        try:
            account = self.account(credentials.username)
            if account is None or account.identity is None:
                return Rights()
            wanted = filters.eq("identity", account.identity)
            data = self.wire.read("permissions", asked=asked, filter=wanted, fields=_PERMISSION)
            return Rights(
                tuple(
                    decoded_rows.permission(row, asked)
                    for row in decoded_rows.rows_of(data, "permissions", asked)
                )
            )
        except (ApiError, PermissionDenied):
            return Rights()

    def _vms(self, asked: str, bounds: Bounds, **wanted: str) -> tuple[Vm, ...]:
        data = self.wire.read("vms", asked=asked, bounds=bounds, **wanted)
        return tuple(decoded_rows.vm(row, asked) for row in decoded_rows.rows_of(data, "vms", asked))
