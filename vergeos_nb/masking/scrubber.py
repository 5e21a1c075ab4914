"""Mask secrets in texts and data.

A scan uses the same masking: a text is clean if masking does not change it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from vergeos_nb.masking.secret_patterns import Span, compiled, has_one, names_a_credential, shaped
from vergeos_nb.masking.spellings import MASK, SHORTEST_NUMBER, forms_of, signs_of, spellings

CERTAIN = 16
"""A secret of this length or more is not in a digest, an id or a time by chance."""

_IMAGE_CERTAIN = 8
"""The same for the Base64 of a picture."""

_TORN = 8
"""If a text ends with this many first characters of a secret, they count as the beginning of the secret."""
_SURELY_TORN = 3
"""The same for a text that is known to be cut off."""

_LEAST = (_TORN, _SURELY_TORN)

_SHORT = 80
"""The masked form of a text of at most this many characters is cached."""

_SLACK = 1024
"""How many characters beyond a cut are searched for a pattern that begins before the cut."""

# Values in our own texts that are never secrets: SHA-256 in hex, times and days, and the ids of records.
_OURS = (
    r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"
    r"|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|(?<![0-9A-Za-z])\d{6}Z-[a-z_]{1,40}-[a-z0-9-]{1,40}-[0-9a-f]{8}(?![0-9A-Za-z])"
)
_IMAGE = r"[0-9A-Za-z+/]{256,}={0,2}"
_MAPPINGS = (dict, Mapping)
"""JSON gives a dict, and asking for any mapping takes five times as long."""
_LOCK = threading.Lock()
_CLOSING = "….\"' )\\n"


class _Needles:
    """Some secrets, prepared for searching. It never changes.

    Attributes:
        signs: short texts to search for first. Every form of a secret with signs holds one of them.
        forms: all forms, the longest first; `unsigned` are the forms of secrets without signs.
        beginnings: forms of which a text can end with a part; `ends` are such parts.
        numbers: the secrets that JSON could hold as a number.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = set(secrets) - {""}
        signed = {secret: signs_of(secret) for secret in known}
        self.secrets = _longest_first(known)
        self.signs = tuple(sorted({sign for signs in signed.values() for sign in signs}))
        self.forms = _longest_first(form for secret in known for form in forms_of(secret))
        self.unsigned = _longest_first(
            form for secret, signs in signed.items() if not signs for form in forms_of(secret)
        )
        self.beginnings = _longest_first(form for secret in known for form in (secret, *spellings(secret)))
        self.ends = {
            least: frozenset(
                form[last - least : last] for form in self.beginnings for last in range(least, len(form))
            )
            for least in _LEAST
        }
        self.numbers = frozenset(
            secret for secret in known if secret.isdecimal() and len(secret) >= SHORTEST_NUMBER
        )
        self.longest = max((len(form) for form in self.forms), default=0)

    def whole(self, text: str) -> Iterator[Span]:
        """Where the text holds a secret."""
        forms = self.forms if has_one(text, self.signs) else self.unsigned
        ours: list[Span] | None = None
        images: list[Span] = []
        for form in forms:
            at = text.find(form)
            while at >= 0:
                span = (at, at + len(form))
                if len(form) < CERTAIN and ours is None:
                    ours = [match.span() for match in compiled(_OURS).finditer(text)]
                    images = [match.span() for match in compiled(_IMAGE).finditer(text)]
                by_chance = len(form) < CERTAIN and _within(span, ours or [])
                if not by_chance and not (len(form) < _IMAGE_CERTAIN and _within(span, images)):
                    yield span
                at = text.find(form, at + 1)

    def torn(self, text: str, least: int) -> Iterator[Span]:
        """Where the text ends with the beginning of a secret, of at least this many characters."""
        for end in {len(text), len(text.rstrip(_CLOSING))}:
            if end < least or text[end - least : end] not in self.ends[least]:
                continue
            for form in self.beginnings:
                for kept in range(min(len(form) - 1, end), least - 1, -1):
                    if text.endswith(form[:kept], 0, end):
                        yield end - kept, end
                        break


@lru_cache(maxsize=16)
def _needles_of(secrets: frozenset[str]) -> _Needles:
    """Cached, because each run of a fleet has the same secrets, and preparing them takes milliseconds."""
    return _Needles(secrets)


class Scrubber:
    """Replaces secrets by `MASK`.

    Secrets are the given ones, all that this process has read, and texts that look like an unknown secret.

    Args:
        secrets: texts to mask, in all their spellings.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._own = _needles_of(frozenset(secrets))
        self._asked: tuple[_Needles, _Needles, tuple[_Needles, ...]] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """All secrets that were given to it, the longest first."""
        return self._own.secrets

    def add(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        with _LOCK:
            known = {*self._own.secrets, *secrets} - {""}
            if len(known) > len(self._own.secrets):
                self._own = _needles_of(frozenset(known))

    def knows(self, text: str) -> bool:
        """Whether the text holds a known secret. Texts that only look like a secret do not count."""
        return any(True for needles in self._needles() for _ in needles.whole(text))

    def is_in(self, content: bytes) -> bool:
        """Whether bytes that are not text hold a known secret."""
        return any(
            form.encode("utf-8", "surrogatepass") in content
            for needles in self._needles()
            for form in needles.forms
            if len(form) >= _IMAGE_CERTAIN
        )

    def clear(self) -> None:
        """Forget all that it was given."""
        self._own = _needles_of(frozenset())

    def text(self, text: str, *, torn: bool = False) -> str:
        """The text without secrets.

        Args:
            torn: it is known not to be whole, so that it may end within a secret.
        """
        needles = self._needles()
        if len(text) <= _SHORT and not torn:
            return _short(text, *needles)
        return _masked(text, torn, *needles)

    def cut(self, text: str, limit: int, *, torn: bool = False) -> str:
        """The text without secrets, and then no longer than `limit`. A secret at the cut is masked whole.

        Args:
            torn: it is known not to be whole already.
        """
        if len(text) <= limit:
            return self.text(text, torn=torn)[: max(limit, len(MASK))]
        # What begins before the cut lies within the window.
        window = text[: limit + max(*(needles.longest for needles in self._needles()), _SLACK)]
        spans: list[Span] = []
        while more := _spans(_blanked(window, spans), False, *self._needles()):
            spans = _merged([*spans, *more])
        kept = [(first, last) for first, last in spans if first < limit - 1]
        end = max([limit - 1, *(last for _, last in kept)])
        return self.text(_without(window[:end], kept))[: max(limit - 1, 0)] + "…"

    def data(self, value: Any) -> Any:
        """A copy of decoded JSON without secrets, in names of members too."""
        return _data(value, self._needles())

    def _needles(self) -> tuple[_Needles, ...]:
        ours = OF_THIS_PROCESS._own
        own, asked = self._own, self._asked
        # The result is kept with its set of secrets, because another thread may add one meanwhile.
        if asked is None or asked[0] is not ours or asked[1] is not own:
            covered = set(own.secrets) <= set(ours.secrets)
            self._asked = asked = (ours, own, (ours,) if covered else (ours, own))
        return asked[2]


def _data(value: Any, known: tuple[_Needles, ...]) -> Any:
    if isinstance(value, str):
        return _short(value, *known) if len(value) <= _SHORT else _masked(value, False, *known)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int | float):
        return MASK if isinstance(value, int) and _is_number(value, known) else value
    if isinstance(value, _MAPPINGS):
        return _members(value, known)
    if isinstance(value, list | tuple):
        if len(value) == 2 and isinstance(value[0], str):
            return [_data(value[0], known), _member(value[0], value[1], known)]
        return [_data(member, known) for member in value]
    return value


def _members(value: Mapping[Any, Any], known: tuple[_Needles, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in value.items():
        name = str(name)
        shown = _data(name, known)
        while shown in found:
            # Two names that are masked completely would be the same key.
            shown += "'"
        found[shown] = _member(name, member, known)
    return found


def _is_number(value: int, known: tuple[_Needles, ...]) -> bool:
    for needles in known:  # noqa: SIM110 - any() takes twice as long
        if needles.numbers and str(value) in needles.numbers:
            return True
    return False


def _member(name: str, value: Any, known: tuple[_Needles, ...]) -> Any:
    if isinstance(value, str) and len(value) >= 4 and names_a_credential(name, value):
        return MASK
    return _data(value, known)


def _spans(text: str, torn: bool, *known: _Needles) -> list[Span]:
    found = shaped(text)
    for needles in known:
        found += needles.whole(text)
        found += needles.torn(text, _SURELY_TORN if torn else _TORN)
    return _merged(found) if found else found


def _masked(text: str, torn: bool, *known: _Needles) -> str:
    # Masking can make a text next to the mask match, too.
    while spans := _spans(text, torn, *known):
        text = _without(text, spans)
    return text


@lru_cache(maxsize=8192)
def _short(text: str, *known: _Needles) -> str:
    """A short text, masked. Cached, because each row has the same names, and many of the same values."""
    return _masked(text, False, *known)


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts), key=lambda text: (-len(text), text)))


def _within(span: Span, places: Iterable[Span]) -> bool:
    return any(first <= span[0] and span[1] <= last for first, last in places)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _without(text: str, spans: Iterable[Span]) -> str:
    pieces, at = [], 0
    for first, last in spans:
        pieces += [text[at:first], MASK]
        at = last
    return "".join([*pieces, text[at:]])


def _blanked(text: str, spans: Iterable[Span]) -> str:
    """The text with blanks where it will be masked, so that nothing is found there again."""
    for first, last in spans:
        text = text[:first] + "\0" * (last - first) + text[last:]
    return text


OF_THIS_PROCESS = Scrubber()
"""Knows every secret that this process has read."""
