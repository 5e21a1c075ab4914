"""Rows of the API's answers turned into records, every field checked.

A truth value is a JSON boolean, 0 or 1, or ``"true"`` or ``"false"``, and a number may come as text: live
serialisation was seen to vary (govergeos, decision records), and the vendor's documents show both. Anything
else stops with an error, because a wrong reading here would end in a wrong power-off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vergeos_nb.errors import MissingField, WrongShape
from vergeos_nb.records import MachineKey, MachineStats, MachineStatus, StatusKey, Vm, VmKey, VmNow

_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_NEXT_STEP = (
    "Check that the host is a VergeOS system of a known version; if it is, this is news about its API: keep "
    "the exchange and report it."
)


@dataclass(frozen=True, slots=True)
class Account:
    """A row of ``users``: who is logged in."""

    key: int
    name: str
    type: str
    enabled: bool


class Fields:
    """One row and the way to its fields; every error names the field and the table."""

    def __init__(self, row: Any, table: str, asked: str) -> None:
        self._table = table
        self._asked = asked
        if not isinstance(row, Mapping):
            raise self.wrong(f"a row of {table} is {_kind(row)}, not an object")
        self.row: Mapping[str, Any] = row

    def wrong(self, came_back: str) -> WrongShape:
        """The error for a row that is not what it should be."""
        return WrongShape(self._asked, came_back, _NEXT_STEP)

    def integer(self, name: str) -> int:
        """A whole number that must be there."""
        return self._integer(name, self._there(name))

    def integer_or_none(self, name: str) -> int | None:
        """A whole number; None where it is null or absent."""
        value = self.row.get(name)
        return None if value is None else self._integer(name, value)

    def key(self, name: str) -> int:
        """A whole number above zero that must be there."""
        number = self.integer(name)
        if number <= 0:
            raise self._off(name, number, "a key above zero")
        return number

    def truth(self, name: str) -> bool:
        """A truth value that must be there."""
        return self._truth(name, self._there(name))

    def truth_or_none(self, name: str) -> bool | None:
        """A truth value; None where it is null or absent."""
        value = self.row.get(name)
        return None if value is None else self._truth(name, value)

    def text(self, name: str) -> str:
        """Text that must be there."""
        value = self._there(name)
        if not isinstance(value, str):
            raise self._off(name, value, "text")
        return value

    def text_or_empty(self, name: str) -> str:
        """Text; "" where it is null or absent."""
        return "" if self.row.get(name) is None else self.text(name)

    def text_or_number(self, name: str) -> str:
        """A key that some tables keep as text and others as a whole number, as text."""
        value = self._there(name)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.text(name)

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers; empty where it is null or absent."""
        value = self.row.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._off(name, value, "a list of whole numbers")
        return tuple(self._integer(name, one) for one in value)

    def _there(self, name: str) -> Any:
        if name not in self.row:
            raise MissingField(self._asked, f"a row of {self._table} has no field {name!r}", _NEXT_STEP)
        return self.row[name]

    def _integer(self, name: str, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
            return int(value)
        raise self._off(name, value, "a whole number")

    def _truth(self, name: str, value: Any) -> bool:
        word = str(value).lower() if isinstance(value, str | int) else ""
        if word not in _TRUTH:
            raise self._off(name, value, "true or false")
        return _TRUTH[word]

    def _off(self, name: str, value: Any, wanted: str) -> WrongShape:
        return self.wrong(f"{name!r} in a row of {self._table} is {_shown(value)}, not {wanted}")


def rows_of(data: Any, table: str, asked: str) -> list[Any]:
    """The rows of a list answer; ``200 []`` is how no match looks (pyvergeos 1.7.1).

    Raises:
        WrongShape: it is no list.
    """
    if not isinstance(data, list):
        raise WrongShape(asked, f"the answer for {table} is {_kind(data)}, not a list", _NEXT_STEP)
    return data


def vm(row: Any, asked: str) -> Vm:
    """A `Vm` from a row of ``vms``."""
    of = Fields(row, "vms", asked)
    return Vm(
        key=VmKey(of.key("$key")),
        name=of.text("name"),
        machine=MachineKey(of.key("machine")),
        is_snapshot=of.truth("is_snapshot"),
        cpu_cores=of.integer_or_none("cpu_cores"),
        ram=of.integer_or_none("ram"),
    )


def vm_now(row: Any, key: VmKey, asked: str) -> VmNow:
    """A `VmNow` from one row of ``vms`` with what its machine's status says.

    Raises:
        WrongShape: among others, the row is another VM's.
    """
    of = Fields(row, "vms", asked)
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
        powerstate=of.truth_or_none("powerstate"),
        node=of.integer_or_none("node"),
        migrated_node=of.integer_or_none("migrated_node"),
        migration_destination=of.integer_or_none("migration_destination"),
        started=of.integer_or_none("started"),
    )


def machine_status(row: Any, key: StatusKey | None, asked: str) -> MachineStatus:
    """A `MachineStatus` from a row of ``machine_status``.

    Args:
        key: the key the row was asked by. The views ``most`` and ``all`` can lack ``$key`` (pyvergeos 1.7.1).
            None when it was found by a filter; then ``$key`` must be there.

    Raises:
        WrongShape: among others, the row has another key than the one asked for.
    """
    of = Fields(row, "machine_status", asked)
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
        powerstate=of.truth_or_none("powerstate"),
        migratable=of.truth_or_none("migratable"),
        status_info=of.text_or_empty("status_info"),
        node=of.integer_or_none("node"),
        migrated_node=of.integer_or_none("migrated_node"),
        migration_destination=of.integer_or_none("migration_destination"),
        started=of.integer_or_none("started"),
        last_update=of.integer_or_none("last_update"),
        running_cores=of.integer_or_none("running_cores"),
        running_ram=of.integer_or_none("running_ram"),
        row=dict(of.row),
    )


def machine_stats(row: Any, machine: MachineKey, asked: str) -> MachineStats:
    """A `MachineStats` from a row of ``machine_stats``.

    Raises:
        WrongShape: among others, the row is another machine's.
    """
    of = Fields(row, "machine_stats", asked)
    if of.key("machine") != machine.value:
        raise of.wrong(f"machine {machine} was asked for and the row of machine {of.key('machine')} came")
    return MachineStats(
        machine=machine,
        total_cpu=of.integer_or_none("total_cpu"),
        ram_used=of.integer_or_none("ram_used"),
        core_usage=of.integers("core_usagelist"),
        modified=of.integer_or_none("modified"),
        row=dict(of.row),
    )


def account(row: Any, asked: str) -> Account:
    """An `Account` from a row of ``users``."""
    of = Fields(row, "users", asked)
    return Account(of.key("$key"), of.text("name"), of.text_or_empty("type"), of.truth("enabled"))


def _shown(value: Any) -> str:
    # Text of the answer is not repeated: it is in the exchange, where secrets are masked.
    return str(value) if isinstance(value, int | float) else _kind(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
