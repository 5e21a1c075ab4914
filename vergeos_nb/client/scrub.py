"""Texts from outside made fit to be shown: masked, control characters made visible, length bounded."""

from __future__ import annotations

import unicodedata

from vergeos_nb.masking import Scrubber, cut

__all__ = ["SHOWN_CHARACTERS", "Scrubber", "visible"]

SHOWN_CHARACTERS = 300
"""How much of a foreign text an error message repeats."""

# Cc and Cf hold terminal escapes and the marks that turn the direction of writing; both can make a message
# read as something else than it is.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """The text on one line, masked, with what cannot be seen as an escape, cut to `limit` characters."""
    line = "".join(_shown(character) for character in " ".join(cut(text, 4 * limit).split()))
    return cut(line, limit)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
