"""Find the runbooks and docs: beside the package in a checkout, inside the package if it is installed.

The notebook of a fleet's record is in `fleet/`, because it is only rendered and never run.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules

from vergeos_nb.errors import UsageError

_PACKAGE = Path(__file__).parent
# The package of our runbooks. Each module is one, except the catalog.
PLACE = "vergeos_nb.procedure.runbooks"
# The names of our runbooks, found without loading a runbook.
OURS = tuple(
    sorted(
        module.name
        for module in iter_modules([str(_PACKAGE / "procedure" / "runbooks")])
        if module.name != "catalog"
    )
)


def runbook_path(name: str) -> Path:
    """The notebook of a runbook.

    Raises:
        UsageError: it is not there.
    """
    path = _find("runbooks", f"{name}.ipynb") or _find("fleet", f"{name}.ipynb")
    if path is None:
        raise UsageError(
            f"opening the runbook {name!r}", "its notebook is not installed", "install the package again"
        )
    return path


def doc_path(name: str) -> Path:
    """A page of the documentation.

    Raises:
        UsageError: it is not there.
    """
    path = _find("docs", name)
    if path is None:
        raise UsageError(f"opening the page {name}", "it is not installed", "install the package again")
    return path


def _find(folder: str, name: str) -> Path | None:
    paths = (parent / folder / name for parent in (_PACKAGE, _PACKAGE.parent))
    return next((path for path in paths if path.is_file()), None)
