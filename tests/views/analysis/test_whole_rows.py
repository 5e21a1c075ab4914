"""Whole rows as DataFrames: the dtypes are those declared, whatever came, and rows of other VMs stay out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.client import evidence_reads, verge_api
from vergeos_nb.errors import UsageError
from vergeos_nb.vergeos.exchange import Exchange, api_path
from vergeos_nb.views.analysis import columns
from vergeos_nb.views.analysis.frames import DTYPES
from vergeos_nb.views.analysis.run_frames import run_frames

T = 1_790_090_000.25
VM = {"name": "web-01", "key": 41, "machine": 44}
STATUS = {"$key": 46, "machine": 44, "running": True, "status": "unresponsive", "started": 1_790_001_200}
NAMES = [frame.name for frame in columns.ALL]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def call(number: int, path: str, answer: Any, **fields: Any) -> Exchange:
    given = {"method": "GET", "body": None, "status": 200, "error": "", **fields}
    return Exchange(
        path=api_path(path), query={}, number=number, changing=False, attempt=1, sent_at=T + number,
        server_time=T, elapsed_s=0.01, answer=answer, **given,
    )  # fmt: skip


def frame_of(name: str, *calls: Exchange, vm: Any = VM) -> pd.DataFrame:
    frame = run_frames(calls, (), {one.number: "verify" for one in calls}, vm)[name]
    assert isinstance(frame, pd.DataFrame)
    return frame


def dtypes_of(name: str) -> list[tuple[str, str]]:
    (frame,) = [one for one in columns.ALL if one.name == name]
    ours = {"micros": DTYPES["time"], "json": DTYPES["text"]}
    kinds = [*columns.READ, *frame.columns]
    return [(column, ours.get(kind) or DTYPES[kind]) for column, kind in kinds]


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_of_nothing_has_its_columns_and_dtypes(name: str) -> None:
    assert [(column, str(dtype)) for column, dtype in frame_of(name).dtypes.items()] == dtypes_of(name)


@given(st.sampled_from(columns.ALL), st.data())
def test_the_dtypes_of_known_columns_stay_whatever_the_platform_answers(
    frame: columns.WholeRows, data: st.DataObject
) -> None:
    names = st.sampled_from([name for name, _ in frame.columns])
    rows = data.draw(st.lists(st.dictionaries(names, json_values, max_size=4) | json_values, max_size=3))
    made = frame_of(frame.name, call(1, frame.table, rows), vm=None)
    assert [(column, str(dtype)) for column, dtype in made.dtypes.items()] == dtypes_of(frame.name)


def test_a_row_is_whole_and_says_when_where_and_for_which_step_it_was_read() -> None:
    (row,) = frame_of("machine_status", call(7, "machine_status/46", STATUS)).to_dict("records")
    assert {name: value for name, value in row.items() if not pd.isna(value)} == {
        "read_at": pd.Timestamp(T + 7, unit="s", tz="UTC"), "call": 7, "step": "verify", "$key": 46,
        "machine": 44, "running": True, "status": "unresponsive",
        "started": pd.Timestamp(1_790_001_200, unit="s", tz="UTC"),
    }  # fmt: skip


def test_a_row_that_lacks_its_key_has_the_one_it_was_asked_by() -> None:
    assert frame_of("machine", call(5, "machines/44", {"status": 46}))["$key"].tolist() == [44]


def test_numbers_and_truths_are_read_as_the_evidence_reads_them() -> None:
    odd = {**STATUS, "running": "false", "node": "1", "running_ram": 8192.0, "running_cores": "many"}
    row = frame_of("machine_status", call(1, "machine_status/46", odd)).iloc[0]
    assert (row["running"], row["node"], row["running_ram"], pd.isna(row["running_cores"])) == (
        False, 1, 8192, True,
    )  # fmt: skip


def test_an_undeclared_column_has_the_dtype_of_its_values() -> None:
    new = {**STATUS, "flag": True, "count": 3, "share": 0.5, "word": "x", "list": [1], "nothing": None}
    data = frame_of("machine_status", call(1, "machine_status/46", new))
    assert {name: str(data[name].dtype) for name in new if name not in STATUS} == {
        "flag": "boolean", "count": "Int64", "share": "Float64", "word": "string", "list": "string",
        "nothing": "string",
    }  # fmt: skip


def test_rows_of_other_vms_stay_out_once_the_vm_is_known() -> None:
    twins = call(4, "vms", [{"$key": 41, "name": "web-01"}, {"$key": 61, "name": "web-01"}])
    assert frame_of("vm", twins, vm=None)["$key"].tolist() == [41, 61]
    assert frame_of("vm", twins)["$key"].tolist() == [41]
    others = call(5, "machine_status", [STATUS, {**STATUS, "machine": 66}])
    assert frame_of("machine_status", others)["machine"].tolist() == [44]


def test_what_is_no_row_is_passed_over() -> None:
    brief = {"bytes": 9_000_000, "sha256": "00"}
    calls = [
        call(1, "machine_status/46", brief),
        call(2, "machine_status", {"kept": "in brief", "rows": 9}),
        call(3, "machine_status/46", STATUS, status=500, error="ServerError: no"),
        call(4, "machine_status/46", STATUS, method="PUT"),
        call(5, "machine_status/46", "<html>"),
    ]
    assert len(frame_of("machine_status", *calls)) == 0


def test_a_drives_counters_have_its_name_and_machine() -> None:
    drives = call(1, "machine_drives", [{"$key": 101, "name": "drive_0", "machine": 44}])
    stats = call(2, "machine_drive_stats", [{"$key": 97, "parent_drive": 101, "writes": 5}])
    assert frame_of("drives", drives, stats)[["name", "machine", "writes"]].values.tolist() == [
        ["drive_0", 44, 5]
    ]


def test_a_log_line_is_there_once_in_the_order_of_time() -> None:
    lines = [
        {"$key": n, "machine": 44, "text": text, "timestamp": n * 1_000_000}
        for n, text in ((3, "c"), (2, "b"))
    ]
    again = [*lines, {"$key": 1, "machine": 44, "text": "a", "timestamp": 1_000_000}]
    data = frame_of("logs", call(1, "machine_logs", lines), call(2, "machine_logs", again))
    assert (data["text"].tolist(), data["call"].tolist()) == (["a", "b", "c"], [2, 1, 1])
    assert data["timestamp"].tolist()[0] == pd.Timestamp(1, unit="s", tz="UTC")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("vm", evidence_reads.VM), ("vm", verge_api._VM_NOW), ("machine_status", evidence_reads.STATUS),
        ("machine_stats", evidence_reads.STATS), ("nics", evidence_reads.NIC), ("node", evidence_reads.NODE),
        ("drives", evidence_reads.DRIVE_STATS), ("drives", evidence_reads.DRIVE),
        ("logs", evidence_reads.LOG),
    ],
)  # fmt: skip
def test_every_column_that_the_client_asks_for_is_declared(name: str, asked: str) -> None:
    wanted = {field.rpartition(" as ")[2] for field in asked.split(",")}
    assert wanted - {column for column, _ in dtypes_of(name)} == set()


def test_a_name_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="machine_status"):
        run_frames((), (), {}, None)["machine_statu"]
