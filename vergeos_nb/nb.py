"""nbformat, loaded without what notebooks never use.

nbformat loads jsonschema, which has optional checks of formats that need other packages. That of IRIs
compiles a grammar when it is imported, which takes longer than all the rest of a run's imports; the one
that would be taken instead compiles expressions, and that of durations loads a library of times. Where those
packages are not installed, jsonschema goes without these checks. Whoever loads nbformat first has to load
it from here.
"""

from __future__ import annotations

from vergeos_nb.imports import absent

with absent("rfc3987_syntax", "rfc3986_validator", "isoduration"):
    import nbformat
    from nbformat import NotebookNode

__all__ = ["NotebookNode", "nbformat"]
