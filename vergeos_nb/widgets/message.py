"""The message of a card about a click on it, and how long it is shown."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from vergeos_nb.clock import Cancelled
from vergeos_nb.errors import VergeNbError
from vergeos_nb.machine import lacking
from vergeos_nb.widgets.parts import says


class Message:
    """A message that is shown as long as its situation lasts.

    A situation is everything that the message may refer to. Strings, mappings and tuples are compared by
    value, anything else by identity.
    """

    def __init__(self) -> None:
        self._html = ""
        self._situation: Sequence[object] = ()

    def say(self, html: str, situation: Sequence[object]) -> None:
        """Show this message."""
        self._html, self._situation = html, situation

    def drop(self) -> None:
        """Remove the message."""
        self._html = ""

    def now(self, situation: Sequence[object]) -> str:
        """The message as HTML; "" if the situation has changed since."""
        if self._html and not _same(self._situation, situation):
            self.drop()
        return self._html


def said_of(failure: BaseException) -> str:
    """The message for an exception, as HTML."""
    if isinstance(failure, Cancelled):
        return says(
            "Cancelled: the wait has ended. What was sent stays sent, and is not sent again. Run the step "
            "again to continue watching.",
            alert=True,
        )
    if isinstance(failure, VergeNbError):
        return says(f"⊘ {failure}", alert=True)
    if (lack := lacking(failure, "running this step")) is not None:
        return says(f"⊘ {lack}", alert=True)
    lines = "".join(traceback.format_exception(failure))
    return says(f"✘ A bug of this program: {failure!r}. Nothing is retried.\n{lines}", alert=True)


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a is b or (isinstance(a, str | dict | tuple) and a == b) for a, b in pairs)
