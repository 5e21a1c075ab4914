"""Who is meant: never everybody by leaving something out."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.cli.output import as_json
from vergeos_nb.cli.plain import csv_pieces
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
        ("name\n'=SUM(1)\n", (Named("'=SUM(1)"),)),
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
        {"name": "[!~]*"},
        {"name": "*[a-z0-9]*"},
        {"name": "*-0*"},
        {"node": "*", "status": "*[!~]"},
        {"state": "*[a-z]*"},
    ],
)
def test_a_selector_that_is_empty_or_fits_everything_or_nothing_is_an_error(selector: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        select(FOUND, selector)


def fleet_of(*names: str, **columns: Any) -> dict[str, list[Any]]:
    """A system of these VMs: their keys begin with 1, and all else of them is alike."""
    count = len(names)
    alike = {"node": "node1", "status": "running", "state": "online", "ha_group": "", **columns}
    return {
        "name": list(names),
        "vm_key": list(range(1, count + 1)),
        "machine_key": list(range(101, 101 + count)),
        **{column: value if isinstance(value, list) else [value] * count for column, value in alike.items()},
    }


def chosen(found: dict[str, list[Any]], **selector: str) -> list[str]:
    return [vm.name for vm in select(found, selector)]


@pytest.mark.parametrize(
    "selector",
    [
        {"node": "node1"},
        {"status": "running"},
        {"name": "web-*"},
        {"name": "web-0[1-2]"},
        {"name": "*", "state": "on*"},
    ],
)
@pytest.mark.parametrize("names", [("web-01",), ("web-01", "web-02")])
def test_a_selector_that_fits_every_vm_of_a_small_system_is_refused_with_the_way_on(
    names: tuple[str, ...], selector: dict[str, str]
) -> None:
    """The letters of the pattern decided, and "all" can be said in others than `*`."""
    with pytest.raises(UsageError, match="fits every VM") as refused:
        select(fleet_of(*names), selector)
    assert "fleet plan vms.csv" in refused.value.next_step


def test_the_plain_name_of_the_only_vm_is_no_all() -> None:
    assert chosen(fleet_of("web-01"), name="web-01") == ["web-01"]
    assert chosen(fleet_of("web-01"), name="WEB-01") == ["web-01"]
    assert chosen(fleet_of("web-01", "web-02"), name="web-01", node="node1") == ["web-01"]
    with pytest.raises(UsageError, match="fits every VM"):
        select(fleet_of("web-01", "web-01"), {"name": "web-01"})


def test_a_list_may_name_every_vm_by_itself() -> None:
    found = fleet_of("web-01", "web-02")
    assert len(resolve(found, [Named("web-01"), Named("web-02")])) == 2


@pytest.mark.parametrize(
    ("names", "name", "expected"),
    [
        (("web-01", "WEB-01", "db"), "web-01", ["web-01"]),
        (("web-01", "WEB-01", "db"), "Web-01", ["web-01", "WEB-01"]),
        (("web[1]", "web2"), "web[1]", ["web[1]"]),
        (("web1", "web2"), "web[1]", ["web1"]),
        (("web*", "db"), "web*", ["web*"]),
    ],
)
def test_a_name_that_is_exactly_a_vm_s_means_that_vm(names: Any, name: str, expected: list[str]) -> None:
    """`web[1]` chose the VM `web1` and not the VM `web[1]`."""
    assert chosen(fleet_of(*names), name=name) == expected


@pytest.mark.parametrize(
    ("names", "name"), [(("web[1]", "web1", "db"), "web[1]"), (("a*", "ab", "db"), "a*")]
)
def test_a_name_that_is_a_vm_s_and_a_pattern_for_others_is_refused(names: Any, name: str) -> None:
    with pytest.raises(UsageError, match="as a pattern it fits others"):
        select(fleet_of(*names), {"name": name})


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


# -- files ---------------------------------------------------------------------------------------


def listed(tmp_path: Path, content: bytes | str) -> tuple[tuple[str, int | None], ...]:
    path = tmp_path / "vms"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tuple((one.name, one.key) for one in read_list(path))


CSV = 'name,vm_key\r\n"web-01",41\r\n"a, b",42\r\n\r\n'
BOTH = (("web-01", 41), ("a, b", 42))


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("\r\n", "\n"),
        CSV.replace("\r\n", "\r"),
        CSV.rstrip(),
        CSV.replace(",4", ";4").replace("e,v", "e;v"),
        CSV.replace(",4", "\t4").replace("e,v", "e\tv"),
        "sep=;\r\n" + CSV.replace(",4", ";4").replace("e,v", "e;v"),
        CSV.replace("name,vm_key", '"Name" , "KEY"'.replace(" ", "")),
        CSV.replace("\r\n", ",,\r\n"),
        "\r\n\r\n" + CSV,
        codecs.BOM_UTF8 + CSV.encode(),
        CSV.encode("utf-16"),
        codecs.BOM_UTF16_BE + CSV.encode("utf-16-be"),
        CSV.encode("utf-16-le"),
        CSV.encode("utf-16-be"),
        CSV.encode("utf-32"),
        codecs.BOM_UTF8 + b'[{"name": "web-01", "key": 41}, {"name": "a, b", "vm_key": 42}]',
        '{"vms": [{"name": "web-01", "vm_key": 41, "key": 41}, {"name": "a, b", "key": 42}]}'.encode(
            "utf-16"
        ),
    ],
)
def test_a_table_of_vms_is_read_with_any_delimiter_encoding_and_line_end(
    tmp_path: Path, content: bytes | str
) -> None:
    assert listed(tmp_path, content) == BOTH


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("web-01\nweb-02\n", (("web-01", None), ("web-02", None))),
        ("web-01", (("web-01", None),)),
        ("\r\nweb-01\r\n\r\nweb 02\r\n  \r\n", (("web-01", None), ("web 02", None))),
        ('web-01\n"a, b"\n"say ""x"""\n', (("web-01", None), ("a, b", None), ('say "x"', None))),
        (" web-01 \n", ((" web-01 ", None),)),
        ("'=x\n=x\n", (("'=x", None), ("=x", None))),
        ("41\n43\n", (("", 41), ("", 43))),
        ("41\nweb-01\n", (("41", None), ("web-01", None))),
        ("041\n", (("041", None),)),
        (codecs.BOM_UTF8 + b"web-01\n", (("web-01", None),)),
        ("w\u00fcrfel\nweb-02\n".encode("utf-16"), (("w\u00fcrfel", None), ("web-02", None))),
    ],
)
def test_a_file_with_one_vm_a_line_is_read_as_it_stands(
    tmp_path: Path, content: bytes | str, expected: Any
) -> None:
    assert listed(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,name\nweb-01,web-02\n", "2 columns 'name'"),
        ("Name;name\nweb-01;web-02\n", "2 columns 'name'"),
        ("vm_key,vm_key\n41,42\n", "2 columns 'vm_key'"),
        ("vm_key,key\n41,42\n", "vm_key 41 and key 42 are two VMs"),
        ('[{"vm_key": 41, "key": 42}]', "vm_key 41 and key 42 are two VMs"),
        ('[{"name": "web-01", "name": "web-02"}]', "'name' is there twice"),
        ('{"vms": ["web-01"], "vms": ["web-02"]}', "'vms' is there twice"),
        ("name\na, b\n", "line 2 has 2 cells, and there are 1 columns"),
        ("name,x;key\n1;2,3\n", "split at commas and at semicolons"),
        ("web-01,41\nweb-02,42\n", "could be several columns"),
        ("web-01\nweb-02;42\n", "line 2 could be several columns"),
        ('name\n"web-01\n', "cannot be split into cells"),
        ('web-01\n"web-02\n', "cannot be split into cells"),
        ("hostname\nweb-01\n", "its only column is hostname"),
        (b"name\nw\xfcrfel\n", "no text in UTF-8 or UTF-16"),
        (b"name\nweb\x00\n", "no text in UTF-8 or UTF-16"),
        ("[" * 100_000, "more than 64 lists"),
        ("[" + "9" * 5000 + "]", "it is no JSON"),
        ("key\n" + "9" * 5000 + "\n", "is not a VM key"),
        ("key\n\u0664\u0661\n", "is not a VM key"),
        ("key\n-41\n", "is not a VM key"),
        ("[-41]", "is not a VM key"),
        ("name,key\nweb-01,4 1\n", "is not a VM key"),
        ("name\n" + "x" * 200_000 + "\n", "field larger"),
    ],
)
def test_a_file_that_can_be_read_in_two_ways_or_in_none_is_refused_with_the_way_on(
    tmp_path: Path, content: bytes | str, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        listed(tmp_path, content)
    assert said in refused.value.came_back
    assert refused.value.next_step


TWINS = fleet_of("=x", "'=x", "7", "x")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('["\'=x"]', 2),
        ('["=x"]', 1),
        ("name\n'=x\n", 2),
        ("'=x\n", 2),
        ("name,vm_key\n'=x,1\n", 1),
        ("name,vm_key\n'=x,2\n", 2),
        ('[{"name": "=x", "key": 1}]', 1),
        ("name\n7\n", 3),
        ("vm_key\n4\n", 4),
        ("4\n", 4),
    ],
)
def test_of_two_vms_that_csv_shows_alike_the_one_is_meant_that_is_named(
    tmp_path: Path, content: str, expected: int
) -> None:
    """A list that named the VM `'=x` planned for `=x`."""
    (tmp_path / "vms").write_text(content)
    (vm,) = resolve(TWINS, read_list(tmp_path / "vms"))
    assert vm.key == expected


@pytest.mark.parametrize(
    ("found", "content", "error"),
    [
        (TWINS, '[{"name": "\'=x", "key": 1}]', UsageError),
        (TWINS, "name,vm_key\n=x,2\n", UsageError),
        (fleet_of("=x"), '["\'=x"]', VmNotFound),
        (fleet_of("=x"), "name\n'=x\n", VmNotFound),
        (fleet_of("x", "1"), "1\n", VmAmbiguous),
        (fleet_of("web-01"), "web-01 \n", VmNotFound),
    ],
)
def test_a_name_that_only_looks_like_a_vm_s_leads_to_no_vm(
    tmp_path: Path, found: dict[str, list[Any]], content: str, error: type[Exception]
) -> None:
    (tmp_path / "vms").write_text(content)
    with pytest.raises(error):
        resolve(found, read_list(tmp_path / "vms"))


HOSTILE = st.sampled_from(
    ["=x", "'=x", "''=x", " =x", "x ", '"', "a\nb", "a\\nb", "a;b", "a,b\t", "name", "[", "1", "\ufeffx"]
)


@given(st.lists(st.one_of(HOSTILE, st.text(min_size=1, max_size=8)), min_size=1, max_size=8))
def test_what_stuck_prints_names_exactly_its_vms_whatever_they_are_called(
    tmp_path: Path, names: list[str]
) -> None:
    """Names that CSV shows alike, of twins, with quotes and line feeds: they go by their keys."""
    found = fleet_of(*names)
    columns = ("suggestion", "name", "vm_key")
    rows = [
        {"suggestion": "look", "name": n, "vm_key": key}
        for n, key in zip(names, found["vm_key"], strict=True)
    ]
    file = tmp_path / "vms"
    for content in (
        "".join(csv_pieces(columns, [[row[column] for column in columns] for row in rows])),
        as_json({"vms": rows, "read": len(rows)}),
    ):
        file.write_bytes(content.encode())
        assert [vm.key for vm in resolve(found, read_list(file))] == found["vm_key"]
