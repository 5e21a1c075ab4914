"""Nobody looks at the pictures of records here."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_pictures(undrawn: None) -> None:
    """All records have one picture."""
