"""Where the runbooks are: beside the package in a checkout, inside it once it is installed."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb.errors import UsageError

_PACKAGE = Path(__file__).parent


def runbook_path(name: str) -> Path:
    """The notebook of a runbook.

    Raises:
        UsageError: it is not there.
    """
    for folder in (_PACKAGE / "runbooks", _PACKAGE.parent / "runbooks"):
        path = folder / f"{name}.ipynb"
        if path.is_file():
            return path
    raise UsageError(f"runbook {name!r}", "its notebook is not installed", "install the package again")
