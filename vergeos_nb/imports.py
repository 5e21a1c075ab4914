"""Loading a package without some of its parts, or without loading them yet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import LazyLoader, find_spec, module_from_spec

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
    """In this block, importing a module of this name loads it when one of its attributes is first used."""
    spec = None if name in sys.modules else find_spec(name)
    if spec is not None and spec.loader is not None:
        spec.loader = LazyLoader(spec.loader)
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    yield
