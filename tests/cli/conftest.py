"""Runs begin in processes of their own here; none of them waits."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_run_waits(skipped_waits: None) -> None:
    """See `tests.skipping`."""
