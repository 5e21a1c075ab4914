"""Where the simulator differs from a captured system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.connect.test_capturing import captured_of
from vergeos_nb.connect.against_capture import Difference, against_capture
from vergeos_nb.errors import UsageError
from vergeos_nb.simulator import CAPTURE_FORMAT, Simulator, SteppedClock


def captured(tmp_path: Path, change: Any = lambda samples: None) -> Path:
    """A capture of the simulator itself, changed."""
    sim = Simulator("stuck", clock=SteppedClock())
    samples: dict[str, list[dict[str, Any]]] = {}
    for table in ("vms", "machine_status", "machine_stats"):
        view = sim.world.schema[table].view("most")
        rows = [sim.world.row(table, row["$key"]) for row in sim.world.rows(table)][:5]
        samples[table] = [{name: row.get(name) for name in view} for row in rows]
    tables = {"machine_status": [dict(row) for row in samples["machine_status"]]}
    change(samples)
    path = tmp_path / "capture.json"
    path.write_text(
        json.dumps(
            {
                "format": CAPTURE_FORMAT,
                "version": "26.1.8",
                "tables": tables,
                "before": {},
                "samples": samples,
            }
        )
    )
    return path


def test_the_simulator_does_not_differ_from_itself(tmp_path: Path) -> None:
    found = against_capture(captured(tmp_path))
    assert (found.version, found.compared, found.differences) == (
        "26.1.8",
        ["machine_stats", "machine_status", "vms"],
        [],
    )


def test_a_file_that_capture_wrote_of_the_simulator_does_not_differ_from_it(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"
    path.write_bytes(captured_of(Simulator("healthy", clock=SteppedClock()))[1])
    found = against_capture(path)
    assert {"vms", "machines", "machine_status", "machine_stats"} <= set(found.compared)
    assert found.differences == []


def test_tables_columns_types_and_words_that_differ_are_named(tmp_path: Path) -> None:
    def change(samples: dict[str, list[dict[str, Any]]]) -> None:
        samples["vm_moods"] = [{"$key": 1, "mood": "fine"}]
        for row in samples["vms"]:
            row["colour"] = "blue"
            row["cpu_cores"] = str(row["cpu_cores"])
            del row["uefi"]
        samples["machine_status"][0]["status"] = "text-17"

    assert against_capture(captured(tmp_path, change)).differences == [
        Difference("machine_status", "status", "words that the simulator does not know: text-17"),
        Difference("vm_moods", "", "the simulator has no such table"),
        Difference("vms", "colour", "the simulator lacks it; the system has text"),
        Difference("vms", "uefi", "the system lacks it; the simulator has it"),
        Difference("vms", "cpu_cores", "the system has text; the simulator has int"),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "it is no JSON"),
        ('{"format": "x", "version": "", "tables": {}}', "its format is 'x'"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_with_the_way_on(
    tmp_path: Path, content: str | None, why: str
) -> None:
    path = tmp_path / "capture.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=why) as refused:
        against_capture(path)
    assert refused.value.next_step
