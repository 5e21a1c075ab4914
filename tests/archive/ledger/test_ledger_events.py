"""The state of records after all lines of a ledger, of all of them and of some."""

from __future__ import annotations

from pathlib import Path

from tests.archive.made import sealed
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_events import Standing, standing
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.clock import SystemClock


def test_of_some_records_only_their_own_lines_are_held(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    for number in (1, 2, 3, 4):
        sealed(outputs, number)
    held, freed, gone, other = (
        f"{number:06}Z-force_power_off-web-01-{number:08x}" for number in (1, 2, 3, 4)
    )
    keeper = Keeper(outputs, "kim", SystemClock())
    keeper.hold(held, "court")
    keeper.hold(freed, "court")
    keeper.release(freed, "closed")
    keeper.remove([gone], "old")
    ledger = outputs / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes() + b"[1]\n" + b'{"record": 7}\n' + b'{"torn')
    whole = standing(Ledger(outputs).whole_lines())
    assert (set(whole.sealed), set(whole.held), set(whole.removed)) == ({held, freed, other}, {held}, {gone})
    for some in ({held}, {freed, gone}, {other}, {"none"}, set()):
        assert standing(Ledger(outputs).whole_lines(), some) == Standing(
            {record: line for record, line in whole.sealed.items() if record in some},
            {record: mark for record, mark in whole.held.items() if record in some},
            {record: mark for record, mark in whole.removed.items() if record in some},
        )
