"""A platform that answers a book for a word: the tables of a run stay readable, and its record small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.procedure.engine.engine import LONGEST_CELL

BOOK = "x" * 200_000


def with_state(run: Rehearsal, state: str) -> None:
    """Every status row has this state."""
    inner = run.sim.transport()

    def told(value: Any) -> Any:
        if isinstance(value, list):
            return [told(one) for one in value]
        if isinstance(value, dict):
            kept = {name: told(one) for name, one in value.items()}
            return {**kept, "state": state} if isinstance(kept.get("state"), str) else kept
        return value

    def answer(request: httpx.Request) -> httpx.Response:
        given = inner.handler(request)
        headers = {name: given.headers[name] for name in ("server", "date")}
        return httpx.Response(given.status_code, headers=headers, json=told(json.loads(given.content)))

    run.transport = httpx.MockTransport(answer)


@pytest.fixture
def run(tmp_path: Path) -> Rehearsal:
    return Rehearsal("stuck", tmp_path / "outputs")


def test_a_cell_of_two_hundred_thousand_letters_is_cut_and_says_so(run: Rehearsal) -> None:
    """The notebook of a plan had 1.9 MB, and a wait would have added as much for each reading."""
    with_state(run, BOOK)
    account = run.run(finish=True)
    cells = [
        cell
        for result in account.results
        for table in result.tables
        for row in table.rows
        for cell in row
        if isinstance(cell, str) and "xxx" in cell
    ]
    assert len(cells) >= 3
    assert {(len(cell), cell[-1]) for cell in cells if len(cell) >= LONGEST_CELL} == {(LONGEST_CELL, "…")}
    assert max(map(len, cells)) == LONGEST_CELL
    assert max(path.stat().st_size for path in run.folder.iterdir()) < 600_000
