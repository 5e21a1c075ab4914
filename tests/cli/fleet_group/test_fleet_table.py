"""The live table of a fleet run, as a terminal of a few lines gets it."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.cli.fleet_group.fleet_table import CLEAR, NO_WRAP, UP, WRAP, FleetTable
from vergeos_nb.cli.output import Output
from vergeos_nb.fleet.apply import Fleet
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.simulator.faults.rules import Rule

LINES = 8


def frames(printed: str) -> list[list[str]]:
    """The tables as they stood one after the other. Each is drawn over the one before and nothing else."""
    drawn: list[list[str]] = []
    for part in printed.split(NO_WRAP)[1:]:
        up = UP.format(len(drawn[-1])) if drawn else ""
        assert part.startswith(up + CLEAR)
        assert part.endswith(WRAP + "\n")
        drawn.append(part.removeprefix(up + CLEAR).removesuffix(WRAP + "\n").split("\n"))
    return drawn


def test_the_table_is_drawn_over_itself_fits_the_terminal_and_keeps_what_failed_in_sight(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal of fewer lines than the table had, each drawing left half of the one before above it."""
    fleet = StuckFleet(outputs, 9)
    plan = fleet.plan(Limits(2, 4, 4, 2))
    fleet.approve(plan)
    fleet.sim.faults.add(Rule("no", "PUT", "/api/v4/machine_status/*", nth=(2,), status=403))
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((40, LINES)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with fleet.system() as system:
        fleet.session(plan, system, on_change=FleetTable(Output(False), plan).show).run(resume=False)
    drawn = frames(capsys.readouterr().err)
    assert len(drawn) == 2 * 9
    assert max(map(len, drawn)) == LINES - 2
    failed = next(at for at, frame in enumerate(drawn) if "1 of 2 failures" in frame[-1])
    for frame in drawn[failed:]:
        assert [line for line in frame if re.search(r"ended +✘ failed +\? unknown", line)]
    assert drawn[-1][-1] == "9 ended, 0 run (up to 2 at once), 0 wait, 1 of 2 failures"


@pytest.mark.parametrize("live", [True, False])
def test_a_run_that_is_to_stop_says_at_once_that_what_runs_comes_to_its_end(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], live: bool
) -> None:
    """After Ctrl-C there was nothing to see for minutes, and the next thing that is tried is kill -9."""
    fleet = StuckFleet(outputs, 3)
    plan = fleet.plan(Limits(1, 4, 4, 2))
    fleet.approve(plan)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((80, LINES)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: live)
    table, sending, said_so = FleetTable(Output(False), plan), threading.Event(), threading.Event()

    def before(request: httpx.Request) -> None:
        if request.method == "PUT":
            sending.set()
            assert said_so.wait(20)

    def show(now: Fleet) -> None:
        table.show(now)
        if now.held_back is not None:
            said_so.set()

    fleet.before = before
    with fleet.system() as system:
        stop = {"wants_stop": lambda: "SIGINT" if sending.is_set() else ""}
        fleet.session(plan, system, on_change=show, **stop).run(resume=False)
    said = "Nothing else starts: SIGINT says stop. What runs comes to its end first."
    printed = capsys.readouterr().err
    if live:
        assert frames(printed)[1][-1] == said
        assert len(frames(printed)[1]) < LINES
    else:
        assert printed.splitlines() == ["vm-00001: running", said, "vm-00001: ended ✔ done · verdict off"]


def test_a_table_that_cannot_be_drawn_holds_no_vm_back(
    outputs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Holds off: the thread that starts VMs draws the table, too, and died of it after a VM had begun."""
    fleet = StuckFleet(outputs, 3)
    plan = fleet.plan(Limits(1, 4, 4, 2))
    fleet.approve(plan)

    def fails(now: Fleet) -> None:
        raise KeyError("node")

    with fleet.system() as system:
        ended = fleet.session(plan, system, on_change=fails).run(resume=False)
    assert (ended.account.outcome, fleet.alive()) == ("done", [])
    assert "cannot be shown: KeyError('node')" in caplog.text
