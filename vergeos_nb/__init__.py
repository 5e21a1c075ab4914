"""Runbooks for VergeOS: follow the vendor's procedure step by step, decide by evidence, and keep a record.

``open_runbook`` is all that a notebook needs. ``open_archive`` gives the records as DataFrames, and
``start_page`` shows what there is to do. Importing this package is fast: the code behind a name is loaded
when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vergeos_nb.version import __version__

if TYPE_CHECKING:
    from vergeos_nb.archive.questions.open_archive import open_archive
    from vergeos_nb.notebook.opening import open_runbook
    from vergeos_nb.notebook.start_page import start_page

__all__ = ["__version__", "open_archive", "open_runbook", "start_page"]

_LATE = {
    "open_archive": "vergeos_nb.archive.questions.open_archive",
    "open_runbook": "vergeos_nb.notebook.opening",
    "start_page": "vergeos_nb.notebook.start_page",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
