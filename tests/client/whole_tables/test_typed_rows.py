"""Pages become columns, whatever their values are."""

from __future__ import annotations

import gc
import json
from array import array
from typing import Any

import pytest

from vergeos_nb.client.whole_tables.typed_rows import Gathering, sent_as
from vergeos_nb.errors import ErrorInAnswer, NotJson

WANTED = (
    ("vm_key", "$key", "key"),
    ("name", "name", "text"),
    ("node", "machine#status#node", "int"),
    ("cpu", "machine#stats#total_cpu", "number"),
    ("status", "machine#status#status", "word"),
)


SENT = sent_as(WANTED)


def row(key: int, **values: Any) -> dict[str, Any]:
    named = {"name": f"vm-{key}", "node": 1, "cpu": 7, "status": "running", **values}
    return {"$key": key, **{SENT.get(name, name): value for name, value in named.items()}}


def test_the_platform_is_asked_for_short_names() -> None:
    assert SENT == {"vm_key": "$key", "name": "b", "node": "c", "cpu": "d", "status": "e"}


def gathered(*pages: list[Any]) -> dict[str, Any]:
    gathering = Gathering(WANTED, "vms", "list all VMs")
    for rows in pages:
        page, keys = gathering.decode(json.dumps(rows).encode())
        assert list(keys) == [int(one["$key"]) for one in rows]
        gathering.add(page)
    return gathering.columns


def test_whole_numbers_take_eight_bytes_each_and_a_word_is_kept_once() -> None:
    columns = gathered([row(1), row(2)], [row(3)])
    assert columns == {
        "vm_key": array("q", [1, 2, 3]),
        "name": ["vm-1", "vm-2", "vm-3"],
        "node": array("q", [1, 1, 1]),
        "cpu": array("q", [7, 7, 7]),
        "status": ["running"] * 3,
        "unread": [""] * 3,
    }
    assert len({id(word) for word in columns["status"]}) == 1


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4])
def test_a_number_that_is_missing_or_has_a_fraction_is_kept_as_it_is_wherever_it_comes(at: int) -> None:
    rows = [row(key) for key in range(1, 6)]
    rows[at] = row(at + 1, node=None, cpu=0.5, status=None)
    columns = gathered(rows[:2], rows[2:])
    for name, missing, usual in (("node", None, 1), ("cpu", 0.5, 7), ("status", "", "running")):
        assert list(columns[name]) == [missing if place == at else usual for place in range(5)]


def test_a_page_with_an_odd_value_is_read_row_by_row_and_the_value_is_named() -> None:
    columns = gathered([row(1), row(2, node="3.0", cpu="much")], [row(3)])
    assert {name: list(values) for name, values in columns.items()} == {
        "vm_key": [1, 2, 3],
        "name": ["vm-1", "vm-2", "vm-3"],
        "node": [1, 3, 1],
        "cpu": [7, None, 7],
        "status": ["running"] * 3,
        "unread": ["", "cpu is text", ""],
    }


def test_a_row_with_an_error_in_it_is_an_error_and_an_empty_one_says_nothing() -> None:
    gathering = Gathering(WANTED, "vms", "list all VMs")
    with pytest.raises(ErrorInAnswer, match="locked"):
        gathering.decode(json.dumps([row(1), row(2, err="Database is locked")]).encode())
    page, _ = gathering.decode(json.dumps([row(1, err=""), row(2, err=None)]).encode())
    assert list(page["vm_key"]) == [1, 2]


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(NotJson):
        Gathering(WANTED, "vms", "list all VMs").decode(b"<html>")


def test_a_page_makes_the_garbage_collector_no_work() -> None:
    """Holds off: every tenth page cost a look at every object of the process."""
    content = json.dumps([row(key) for key in range(1, 3001)]).encode()
    gathering = Gathering(WANTED, "vms", "list all VMs")
    gathering.decode(content)
    before = gc.get_stats()[0]["collections"]
    gathering.add(gathering.decode(content)[0])
    assert gc.get_stats()[0]["collections"] - before <= 1
