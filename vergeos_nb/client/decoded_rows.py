"""Rows of the API's answers turned into records, every field checked.

A truth value is a JSON boolean, 0 or 1, or ``"true"`` or ``"false"``. A number may come as text, and a whole
one as a float without a fraction: live serialisation was seen to vary (govergeos, decision records), and the
vendor's documents show both.

Any other value of a key, a name or a field that a guard compares is an error, because reading it wrongly
could power off the wrong VM. Any other value of a field that is only evidence becomes None. Then ``unread``
names the field, its witness is silent, and the run continues.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from vergeos_nb.client.error_bodies import said_in_row
from vergeos_nb.client.scrub import visible
from vergeos_nb.errors import REPORT, ErrorInAnswer, MissingField, WrongShape
from vergeos_nb.vergeos.rights import Permission
from vergeos_nb.vergeos.rows import MachineKey, MachineStats, MachineStatus, StatusKey, Vm, VmKey, VmNow

T = TypeVar("T")

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_WHOLE = re.compile(r"-?[0-9]{1,20}(\.0{1,20})?")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_MOST = 2**63
# The end of the year 2199. A later value is not taken for a time; DataFrames could not hold some of them.
LAST_TIME = 7_258_118_400
_NEXT_STEP = f"check that the host is a VergeOS system of a version that is supported; if it is, {REPORT}"


class UserAccount(Struct, frozen=True):
    """A row of ``users``: who is logged in."""

    key: int
    name: str
    type: str
    enabled: bool
    identity: int | None = None


class RowFields:
    """One row, with methods that read its fields. Every error names the field and the table."""

    def __init__(self, row: Any, table: str, asked: str) -> None:
        self._table = table
        self._asked = asked
        self._unread: list[str] = []
        if (said := said_in_row(row)) is not None:
            raise _error_in(row, said, asked)
        if not isinstance(row, Mapping):
            raise self.wrong(f"a row of {table} is {_kind(row)}, not an object")
        self.row: Mapping[str, Any] = row

    def wrong(self, came_back: str) -> WrongShape:
        """The error for a row of the wrong shape."""
        return WrongShape(self._asked, came_back, _NEXT_STEP)

    def integer(self, name: str) -> int:
        """A whole number that must be there."""
        return self._integer(name, self._there(name))

    def integer_or_none(self, name: str) -> int | None:
        """A whole number; None if it is null or missing."""
        value = self.row.get(name)
        return None if value is None else self._integer(name, value)

    @property
    def unread(self) -> tuple[str, ...]:
        """The evidence fields that could not be read so far, each with its value."""
        return tuple(self._unread)

    def seen_number(self, name: str) -> float | None:
        """A number that is only evidence; None if it is null, missing or not a number."""
        return self._seen(name, number)

    def seen_integer(self, name: str) -> int | None:
        """A whole number that is only evidence; None if it is null, missing or not a whole number."""
        return self._seen(name, whole)

    def seen_time(self, name: str) -> int | None:
        """Whole seconds since 1970 that are only evidence; None if they are null, missing or not a time."""
        return self._seen(name, _time)

    def seen_truth(self, name: str) -> bool | None:
        """A truth value that is only evidence; None if it is null, missing or not a truth value."""
        return self._seen(name, truth_value)

    def seen_text(self, name: str) -> str:
        """Text that is only evidence or a label; "" if it is null, missing or not text."""
        return self._seen(name, lambda value: value if isinstance(value, str) else None) or ""

    def seen_numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers that is only evidence; empty if it is null, missing or not such a list."""
        return self._seen(name, _numbers) or ()

    def _seen(self, name: str, read: Callable[[Any], T | None]) -> T | None:
        value = self.row.get(name)
        if value is None:
            return None
        found = read(value)
        if found is None:
            self._unread.append(f"{name} is {_shown(value)}")
        return found

    def key(self, name: str) -> int:
        """A whole number above zero that must be there."""
        number = self.integer(name)
        if number <= 0:
            raise self._off(name, number, "a key above zero")
        return number

    def truth(self, name: str) -> bool:
        """A truth value that must be there."""
        value = self._there(name)
        found = truth_value(value)
        if found is None:
            raise self._off(name, value, "true or false")
        return found

    def text(self, name: str) -> str:
        """Text that must be there."""
        value = self._there(name)
        if not isinstance(value, str):
            raise self._off(name, value, "text")
        return value

    def text_or_empty(self, name: str) -> str:
        """Text; "" if it is null or missing."""
        return "" if self.row.get(name) is None else self.text(name)

    def text_or_number(self, name: str) -> str:
        """A key that some tables keep as text and others as a whole number, as text."""
        value = self._there(name)
        found = None if isinstance(value, str) else whole(value)
        return self.text(name) if found is None else str(found)

    def _there(self, name: str) -> Any:
        if name not in self.row:
            raise MissingField(self._asked, f"a row of {self._table} has no field {name!r}", _NEXT_STEP)
        return self.row[name]

    def _integer(self, name: str, value: Any) -> int:
        found = whole(value)
        if found is None:
            raise self._off(name, value, "a whole number")
        return found

    def _off(self, name: str, value: Any, wanted: str) -> WrongShape:
        return self.wrong(f"{name!r} in a row of {self._table} is {_shown(value)}, not {wanted}")


def rows_of(data: Any, table: str, asked: str) -> list[Any]:
    """The rows of a list answer.

    No match is ``[]`` (pyvergeos 1.7.1) or ``{"$count": 0}`` (the vendor's Ansible collection).

    Raises:
        WrongShape: it is not a list.
        ErrorInAnswer: it is an error of the platform.
    """
    if (said := said_in_row(data)) is not None:
        raise _error_in(data, said, asked)
    if isinstance(data, Mapping) and list(data) == ["$count"] and whole(data["$count"]) == 0:
        return []
    if not isinstance(data, list):
        raise WrongShape(asked, f"the answer for {table} is {_kind(data)}, not a list", _NEXT_STEP)
    return data


def whole(value: Any) -> int | None:
    """The value as a whole number, however it is written; None if it is none, or too large for a column."""
    if isinstance(value, str):
        value = int(value.partition(".")[0]) if _WHOLE.fullmatch(value) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_MOST <= value < _MOST else None


def number(value: Any) -> float | None:
    """The value as a number, whole if it has no fraction; None if it is not a number."""
    if (found := whole(value)) is not None:
        return found
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, float) and math.isfinite(value) and abs(value) < _MOST else None


def _time(value: Any) -> int | None:
    found = number(value)
    return None if found is None or not 0 <= found < LAST_TIME else int(found)


def truth_value(value: Any) -> bool | None:
    if isinstance(value, float):
        value = whole(value)
    return _TRUTH.get(str(value).lower()) if isinstance(value, str | int) else None


def _numbers(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, list):
        return None
    found = [number(one) for one in value]
    return None if None in found else tuple(one for one in found if one is not None)


def _error_in(row: Any, said: str, asked: str) -> ErrorInAnswer:
    came_back = f"an error came in place of a row: {visible(said) or 'no text'}"
    return ErrorInAnswer(asked, came_back, "read the platform's words; the answer itself is not used")


def vm(row: Any, asked: str) -> Vm:
    """A `Vm` from a row of ``vms``."""
    of = RowFields(row, "vms", asked)
    return Vm(
        key=VmKey(of.key("$key")),
        name=of.text("name"),
        machine=MachineKey(of.key("machine")),
        is_snapshot=of.truth("is_snapshot"),
        cpu_cores=of.seen_integer("cpu_cores"),
        ram=of.seen_integer("ram"),
        machine_type=of.seen_text("machine_type"),
        ha_group=of.seen_text("ha_group"),
    )


def vm_now(row: Any, key: VmKey, asked: str) -> VmNow:
    """A `VmNow` from one row of ``vms`` with what its machine's status says.

    Raises:
        WrongShape: among others, the row is another VM's.
    """
    of = RowFields(row, "vms", asked)
    if of.key("$key") != key.value:
        raise of.wrong(f"VM {key} was asked for and the row of VM {of.key('$key')} came")
    return VmNow(
        vm=key,
        name=of.text("name"),
        is_snapshot=of.truth("is_snapshot"),
        machine=MachineKey(of.key("machine")),
        status_key=StatusKey(of.key("status_key")),
        status_machine=MachineKey(of.key("status_machine")),
        running=of.truth("running"),
        status=of.text("status"),
        state=of.text("state"),
        powerstate=of.seen_truth("powerstate"),
        node=of.integer_or_none("node"),
        migrated_node=of.integer_or_none("migrated_node"),
        migration_destination=of.integer_or_none("migration_destination"),
        started=of.integer_or_none("started"),
    )


def machine_status(row: Any, key: StatusKey | None, asked: str) -> MachineStatus:
    """A `MachineStatus` from a row of ``machine_status``.

    Args:
        key: the key by which the row was read. The views ``most`` and ``all`` can lack ``$key`` (pyvergeos
            1.7.1). None if the row was found by a filter; then it must have ``$key``.

    Raises:
        WrongShape: among others, the row has another key than the one asked for.
    """
    of = RowFields(row, "machine_status", asked)
    if key is None:
        key = StatusKey(of.key("$key"))
    elif of.row.get("$key") is not None and of.key("$key") != key.value:
        raise of.wrong(f"status row {key} was asked for and row {of.key('$key')} came")
    return MachineStatus(
        key=key,
        machine=MachineKey(of.key("machine")),
        running=of.truth("running"),
        status=of.text("status"),
        state=of.text("state"),
        powerstate=of.seen_truth("powerstate"),
        migratable=of.seen_truth("migratable"),
        status_info=of.seen_text("status_info"),
        node=of.integer_or_none("node"),
        migrated_node=of.integer_or_none("migrated_node"),
        migration_destination=of.integer_or_none("migration_destination"),
        started=of.integer_or_none("started"),
        last_update=of.seen_time("last_update"),
        running_cores=of.seen_integer("running_cores"),
        running_ram=of.seen_integer("running_ram"),
        row=dict(of.row),
        unread=of.unread,
    )


def machine_stats(row: Any, machine: MachineKey, asked: str) -> MachineStats:
    """A `MachineStats` from a row of ``machine_stats``.

    Raises:
        WrongShape: among others, the row is another machine's.
    """
    of = RowFields(row, "machine_stats", asked)
    if of.key("machine") != machine.value:
        raise of.wrong(f"machine {machine} was asked for and the row of machine {of.key('machine')} came")
    return MachineStats(
        machine=machine,
        total_cpu=of.seen_number("total_cpu"),
        ram_used=of.seen_number("ram_used"),
        core_usage=of.seen_numbers("core_usagelist"),
        modified=of.seen_time("modified"),
        row=dict(of.row),
        unread=of.unread,
    )


def account(row: Any, asked: str) -> UserAccount:
    """A `UserAccount` from a row of ``users``."""
    of = RowFields(row, "users", asked)
    identity = of.seen_integer("identity")
    return UserAccount(of.key("$key"), of.text("name"), of.seen_text("type"), of.truth("enabled"), identity)


def permission(row: Any, asked: str) -> Permission:
    """A `Permission` from a row of ``permissions``."""
    of = RowFields(row, "permissions", asked)
    return Permission(of.seen_text("table"), of.seen_integer("row"), of.seen_truth("modify") is True)


def _shown(value: Any) -> str:
    # Text of the answer is not repeated here. The exchange holds it, with secrets masked.
    return str(value)[:40] if isinstance(value, int | float) else _kind(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
