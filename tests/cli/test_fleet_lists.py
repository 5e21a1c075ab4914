"""Lists of VMs from one command to the next: what `stuck` prints is what `fleet plan` plans for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.stuck_fleet import ATTESTED, make_stuck
from tests.served import QUICK, served
from vergeos_nb.cli.fleet_applying import plan
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.stuck import stuck
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.simulator import Simulator

NAMES = ("=x", "'=x", ' "a", b;c')
PAIRS = [f"{name}={value}" for name, value in {**QUICK, **ATTESTED}.items()]


def named(sim: Simulator) -> None:
    """Three stuck VMs of which CSV shows two alike."""
    rows = [row for row in sim.world.tables["vms"].values() if row["name"].startswith("vm-")]
    for row, name in zip(rows, NAMES, strict=False):
        row["name"] = name
    make_stuck(sim, *NAMES)


def planned_for(source: str | None, outputs: Path, out: Any, **selector: str | None) -> list[str]:
    out.readouterr()
    assert plan(source, selector, PAIRS, None, Limits(), 10, str(outputs), Output(True)) == 0
    return [vm["name"] for vm in json.loads(out.readouterr().out.splitlines()[-1])["vms"]]


def test_what_stuck_prints_is_planned_for_and_a_list_of_one_name_for_that_vm_alone(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list `["'=x"]` planned for the VM `=x`."""
    with served("stuck", vms=5) as sim:
        named(sim)
        wanted = {"suggestion": "override", "status": None}
        assert stuck({"sample_gap_s": "1.2"}, wanted, None, False, True, str(outputs), Output(False)) == 0
        (tmp_path / "stuck.csv").write_text(capsys.readouterr().out)
        found = planned_for(str(tmp_path / "stuck.csv"), outputs, capsys)
        assert set(NAMES) <= set(found)
        for name in NAMES:
            (tmp_path / "one.json").write_text(json.dumps([name]))
            assert planned_for(str(tmp_path / "one.json"), outputs, capsys) == [name]
