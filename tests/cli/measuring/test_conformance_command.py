"""`vergeos-nb conformance`: what a person sees, and the way to the runbook and to a capture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_commands import call
from tests.connect.test_against_capture import captured
from vergeos_nb.cli.entry import call as call_here
from vergeos_nb.cli.main import cli


def test_reading_prints_each_assumption_and_keeps_it(outputs: Path) -> None:
    code, answer, printed = call("conformance", "--outputs", str(outputs))
    assert (code, answer["outcome"], len(answer["assumptions"])) == (0, "done", 10)
    assert "  measured true   A filter that matches no row is answered with an empty list.\n" in printed
    assert f"  kept in {outputs}/platform/simulator.toml\n" in printed


def test_against_a_capture_no_system_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = captured(tmp_path, lambda samples: samples["vms"][0].update(colour="blue"))
    assert call_here(cli, ["conformance", "--against", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "vms.colour: the simulator lacks it; the system has text",
        "1 difference in 3 tables, between the simulator and a system of 26.1.8.",
        f"Send us {path}: names in it are masked, and it makes the simulator right.",
    ]


def test_against_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_here(cli, ["conformance", "--against", str(captured(tmp_path)), "--vm", "x"]) == 2
    assert "--against stands alone" in capsys.readouterr().err
