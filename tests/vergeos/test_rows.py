"""Keys of three tables are three types, and records are values."""

from __future__ import annotations

import pytest

from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, SystemInfo, Vm, VmKey


def test_the_same_number_in_three_tables_is_three_keys():
    assert len({VmKey(54), MachineKey(54), StatusKey(54)}) == 3
    assert VmKey(54) == VmKey(54)
    assert VmKey(54) != MachineKey(54)


def test_a_key_knows_its_table_and_shows_as_its_number():
    assert [(key.table, str(key)) for key in (VmKey(42), MachineKey(54), StatusKey(61))] == [
        ("vms", "42"),
        ("machines", "54"),
        ("machine_status", "61"),
    ]
    assert repr(StatusKey(61)) == "StatusKey(value=61)"


@pytest.mark.parametrize("value", [0, -1, True, "54", 5.0, None])
def test_a_key_is_a_positive_integer(value):
    with pytest.raises(ValueError, match="must be a positive integer"):
        VmKey(value)


@pytest.mark.parametrize(
    "record",
    [
        VmKey(1),
        Vm(VmKey(1), "a", MachineKey(2), False),
        SystemInfo("c", "26.1", "26.1.0.1", True),
        Request("GET", "/api/v4/vms"),
    ],
)
def test_records_do_not_change(record):
    name = type(record).__match_args__[0]
    with pytest.raises(AttributeError):
        setattr(record, name, 7)
