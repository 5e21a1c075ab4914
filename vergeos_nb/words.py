"""Unknown words: which known one was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one, or None when none does."""
    from difflib import get_close_matches

    by_lower_case = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), list(by_lower_case), n=1, cutoff=0.6)
    return by_lower_case[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? Known: a, b, x.``, in the order given; without the question if none is near."""
    names = list(known)
    near = nearest(word, names)
    guess = f"Did you mean {near!r}? " if near else ""
    return f"{guess}Known: {', '.join(names)}."
