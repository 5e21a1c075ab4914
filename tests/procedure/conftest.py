"""What tests of the procedure share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write a policy for the runs that are opened from here on."""

    def write(text: str) -> None:
        (tmp_path / "policy.toml").write_text(text)
        monkeypatch.setenv("VERGEOS_NB_POLICY", str(tmp_path / "policy.toml"))

    return write
