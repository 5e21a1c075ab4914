"""The worked example of CONTRIBUTING.md: a witness that is declared and named on the roll is everywhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.client.decoded_rows import RowFields
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.procedure.evidence.sample import Sample
from vergeos_nb.procedure.evidence.witness import Evidence, Witness
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue, Vote

Make = Callable[..., Rehearsal]
PAGE = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
OLDER = roll.WITNESSES


@pytest.fixture
def disk_space(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """The example's witness, on the roll as its second step says."""
    code = re.search(r"### Add a witness.*?```python\n(.*?)```", PAGE, re.S)
    assert code is not None
    module = ModuleType("disk_space")
    monkeypatch.setitem(sys.modules, "disk_space", module)
    exec(compile(code[1], "CONTRIBUTING.md", "exec"), module.__dict__)
    witness: Witness = module.DISK_SPACE
    monkeypatch.setattr(roll, "WITNESSES", (*OLDER, witness))
    return witness


def table(account: RunState, step: str, name: str) -> Table:
    result = next(result for result in account.results if result.step == step)
    return next(table for table in result.tables if table.schema.name == name)


def column(shown: Table, name: str) -> list[object]:
    at = [column for column, _ in shown.schema.columns].index(name)
    return [row[at] for row in shown.rows]


def grow(run: Rehearsal, drive: int) -> None:
    used = run.sim.world.tables["machine_drives"][drive]["used_bytes"]
    run.sim.world.set_row("machine_drives", drive, used_bytes=(used or 0) + 4096)


def first_drive(run: Rehearsal) -> int:
    machine = run.sim.world.vm("web-01").machine
    rows = run.sim.world.tables["machine_drives"]
    return next(key for key, row in rows.items() if row["machine"] == machine)


def test_its_reading_its_vote_and_its_column_are_in_the_steps_the_journal_and_the_record(
    rehearse: Make, disk_space: Witness
) -> None:
    run = rehearse("stuck")
    account = run.run(finish=True)
    still = (disk_space.source, "silent", "did not grow, as the disks of an idle VM do not", "")
    assert table(account, "alive", "evidence").rows[-1] == still
    used = column(table(account, "alive", "samples"), "disk_bytes")
    assert (len(used), len(set(used))) == (2, 1)
    assert run_state_of(read_journal(run.folder / "journal.jsonl")).results == account.results
    assert "did not grow, as the disks of an idle VM do not" in (run.folder / "notebook.html").read_text()


def test_its_sign_of_life_makes_the_verdict_alive(rehearse: Make, disk_space: Witness) -> None:
    run = rehearse("stuck")
    drive = first_drive(run)
    account = run.run(before={"alive": lambda: run.clock.after(1, lambda: grow(run, drive))})
    assert table(account, "alive", "evidence").rows[-1] == (
        disk_space.source,
        "alive",
        "grew by 4096 bytes while it was watched",
        "measured",
    )
    assert account.verdict is VerdictValue.ALIVE


def test_a_field_that_cannot_be_read_silences_it(disk_space: Witness) -> None:
    class Platform:
        def machine_rows(self, *asked: object) -> tuple[RowFields, ...]:
            return (RowFields({"used_bytes": "much"}, "machine_drives", "test"),)

    assert disk_space.reading is not None
    read = disk_space.reading.read(type("Of", (), {"platform": Platform(), "machine": None})())
    sample = Sample(0.0, {disk_space.source: read})
    assert sample.unread() == ["used_bytes is text"]
    assert disk_space.vote(Evidence((sample, replace(sample, read_at=5.0)))) == Vote(
        disk_space.source, "silent", "cannot be read: used_bytes is text"
    )


def test_where_it_is_not_read_as_in_a_fleet_s_triage_it_is_silent(disk_space: Witness) -> None:
    assert disk_space.vote(Evidence((Sample(0.0, {}), Sample(5.0, {})))) == Vote(
        disk_space.source, "silent", "it takes two readings to see a disk grow"
    )


def test_a_record_from_before_it_reads_with_the_columns_of_then(
    rehearse: Make, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    run = rehearse("stuck")
    account = run.run()
    request.getfixturevalue("disk_space")
    assert run_state_of(read_journal(run.folder / "journal.jsonl")).results == account.results
