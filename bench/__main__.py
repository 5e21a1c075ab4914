"""Measure every claim against its peer, alternating, and print medians and ratios.

``python -m bench [--rounds N] [--json FILE]``. Times of shared machines mean little alone, so each pair is
measured in turn and only the ratio of the medians is reported against a goal.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

BIN = Path(sys.executable).parent
NO_WAITS = ("sample_gap_s=1.1", "poll_s=0.05", "settle_s=0", "confirm_timeout_s=10")


@dataclass(frozen=True)
class Claim:
    """One command against another. Without a goal the ratio is only reported."""

    name: str
    ours: Sequence[str]
    peer: Sequence[str]
    goal: float | None


def claims(folder: Path) -> list[Claim]:
    """What is measured. ``folder`` takes whatever the commands write."""
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell("2")])
    empty.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(empty, folder / "empty.ipynb")
    run = [
        f"{BIN}/vergeos-nb",
        "run",
        "force_power_off",
        "--outputs",
        f"{folder}/outputs",
        "-p",
        "vm_name=web-01",
    ]
    papermill = [f"{BIN}/papermill", f"{folder}/empty.ipynb", f"{folder}/out.ipynb"]
    return [
        Claim(
            "vergeos-nb --help", [f"{BIN}/vergeos-nb", "--help"], [sys.executable, "-c", "import click"], 3.0
        ),
        Claim(
            "one planning run, its simulator and record included",
            [*run, *(word for wait in NO_WAITS for word in ("-p", wait))],
            papermill,
            None,
        ),
    ]


def measure(claim: Claim, rounds: int, cwd: Path) -> dict[str, object]:
    """Run both sides in turn, and give medians in seconds and their ratio."""
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(_seconds(claim.ours, cwd))
        peer.append(_seconds(claim.peer, cwd))
    ratio = statistics.median(ours) / statistics.median(peer)
    return {
        **asdict(claim),
        "ours_s": statistics.median(ours),
        "peer_s": statistics.median(peer),
        "ratio": ratio,
        "met": claim.goal is None or ratio <= claim.goal,
    }


def _seconds(command: Sequence[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, env=dict(os.environ))
    return time.perf_counter() - began


def main() -> None:
    """Print a table; write JSON where asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vergeos-nb-bench-")))
        results = [measure(claim, arguments.rounds, folder) for claim in claims(folder)]
    for result in results:
        goal = result["goal"]
        sign = "      " if goal is None else "met   " if result["met"] else "MISSED"
        wanted = "" if goal is None else f", goal {goal:.2f}"
        print(
            f"{sign} {result['name']}: {result['ours_s']:.2f} s against {result['peer_s']:.2f} s, "
            f"ratio {result['ratio']:.2f}{wanted}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
