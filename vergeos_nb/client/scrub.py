"""Texts made fit to be shown: secrets masked, control characters made visible, length bounded."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from vergeos_nb.settings import MASK

SHOWN_CHARACTERS = 300
"""How much of a foreign text an error message repeats."""

# Cc and Cf hold terminal escapes and the marks that turn the direction of writing; both can make a message
# read as something else than it is.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Scrubber:
    """Replaces every known spelling of a secret by `MASK`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.add(secrets)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that is masked, the longest first."""
        return self._secrets

    def add(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        known = {*self._secrets, *secrets} - {""}
        self._secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def data(self, value: Any) -> Any:
        """A copy of decoded JSON without secrets, in names of members too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.data(member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(member) for member in value]
        return value


def visible(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """The text on one line, with what cannot be seen as an escape, cut to `limit` characters."""
    line = "".join(_shown(character) for character in " ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
