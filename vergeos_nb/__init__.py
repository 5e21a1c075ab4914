"""Runbooks for VergeOS: step through the vendor's procedure, on evidence, and keep the record.

``open_runbook`` is all that a notebook needs; ``open_archive`` gives the records as a DataFrame. Importing
this package costs next to nothing; what a name needs is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vergeos_nb.version import __version__

if TYPE_CHECKING:
    from vergeos_nb.archive.open_archive import open_archive
    from vergeos_nb.notebook.opening import open_runbook

__all__ = ["__version__", "open_archive", "open_runbook"]


def __getattr__(name: str) -> Any:
    if name == "open_runbook":
        from vergeos_nb.notebook.opening import open_runbook

        return open_runbook
    if name == "open_archive":
        from vergeos_nb.archive.open_archive import open_archive

        return open_archive
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
