"""Load nbformat without the parts that notebooks never use.

nbformat loads jsonschema, which has optional format checks that need other packages. The check of IRIs
compiles a grammar at import, which takes longer than all other imports of a run. Its replacement compiles
expressions, and the check of durations loads a library of times. If those packages are missing, jsonschema
works without the checks. So nbformat must always be loaded from here first.
"""

from __future__ import annotations

from vergeos_nb.imports import absent

with absent("rfc3987_syntax", "rfc3986_validator", "isoduration"):
    import nbformat
    from nbformat import NotebookNode

__all__ = ["NotebookNode", "nbformat"]
