"""The known word that was probably meant by an unknown one, and a number with its noun."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 record``, ``2 records``. The plural is made with an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one; None if none is like it."""
    from difflib import get_close_matches

    by_lower_case = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), list(by_lower_case), n=1, cutoff=0.6)
    return by_lower_case[found[0]] if found else None


def likeness(word: str, other: str) -> float:
    """How like two words are, in any case: from 0 to 1."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, word.lower(), other.lower()).ratio()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? Known: a, b, x.``, in the given order; no question if no word is like it."""
    names = list(known)
    near = nearest(word, names)
    guess = f"Did you mean {near!r}? " if near else ""
    return f"{guess}Known: {', '.join(names)}."
