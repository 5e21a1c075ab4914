"""Loading a package without some of its parts, or without loading them yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

SLOW_FORMATS = (
    "fqdn",
    "isoduration",
    "jsonpointer",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
)
"""What jsonschema loads to check formats such as IRIs, which notebooks do not have. One of them takes a
second to load. It works without."""


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """In this block, importing modules of these names fails, as if they were not installed.

    For that, Python takes None in ``sys.modules``. Modules that are loaded already are not affected.
    """
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def late(name: str) -> Iterator[None]:
    """In this block, importing this module gives a stand-in, which loads it when it is first used."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)

    def attribute(wanted: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), wanted)

    stand_in.__getattr__ = attribute  # type: ignore[method-assign]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
