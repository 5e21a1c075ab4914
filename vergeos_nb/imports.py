"""Loading a package without some of its optional parts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Imports in this block find no modules of these names, as if they were not installed; later ones do.

    None in ``sys.modules`` is the import system's own word for that. Modules that are loaded already stay.
    """
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
