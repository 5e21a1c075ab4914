"""Replay a recording: send its requests to a fresh simulator, and compare the answers.

The clock is stepped to the recorded times, so that even heartbeats and log stamps must come out the same.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vergeos_nb.simulator.api.messages import Request
from vergeos_nb.simulator.capture.recording import FORMAT, TOKENS, recorded_line
from vergeos_nb.simulator.faults.fault_files import rules_from
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.simulator import Simulator
from vergeos_nb.simulator.world.world_clock import SteppedClock


@dataclass(frozen=True)
class Difference:
    """A recorded answer that differs in a replay. `line` counts from 1, the header included."""

    line: int
    request: str
    recorded: Any
    replayed: Any


def replay(path: str | Path) -> list[Difference]:
    """Send a recording's requests to a fresh simulator and return the answers that differ.

    Requests whose secrets were masked (logins, logouts) are left out.

    Raises:
        ValueError: If the file is no recording.
    """
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    if not lines or not isinstance(lines[0], dict) or lines[0].get("format") != FORMAT:
        raise ValueError(f"{path}: not a recording of the format {FORMAT}")
    head = lines[0]
    clock = SteppedClock(head["start"])
    simulator = Simulator(
        head["scenario"],
        vms=head["vms"],
        seed=head["seed"],
        clock=clock,
        username=head["username"],
        switches=Switches(**head["switches"]),
        faults=rules_from(head["faults"]),
    )
    found = []
    for number, line in enumerate(lines[1:], start=2):
        if line["path"].startswith(TOKENS):
            continue
        clock.advance(max(0.0, line["at"] - clock.now()))
        difference = _compare(simulator, line, number)
        if difference is not None:
            found.append(difference)
    return found


def _compare(simulator: Simulator, line: dict[str, Any], number: int) -> Difference | None:
    credentials = f"{simulator.username}:{simulator.password}".encode()
    headers = {"authorization": "Basic " + base64.b64encode(credentials).decode()}
    text: str = line["body"]
    body = base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()
    request = Request(
        line["method"], line["path"], line["query"], headers if line["authenticated"] else {}, body
    )
    response = simulator.handle(request)
    recorded = {key: line[key] for key in ("status", "answer", "delay", "drop")}
    replayed = {key: value for key, value in recorded_line(request, response).items() if key in recorded}
    if recorded == replayed:
        return None
    return Difference(number, f"{line['method']} {line['path']}", recorded, replayed)
