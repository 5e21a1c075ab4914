"""Load nbformat without the parts that notebooks do not need.

nbformat loads jsonschema, whose optional checks of formats load other packages. The package that checks IRIs
takes longer to import than everything else in a run. The packages that replace it and that check durations
are slow, too. If these packages are missing, jsonschema works without the checks. So this module hides them,
and nbformat must always be imported from here first.
"""

from __future__ import annotations

from vergeos_nb.imports import SLOW_FORMATS, absent

with absent(*SLOW_FORMATS):
    import nbformat
    from nbformat import NotebookNode

__all__ = ["NotebookNode", "nbformat"]
