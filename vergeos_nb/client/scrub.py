"""Make texts from outside fit to be shown: masked, control characters visible, length bounded."""

from __future__ import annotations

import unicodedata

from vergeos_nb.masking import Scrubber, cut

__all__ = ["SHOWN_CHARACTERS", "Scrubber", "visible"]

SHOWN_CHARACTERS = 300
"""How many characters of a text from outside an error message repeats."""

# Cc and Cf hold terminal escapes and marks that reverse the direction of text. Both can falsify a message.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """The text on one line, masked, invisible characters as escapes, cut to `limit` characters."""
    line = "".join(_shown(character) for character in " ".join(cut(text, 4 * limit).split()))
    return cut(line, limit)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
