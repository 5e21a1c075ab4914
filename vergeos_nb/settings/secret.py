"""A value that is used but never shown, and the ways in which it could be spelled by accident."""

from __future__ import annotations

import base64
import hmac
import html
import json
from typing import Any, NoReturn, final
from urllib.parse import quote, quote_plus

MASK = "•••"
"""What stands where a secret would."""

OUR_WORDS = (
    "passed nothing-to-do refused failed unknown skipped planned done interrupted alive silent dead off "
    "event step title vendor_step system outcome summary next_step began_at ended_at tables rows facts "
    "exchanges error number method path query body changing attempt sent_at server_time elapsed_s status "
    "answer runbook parameters operator approver approve reason ticket profile versions verdict plan_digest "
    "approval digest machine machine_status machine_stats vm_actions running stopped offline online name "
    "connect locate status_key verify poweroff snapshot kill force confirm restore watch power_on close open "
    "simulator simulated none null true false admin json interrupted settled intent note exchange manifest"
)
"""What journals and records are made of. A secret that is a piece of one of these cannot be masked: the mask
would fall on our own words, and nobody could read the record again."""

SHORTEST_SEARCHED = 4
"""Shorter secrets are not searched for in texts: they would be found in every other word."""


@final
class Secret:
    """Text that shows as `MASK` in every repr, string, format and JSON, and that refuses to be pickled.

    It has slots and no ``__dict__``, and copies are the object itself, so ``dataclasses.asdict`` and
    ``vars`` do not open it either. Only `reveal` does.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not pickled: load the profile again where it is needed")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret does not change")


def spellings(secret: str, username: str | None = None) -> tuple[str, ...]:
    """Every form in which a secret could turn up in a text: as it is, in a URL, in JSON, in HTML, in Base64.

    With a user name also the value of a Basic ``Authorization`` header. Longest first, so that replacing them
    in this order leaves no rest. Empty for a secret shorter than `SHORTEST_SEARCHED`, but for its header.
    """
    forms = {_base64(f"{username}:{secret}")} if username else set()
    if len(secret) >= SHORTEST_SEARCHED:
        in_json = json.dumps(secret)[1:-1]
        plain_json = json.dumps(secret, ensure_ascii=False)[1:-1]
        forms |= {secret, in_json, plain_json, in_json.replace("/", "\\/"), repr(secret)[1:-1]}
        forms |= {quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
        forms.add(_base64(secret))
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
