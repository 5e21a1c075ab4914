"""Fleets make many records, whose pictures nobody looks at here."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_pictures(undrawn: None) -> None:
    """See the fixture of all tests."""
