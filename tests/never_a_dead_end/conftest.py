"""A sitting at a live notebook, as the tests of the cards have it."""

from tests.widgets.conftest import sit

__all__ = ["sit"]
