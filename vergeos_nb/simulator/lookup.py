"""Functions that are looked up by a name or a path: actions, handlers, routes, creators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

K = TypeVar("K")
F = TypeVar("F", bound=Callable[..., Any])


def enter(lookup: dict[K, F], *keys: K) -> Callable[[F], F]:
    """Return a decorator that enters a function into `lookup` under these keys."""

    def entered(function: F) -> F:
        lookup.update(dict.fromkeys(keys, function))
        return function

    return entered
