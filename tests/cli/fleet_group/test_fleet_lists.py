"""Lists of VMs from one command to the next: what `stuck` prints is what `fleet plan` plans for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.stuck_fleet import ATTESTED, make_stuck
from tests.served import QUICK, served
from vergeos_nb.cli.main import cli
from vergeos_nb.simulator import Simulator

NAMES = ("=x", "'=x", ' "a", b;c')
PAIRS = [f"-p{name}={value}" for name, value in {**QUICK, **ATTESTED}.items()]


def named(sim: Simulator) -> None:
    """Three stuck VMs of which CSV shows two alike."""
    rows = [row for row in sim.world.tables["vms"].values() if row["name"].startswith("vm-")]
    for row, name in zip(rows, NAMES, strict=False):
        row["name"] = name
    make_stuck(sim, *NAMES)


def planned_for(source: str | None, outputs: Path, out: Any, **selector: str | None) -> list[str]:
    out.readouterr()
    chosen = [source] if source else [f"--{name}={pattern}" for name, pattern in selector.items()]
    words = ["fleet", "plan", *chosen, *PAIRS, "--outputs", str(outputs), "--json"]
    assert not cli.main(words, standalone_mode=False)
    return [vm["name"] for vm in json.loads(out.readouterr().out.splitlines()[-1])["vms"]]


def test_what_stuck_prints_is_planned_for_and_a_list_of_one_name_for_that_vm_alone(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list `["'=x"]` planned for the VM `=x`."""
    with served("stuck", vms=5) as sim:
        named(sim)
        words = ["stuck", "--gap", "1.2", "--suggestion", "override", "--csv", "--outputs", str(outputs)]
        assert not cli.main(words, standalone_mode=False)
        (tmp_path / "stuck.csv").write_text(capsys.readouterr().out)
        found = planned_for(str(tmp_path / "stuck.csv"), outputs, capsys)
        assert set(NAMES) <= set(found)
        for name in NAMES:
            (tmp_path / "one.json").write_text(json.dumps([name]))
            assert planned_for(str(tmp_path / "one.json"), outputs, capsys) == [name]
