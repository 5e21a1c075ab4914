"""Where the runbooks and docs are: beside the package in a checkout, inside it once it is installed.

The notebook of a fleet's record is in `fleet/`: it is rendered, and never run.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules

from vergeos_nb.errors import UsageError

_PACKAGE = Path(__file__).parent
# The package whose modules are our runbooks, but for the one that finds them.
PLACE = "vergeos_nb.procedure.runbooks"
# The names of our runbooks. They are known before anything of a runbook is loaded.
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
        raise UsageError(f"runbook {name!r}", "its notebook is not installed", "install the package again")
    return path


def doc_path(name: str) -> Path:
    """A page of the documentation.

    Raises:
        UsageError: it is not there.
    """
    path = _find("docs", name)
    if path is None:
        raise UsageError(f"the page {name}", "it is not installed", "install the package again")
    return path


def _find(folder: str, name: str) -> Path | None:
    paths = (parent / folder / name for parent in (_PACKAGE, _PACKAGE.parent))
    return next((path for path in paths if path.is_file()), None)
