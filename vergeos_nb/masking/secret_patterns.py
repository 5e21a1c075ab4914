"""Recognise credentials that we do not know: headers, tokens, keys and passwords in texts from outside.

Only the value is masked, not the word that names it, so a log stays readable. Every repetition in a pattern
is limited, so that the time grows only with the length of the text.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from vergeos_nb.masking.spellings import pieces_in_base64

Span = tuple[int, int]

# What can be between a name and its value: JSON, JSON in JSON, a Python repr, HTML, a URL, a line end.
_GAP = (
    r"""(?:\\{0,8}["'`]|&(?:quot|apos|nbsp|colon|equals|lt|gt|\#0{0,4}(?:3[249]|58|61)"""
    r"""|\#x0{0,4}(?:2[027]|3[ad]));|%(?:20|22|27|3a|3d|5b|7b|2c|0a|0d)|\\{1,8}[nrt]"""
    r"""|\\{1,8}u00(?:20|22|27|3a|3d|0a|0d)|<[^<>]{0,80}>|[\s:=,(\[{>+])"""
)
_CHARACTER = (
    r"(?:[0-9A-Za-z+/_.~=-]|%(?:2[bdefBDEF]|3[dD]|5[fF]|7[eE])|\\{1,8}/|\\{1,8}u00(?:2[bfBF]|3[dD])"
    r"|&\#(?:43|47|61|x2[bfBF]|x3[dD]);)"
)
# A header continues in the next line if that line is indented. Otherwise the next line is a log's next line.
_FOLD = r"(?:(?:(?:\r?\n|(?:\\{1,8}r)?\\{1,8}n)[ \t]{1,40})(?=[0-9A-Za-z+/_.~=-]{0,200}[0-9]))"
_VALUE = rf"(?P<value>(?:{_CHARACTER}{_FOLD}?)+)"
_SLASH = r"(?:/|\\{1,8}/|%2f)"
_SECRET_NAME = (
    r"(?:pass(?:word|wd|phrase)|(?:console|ipmi)_pass|(?:api|private|secret|access|session)[_-]?key"
    r"|(?:client|api|auth|shared)[_-]?secret)"
)
_HEADER_NAME = r"(?:authorization|x[_-](?:yottabyte|auth|csrf)[_-]token|x[_-]api[_-]key)"

_LETTERS_ONLY = 24
_QUOTES = (
    '"', "'", "`", "&quot;", "&apos;", "&#34;", "&#39;", "&#x22;", "&#x27;", "%22", "%27", "u0022", "u0027",
)  # fmt: skip
_DIGIT = re.compile(r"[0-9]")
_SIGN = re.compile(r"\w")
_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
_NAMES_SECRET = rf"(?i:(?:^|[_.\s-]){_SECRET_NAME}$)"
_NAMES_TOKEN = rf"(?i:(?:^|[_.\s-])(?:{_HEADER_NAME}|token|cookie)$)"
_NO_VALUES = frozenset({"null", "none", "true", "false", "undefined"})


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled at its first use. Compiling all of them takes as long as the whole `--help`."""
    return re.compile(pattern)


def has_one(text: str, pieces: Iterable[str]) -> bool:
    """Whether one of these is in the text."""
    for piece in pieces:  # noqa: SIM110 - asked for every text that is written down, and any() takes twice as long
        if piece in text:
            return True
    return False


def _is_token(value: str, least: int = 8) -> bool:
    """Whether this can be a token: it has a digit or is long, unlike the words of a sentence."""
    return len(value) >= least and (len(value) >= _LETTERS_ONLY or bool(_DIGIT.search(value)))


def _is_pair(text: str) -> bool:
    """Whether this is the Base64 of ``name:password``, and not a word such as ``authentication``."""
    text = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        pair = binascii.a2b_base64(text[: len(text) // 4 * 4], strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    shown = pair.decode("utf-8", "ignore")
    return ":" in shown and shown.isprintable() and len(shown.encode()) > len(pair) - 4


def _apart(gap: str) -> bool:
    # Only blanks: this is a sentence about authorization. Other rules look for its schemes.
    return not gap.isspace()


def _assigns(gap: str) -> bool:
    return any(sign in gap.lower() for sign in (":", "=", "%3a", "%3d", "u003a", "u003d", "equals"))


def _any(gap: str) -> bool:
    return True


def _is_long_token(value: str, gap: str) -> bool:
    return _is_token(value, 16)


def _is_short_token(value: str, gap: str) -> bool:
    return _is_token(value)


def _is_password(value: str, gap: str) -> bool:
    if value.lower() in _NO_VALUES or not _SIGN.search(value):
        return False
    quoted = gap.endswith(_QUOTES)
    return quoted or bool(_DIGIT.search(value))


class _Rule(NamedTuple):
    """A name, what is between it and its value, and the value.

    Attributes:
        words: the rule applies only if the text holds one of them, which is quick to find out.
        name: a pattern in small letters that ends with the gap; capital letters match, too.
        value: patterns for the text after the gap, tried in turn. Only a short match may be rejected, so that
            no long text is read more than once.
    """

    words: tuple[str, ...]
    name: str
    is_gap: Callable[[str], bool]
    value: tuple[str, ...]
    is_value: Callable[[str, str], bool]

    def spans(self, text: str, lowered: str) -> Iterator[Span]:
        done = 0
        for match in _each(self.name, text, lowered):
            gap = text[slice(*match.span("gap"))]
            if match.end() < done or not self.is_gap(gap):
                continue
            for pattern in self.value:
                told = compiled(pattern).match(text, match.end())
                if told and self.is_value(told["value"], gap):
                    done = told.end()
                    yield told.span("value")
                    break


def _each(name: str, text: str, lowered: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern in small letters, whatever the letters of the text are.

    In a text of small letters, Python finds them in a quarter of the time. That cannot be used if a letter
    has become two, or for the two other letters that count as an "s" and an "i".
    """
    if len(lowered) == len(text) and "\u017f" not in text and "\u0131" not in text:
        return compiled(name).finditer(lowered)
    return compiled(f"(?i:{name})").finditer(text)


def _named(pattern: str) -> str:
    return rf"{pattern}(?P<gap>{_GAP}{{1,40}})"


_AFTER_SCHEME = rf"[A-Za-z][A-Za-z-]{{0,20}}{_GAP}{{1,40}}{_VALUE}"
_PAIR = r"(?P<value>[0-9A-Za-z+/_-]{8,400}={0,2})"
_PASSWORD = r"""(?P<value>[^\s"'`\\&<>,;(){}\[\]•*]{4,400})"""
_RULES = (
    _Rule(
        ("auth", "yottabyte", "csrf", "x-api", "x_api"),
        _named(_HEADER_NAME), _apart, (_AFTER_SCHEME, _VALUE), _is_short_token,
    ),
    _Rule(("bearer",), _named("bearer"), _any, (_VALUE,), _is_long_token),
    _Rule(("basic",), _named("basic"), _any, (_PAIR,), lambda value, gap: _is_pair(value)),
    _Rule(
        ("tokens",),
        rf"sys{_SLASH}tokens(?P<gap>{_SLASH})", _any, (_VALUE,), _is_long_token,
    ),
    _Rule(("token",), _named("token"), _assigns, (_VALUE,), _is_short_token),
    _Rule(("pass", "key", "secret"), _named(_SECRET_NAME), _assigns, (_PASSWORD,), _is_password),
)  # fmt: skip
_WORDS = ("auth", "token", "pass", "key", "bearer", "basic", "secret")
"""The name in each rule holds one of these."""
_IN_URL = r"""://[^\s/@:"'<>\\]{0,100}:(?P<value>[^\s/@"'<>\\•*]{1,400})@"""
_RUNS = r"(?<![0-9A-Za-z_-])[0-9A-Za-z_-]{11,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]+)?"

_SHORTEST = 12
"""The shortest credential that a rule finds, in characters."""
_SHORT_NAME = 80
"""The result for a name of at most this many characters is cached."""

# The parts of a header's Base64 that are the same wherever it begins.
_HEADERS = (
    "Authorization", "authorization", "Bearer ", "bearer ", "Basic ", "yottabyte-token", "Yottabyte-Token",
)  # fmt: skip
_IN_BASE64 = tuple(piece for header in _HEADERS for piece in pieces_in_base64(header))
_BASE64 = r"[0-9A-Za-z+/_-]{24,}={0,2}"


def shaped(text: str, *, inside: bool = True) -> list[Span]:
    """Where the text holds something that looks like a credential.

    Args:
        inside: also search within Base64.
    """
    if len(text) < _SHORTEST:
        return []
    lowered = text.lower()
    found: list[Span] = []
    if has_one(lowered, _WORDS):
        for rule in _RULES:
            if has_one(lowered, rule.words):
                found += rule.spans(text, lowered)
    if "://" in text and "@" in text:
        found += [match.span("value") for match in compiled(_IN_URL).finditer(text)]
    if "eyJ" in text:
        found += _web_tokens(text)
    if "private key-----" in lowered:
        found += _key_blocks(text)
    if inside and has_one(text, _IN_BASE64):
        found += [match.span() for match in compiled(_BASE64).finditer(text) if _hides_a_shape(match[0])]
    return found


def names_a_credential(name: str, value: str) -> bool:
    """Whether a member of this name holds a credential as its value."""
    names_secret, names_token = (_kinds_of if len(name) <= _SHORT_NAME else _looked_up)(name)
    if not (names_secret or names_token) or not value.strip("•*") or value.lower() in _NO_VALUES:
        return False
    return len(value) >= 4 if names_secret else "•" not in value and _is_token(value)


def _looked_up(name: str) -> tuple[bool, bool]:
    """Whether the name is one of a secret, or of a token."""
    return bool(compiled(_NAMES_SECRET).search(name)), bool(compiled(_NAMES_TOKEN).search(name))


# All rows have the same names.
_kinds_of = lru_cache(maxsize=4096)(_looked_up)


def _web_tokens(text: str) -> Iterator[Span]:
    for match in compiled(_RUNS).finditer(text):
        first = match[0].find("eyJ")
        if 0 <= first < match[0].index(".") - 10:
            yield match.start() + first, match.end()


def _key_blocks(text: str) -> Iterator[Span]:
    last = 0
    for match in compiled(_BEGIN).finditer(text):
        if match.end() < last:
            continue
        end = text.find("-----END", match.end())
        last = len(text) if end < 0 else end
        if any(c.isalnum() for c in text[match.end() : last]):
            yield match.end(), last


def _hides_a_shape(run: str) -> bool:
    plain = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    # The Base64 may begin anywhere in the run, for example after a name.
    for start in range(4):
        piece = plain[start : start + (len(plain) - start) // 4 * 4]
        inner = binascii.a2b_base64(piece).decode("utf-8", "replace")
        if shaped(inner, inside=False):
            return True
    return False
