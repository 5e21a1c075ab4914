"""Fleets make many records, whose pictures nobody looks at here. Their commands wait for nothing."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_pictures(undrawn: None, skipped_waits: None) -> None:
    """See the fixtures of all tests."""
