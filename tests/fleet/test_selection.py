"""Who is meant: never everybody by leaving something out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vergeos_nb.errors import Refused, UsageError, VmAmbiguous, VmNotFound
from vergeos_nb.fleet.plan import check_count
from vergeos_nb.fleet.selection import FleetVm, Named, read_list, resolve, select

FOUND: dict[str, list[Any]] = {
    "name": ["web-01", "web-02", "db-01", "db-01"],
    "vm_key": [41, 42, 43, 44],
    "machine_key": [51, 52, 53, 54],
    "node": ["node1", "node2", "node1", ""],
    "status": ["unresponsive", "running", "unresponsive", "stopped"],
    "state": ["warning", "online", "warning", "offline"],
    "ha_group": ["", "a", "a", ""],
}
WEB, DB = FleetVm("web-01", 41, 51, "node1", ""), FleetVm("db-01", 43, 53, "node1", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,vm_key\nweb-01,41\ndb-01,43\n", (Named("web-01", 41), Named("db-01", 43))),
        ("name\nweb-01\n", (Named("web-01"),)),
        ("key\n41\n", (Named("", 41),)),
        ("\ufeffsuggestion,name\nlook,web-01\n", (Named("web-01"),)),
        ("name\n'=SUM(1)\n", (Named("=SUM(1)"),)),
        ('["web-01", 43]', (Named("web-01"), Named("", 43))),
        ('{"vms": [{"name": "web-01", "vm_key": 41}], "read": 4}', (Named("web-01", 41),)),
    ],
)
def test_a_file_of_vms_is_read_by_names_and_keys(tmp_path: Path, text: str, expected: Any) -> None:
    path = tmp_path / "vms"
    path.write_text(text, encoding="utf-8")
    assert read_list(path) == expected


@pytest.mark.parametrize(
    "text",
    ["", "name\n", "[]", '{"vms": []}', "host\nweb-01\n", "[true]", "[{}]", "name,key\n,x\n", "[1.5]", "{"],
)
def test_a_file_that_names_no_vm_is_an_error_and_never_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vms"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_list(path)


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"name": ""},
        {"name": "*"},
        {"name": "**", "node": "*"},
        {"name": "?*"},
        {"nod": "x"},
        {"name": "no-*"},
    ],
)
def test_a_selector_that_is_empty_or_fits_everything_or_nothing_is_an_error(selector: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        select(FOUND, selector)


def test_a_selector_takes_the_vms_that_all_its_patterns_fit() -> None:
    assert select(FOUND, {"node": "NODE1", "status": "unresp*"}) == (WEB, DB)


def test_names_and_keys_lead_to_the_vms_in_their_order() -> None:
    assert resolve(FOUND, [Named("db-01", 43), Named("web-01")]) == (DB, WEB)


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ([Named("gone")], VmNotFound),
        ([Named("", 99)], VmNotFound),
        ([Named("db-01")], VmAmbiguous),
        ([Named("web-01", 42)], UsageError),
        ([Named("web-01"), Named("", 41)], UsageError),
    ],
)
def test_what_leads_to_no_vm_or_to_two_or_twice_to_one_refuses_the_list(named: Any, error: Any) -> None:
    with pytest.raises(error):
        resolve(FOUND, named)


def test_more_vms_than_the_cap_are_refused() -> None:
    with pytest.raises(Refused, match="one run touches 1 at most"):
        check_count((WEB, DB), 1)


def test_what_stuck_prints_is_what_plan_reads(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"vms": [{"name": "db-01", "vm_key": 43, "log_at": None}]}))
    assert resolve(FOUND, read_list(tmp_path / "s.json")) == (DB,)
