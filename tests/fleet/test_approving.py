"""Approving a fleet plan, as somebody types it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.cli.main import cli
from vergeos_nb.clock import iso
from vergeos_nb.fleet.schedule import Limits


def test_an_approval_that_ends_before_the_fleet_can_be_through_says_so(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = StuckFleet(outputs, 4)
    rungs = {"start_at": "poweroff", "attest": "", "settle_s": 90.0, "confirm_timeout_s": 99.0}
    plan = fleet.plan(Limits(2, 4, 4, 1), **rungs)
    # One, then two, then the last: each 2 s between two samples, 3 s for each rung, 90 s to settle.
    assert plan.lasts_s == 3 * (2.0 + 3.0 + 3.0 + 90.0)
    warned = "Its waits alone may take 5 min, and nothing starts after the approval has ended"
    words = ["fleet", "approve", plan.digest, "--approver", "grace", "--outputs", str(outputs)]
    assert not cli.main([*words, "--until", iso(time.time() + 200)], standalone_mode=False)
    assert warned in capsys.readouterr().out
    assert not cli.main(words, standalone_mode=False)
    assert warned not in capsys.readouterr().out
