"""Holds off: a run over a platform that ignores its filters took 1.1 GB and left a notebook of 133 MB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.served import served
from vergeos_nb.record.record_folder import read
from vergeos_nb.simulator import Rule

MOST_MB = 250
# Runs the command and says how much memory the largest of its processes had, kernels included.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "vergeos_nb", *sys.argv[1:]])
print("LARGEST", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)
"""
VMS = "/api/v4/vms"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"path": VMS, "rows": 100_000, "ignore": ("filter",)}, "the platform ignored the filter"),
        ({"path": VMS, "rows": 1500}, "1500 rows came, and at most 1000 were possible: the platform ignored"),
        ({"path": VMS, "body": ("[", "[],", 50_000_000), "gzip": True}, "is longer than 1048576 bytes"),
        ({"path": VMS, "body": ("[[]", ",[]", 300_000)}, "the answer is not JSON"),
        ({"path": "/api/v4/machine_status/*", "body": ('{"a":"', "x", 200_000_000)}, "is longer than"),
    ],
    ids=["100,000 rows", "1,500 rows", "150 MB in gzip", "300,000 lists", "200 MB in a row"],
)
def test_a_run_stays_small_and_says_what_came_whatever_the_platform_answers(
    outputs: Path, rule: dict[str, Any], said: str
) -> None:
    with served() as simulator:
        begin, more, times = rule.get("body", ("", "", 0))
        body = {"body": begin + more * times} if times else {}
        simulator.faults.add(Rule("hostile", "GET", **{**rule, **body}))
        arguments = [
            "run",
            "force_power_off",
            "-p",
            "vm_name=web-01",
            "-p",
            "sample_gap_s=1.1",
            "--outputs",
            str(outputs),
        ]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, timeout=120
        )
        assert simulator.changing_requests() == []
    assert done.returncode == 8, done.stdout + done.stderr
    [journal] = outputs.glob("*/*/journal.jsonl")
    folder = journal.parent
    failed = [step for step in read(folder)["steps"] if step["outcome"] == "failed"]
    assert said in failed[0]["summary"]
    if "rows" in rule:
        assert "The first: 'web-01'" in failed[0]["summary"]
    largest = int(done.stdout.rpartition("LARGEST ")[2])
    assert largest < MOST_MB
    assert max(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000
