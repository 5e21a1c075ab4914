"""All forms in which a known secret can appear in a text."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache

MASK = "•••"
"""The replacement of a secret."""

SHORTEST_SEARCHED = 4
"""Shorter secrets are not searched for, because they would be found in many words."""

SHORTEST_NUMBER = 8
"""Shorter numbers are not masked, because every record has such keys, sizes or ports."""

OUR_WORDS = (
    "passed nothing-to-do refused failed unknown skipped planned done interrupted alive silent dead off "
    "event step title vendor_step system outcome summary next_step began_at ended_at tables rows facts "
    "exchanges error number method path query body changing attempt sent_at server_time elapsed_s status "
    "answer runbook parameters operator approver approve reason ticket profile versions verdict plan_digest "
    "approval digest machine machine_status machine_stats vm_actions running stopped offline online name "
    "connect locate status_key verify poweroff snapshot kill force confirm restore watch power_on close open "
    "simulator simulated none null true false admin json interrupted settled intent note exchange manifest "
    "password passphrase token secret credentials username host vergeos verge"
)
"""The words of journals and records. A secret that is a part of one of these cannot be masked, because the
mask would replace our own words, and nobody could read the record."""

_SHORTEST_PIECE = 8
"""Shorter pieces of Base64 are not searched for, because they would be found by chance."""
_URL_SAFE = str.maketrans("+/", "-_")
_RUN = re.compile("[0-9A-Za-z]+")


def is_maskable(secret: str) -> bool:
    """Whether masking this leaves our own words and numbers readable."""
    if len(secret) < SHORTEST_SEARCHED:
        return False
    if secret.isdecimal() and len(secret) < SHORTEST_NUMBER:
        return False
    return not any(secret in word for word in OUR_WORDS.split())


def spellings(secret: str, username: str | None = None) -> tuple[str, ...]:
    """Every form that a secret can have in a text: unchanged, in a URL, in JSON, in HTML, in Base64.

    With a user name also the value of a Basic ``Authorization`` header. Longest first. For a secret shorter
    than `SHORTEST_SEARCHED`, only the header.
    """
    # These load slowly, and a process without a secret does not need them.
    import html
    import json
    from urllib.parse import quote_plus

    forms = {basic_pair(secret, username)} if username else set()
    if len(secret) >= SHORTEST_SEARCHED:
        in_json = json.dumps(secret)[1:-1]
        plain_json = json.dumps(secret, ensure_ascii=False)[1:-1]
        forms |= {secret, in_json, plain_json, in_json.replace("/", "\\/"), repr(secret)[1:-1]}
        in_url = {_quoted(secret), _quoted(secret, safe=""), quote_plus(secret, errors="surrogatepass")}
        forms |= in_url | {re.sub("%..", lambda code: code[0].lower(), text) for text in in_url}
        in_html = html.escape(secret)
        forms |= {in_html, in_html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}
        forms |= {html.escape(secret, quote=False), in_html.replace("&#x27;", "&apos;")}
        forms.add(_base64(secret))
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def basic_pair(secret: str, username: str) -> str:
    """The value of a Basic ``Authorization`` header."""
    return _base64(f"{username}:{secret}")


@lru_cache(maxsize=4096)
def forms_of(secret: str) -> tuple[str, ...]:
    """The forms to search for: each spelling, and its Base64 within a longer text. Longest first."""
    forms = {secret}
    if len(secret) >= SHORTEST_SEARCHED:
        for text in (secret, *spellings(secret)):
            forms |= {text, text.rstrip("=") or text, *_inside_base64(text)}
        if len(secret) >= _SHORTEST_PIECE:
            in_hex = _bytes(secret).hex()
            forms |= {in_hex, in_hex.upper()}
    # A text within the mask itself cannot be masked.
    return tuple(sorted((form for form in forms if form not in MASK), key=lambda form: (-len(form), form)))


@lru_cache(maxsize=4096)
def signs_of(secret: str) -> tuple[str, ...]:
    """A few texts to search for first: every form of the secret holds one of them. Empty if there are none.

    All spellings except Base64 and hex keep letters and digits.
    """
    run = max(_RUN.findall(secret), key=len, default="")
    if len(run) < SHORTEST_SEARCHED:
        return ()
    once = set(pieces_in_base64(run))
    twice = {piece for text in once for piece in pieces_in_base64(text)}
    in_hex = run.encode().hex()
    signs = {run, *once, *twice, in_hex, in_hex.upper()}
    signs |= {sign.translate(_URL_SAFE) for sign in signs}
    return () if any(len(sign) < 2 for sign in signs) else tuple(sorted(signs))


def _inside_base64(text: str) -> Iterator[str]:
    for piece in pieces_in_base64(text):
        if len(piece) >= _SHORTEST_PIECE:
            yield piece
            yield piece.translate(_URL_SAFE)


def pieces_in_base64(text: str) -> Iterator[str]:
    """The fixed part of a text's Base64 within a longer text, for each of its three possible offsets."""
    plain = _bytes(text)
    for before in range(3):
        bits = 8 * before
        first = -(-bits // 6)
        last = (bits + 8 * len(plain)) // 6
        yield _encoded(b"\0" * before + plain)[first:last]


def _quoted(text: str, safe: str = "/") -> str:
    from urllib.parse import quote  # as above

    return quote(text, safe=safe, errors="surrogatepass")


def _base64(text: str) -> str:
    return _encoded(_bytes(text))


def _encoded(content: bytes) -> str:
    return binascii.b2a_base64(content, newline=False).decode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
