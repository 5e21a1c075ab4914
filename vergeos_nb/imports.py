"""Loading a package without some of its optional parts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SLOW_FORMATS = ("rfc3987_syntax", "rfc3986_validator", "isoduration")
"""What jsonschema loads to check IRIs, URIs and durations. The first one takes a second. It works without."""


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
