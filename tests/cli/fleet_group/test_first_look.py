"""VMs that look stuck are shown while the fleet is still being read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.served import served
from vergeos_nb.cli.fleet_group.stuck_command import MOST_AT_FIRST, FirstLook
from vergeos_nb.cli.main import cli
from vergeos_nb.client.whole_tables import fleet_tables


def test_the_first_rows_are_shown_before_the_second_page_is_asked_for(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: a person at a large fleet saw nothing until the second reading had been judged."""
    monkeypatch.setattr(fleet_tables, "PAGE", 5)
    asked_for: list[int] = []
    with served("stuck", vms=8) as sim:
        look = FirstLook.__call__

        def looked(self: FirstLook, rows: object) -> None:
            asked_for.append([request.path for request in sim.requests].count("/api/v4/vms"))
            look(self, rows)  # type: ignore[arg-type]

        monkeypatch.setattr(FirstLook, "__call__", looked)
        assert not cli.main(["stuck", "--gap", "1.2", "--outputs", str(outputs)], standalone_mode=False)
    assert asked_for == [1, 2, 3, 4]
    first = "  at first look: web-01, its status is unresponsive; not judged yet."
    told = capsys.readouterr().err.splitlines()
    assert told.index(first) < next(at for at, line in enumerate(told) if line.startswith("Read the fleet"))


def test_where_no_vm_looks_stuck_a_sentence_says_so_and_no_empty_table(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served("healthy"):
        for more in ([], ["--name", "web-9*"]):
            stuck = ["stuck", "--gap", "1.2", "--outputs", str(outputs), *more]
            assert not cli.main(stuck, standalone_mode=False)
    told = capsys.readouterr()
    assert [line for line in told.out.splitlines() if line.startswith("None")] == [
        "None of 12 VMs wants a look. --all lists them.",
        "None of 12 VMs fits what was asked for.",
    ]
    assert "suggestion" not in told.out
    assert "Judge it: 0 of 12 VMs want a look. Unknown: 0 VMs." in told.err.splitlines()


def test_a_fleet_in_which_many_look_stuck_does_not_fill_the_screen() -> None:
    said: list[str] = []
    look = FirstLook(said.append)
    count = MOST_AT_FIRST + 5
    for _ in range(2):
        look(
            {
                "name": [f"vm-{number}" for number in range(count)],
                "status": ["running"] * count,
                "state": ["warning"] * count,
                "running": [True] * count,
            }
        )
    assert len(said) == MOST_AT_FIRST
    assert said[0] == "  at first look: vm-0, it runs, and its state is warning; not judged yet."
    assert said[-1].endswith("not judged yet. More are left out here.")
