"""nbformat, loaded without the half of it that notebooks never use.

nbformat loads jsonschema, and jsonschema's optional check of IRIs compiles a grammar when it is imported,
which takes longer than all the rest of a run's imports. jsonschema goes without that check where
``rfc3987_syntax`` is not installed; here it is told so for as long as it loads. Whoever imports
``rfc3987_syntax`` afterwards gets it.
"""

from __future__ import annotations

import sys

GRAMMAR = "rfc3987_syntax"


def _load_jsonschema() -> None:
    if "jsonschema" in sys.modules or GRAMMAR in sys.modules:
        return
    # The import system's own word for "there is no such module".
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]
    try:
        import jsonschema  # type: ignore[import-untyped]  # noqa: F401
    finally:
        del sys.modules[GRAMMAR]


_load_jsonschema()

import nbformat  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

__all__ = ["NotebookNode", "nbformat"]
