"""Holds off: a run over a platform that ignores its filters took 1.1 GB and left a notebook of 133 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.at_night import at_night
from tests.served import served
from vergeos_nb.record.record_folder import read
from vergeos_nb.simulator import Rule

# Of the largest process: the command itself, or the kernel that reads the answers.
# When nothing is wrong, they have about 100 MB and 60 MB.
MOST_MB = 120
# Runs the command and says how much memory the largest of its processes had, kernels included.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "vergeos_nb", *sys.argv[1:]])
print("LARGEST", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)
"""
VMS = "/api/v4/vms"
NAMED = {"force_power_off": ["-p", "vm_name=web-01", "-p", "sample_gap_s=1.1"], "find_stuck_vms": []}


@pytest.mark.parametrize(
    ("runbook", "rule", "said"),
    [
        (
            "force_power_off",
            {"path": VMS, "rows": 100_000, "ignore": ("filter",)},
            "the platform ignored the filter",
        ),
        at_night(
            "force_power_off",
            {"path": VMS, "rows": 1500},
            "1500 rows came, and at most 1000 were possible: the platform ignored",
        ),
        (
            "force_power_off",
            {"path": VMS, "body": ("[", "[],", 50_000_000), "gzip": True},
            "is longer than 1048576 bytes",
        ),
        at_night("force_power_off", {"path": VMS, "body": ("[[]", ",[]", 300_000)}, "the answer is not JSON"),
        (
            "force_power_off",
            {"path": "/api/v4/machine_status/*", "body": ('{"a":"', "x", 200_000_000)},
            "is longer than",
        ),
        (
            "find_stuck_vms",
            {"path": VMS, "body": ("[", '{"$key":1},', 600_000)},
            "MB of memory, of at most 48 MB",
        ),
        at_night(
            "find_stuck_vms", {"path": VMS, "body": ('["\U0001f600', "x", 7_000_000)}, "of at most 48 MB"
        ),
    ],
    ids=[
        "100,000 rows",
        "1,500 rows",
        "150 MB in gzip",
        "300,000 lists",
        "200 MB in a row",
        "600,000 small rows of a table",
        "a table of one text",
    ],
)
def test_a_run_stays_small_and_says_what_came_whatever_the_platform_answers(
    outputs: Path, runbook: str, rule: dict[str, Any], said: str
) -> None:
    with served() as simulator:
        begin, more, times = rule.get("body", ("", "", 0))
        body = {"body": begin + more * times} if times else {}
        simulator.faults.add(Rule("hostile", "GET", **{**rule, **body}))
        arguments = ["run", runbook, *NAMED[runbook], "--outputs", str(outputs)]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, timeout=120
        )
        assert simulator.changing_requests() == []
    assert done.returncode == 8, done.stdout + done.stderr
    [journal] = outputs.glob("*/*/journal.jsonl")
    folder = journal.parent
    failed = [step for step in read(folder)["steps"] if step["outcome"] == "failed"]
    assert said in failed[0]["summary"]
    if "rows" in rule:  # of a table that is asked for a name
        assert "The first: 'web-01'" in failed[0]["summary"]
    largest = int(done.stdout.rpartition("LARGEST ")[2])
    assert largest < MOST_MB
    assert max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000
