"""Answers after which nobody knows whether a changing request was carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IN_DOUBT: Mapping[str, Mapping[str, Any]] = {
    **{str(status): {"status": status} for status in (408, 500, 502, 504, 507)},
    "503": {"status": 503, "headers": {"Retry-After": "1"}},
    "redirect": {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    "timeout": {"delay": 3600.0},
    "dropped after": {"drop": "after"},
    "dropped in the middle": {"drop": "truncate"},
}


def in_doubt(name: str, executed: bool) -> dict[str, Any]:
    """A fault rule with this answer to a request that was, or was not, carried out."""
    rule = dict(IN_DOUBT[name])
    if "status" in rule:
        return {**rule, "execute": executed}
    return rule if executed else {"drop": "before"}
