"""Rehearsals for the tests of the procedure."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rehearsal import Rehearsal


@pytest.fixture
def rehearse(tmp_path: Path) -> Callable[..., Rehearsal]:
    """Make a rehearsal of a scenario, each with a folder of its own."""
    numbers = itertools.count(1)

    def make(scenario: str = "stuck", **options: object) -> Rehearsal:
        return Rehearsal(scenario, tmp_path / f"outputs-{next(numbers)}", **options)

    return make
