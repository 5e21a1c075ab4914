"""VMs that were forced off, with their records."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.procedure.runbooks.rehearsed import FollowUp


@pytest.fixture(autouse=True)
def _no_pictures(undrawn: None) -> None:
    """Nobody looks at the pictures of records here."""


@pytest.fixture
def rehearse(tmp_path: Path) -> Callable[..., FollowUp]:
    """Make a rehearsal of a scenario, each with a folder of its own."""
    numbers = itertools.count(1)

    def make(scenario: str = "stuck", **options: object) -> FollowUp:
        return FollowUp(scenario, tmp_path / f"outputs-{next(numbers)}", **options)

    return make


@pytest.fixture
def plain_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records without their slow HTML rendering, which other tests look at."""
    monkeypatch.setattr("vergeos_nb.record.making.page", lambda *_, **__: "<title>a record</title>")
