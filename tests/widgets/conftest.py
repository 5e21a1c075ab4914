"""A person at the cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.widgets.sitting import Sitting


@pytest.fixture
def sit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sitting]:
    """Sit down at a live notebook over a scenario."""

    def make(scenario: str = "stuck", **given: object) -> Sitting:
        return Sitting(scenario, tmp_path / "outputs", monkeypatch, **given)

    return make
