"""A sitting at a live notebook, as the tests of the cards have it. Nobody looks at the records' pictures."""

import pytest

from tests.widgets.conftest import sit

__all__ = ["sit"]


@pytest.fixture(autouse=True)
def _no_pictures(undrawn: None) -> None:
    """See the fixture of all tests."""
