"""Every runbook by its name: those of this package, and those that other packages bring.

A runbook is a module with a `Runbook` called ``RUNBOOK``. This folder has those of this package. Another
package names its modules in the entry point group ``vergeos_nb.runbooks``, and has each notebook beside its
module. A module is imported when its runbook is first used, because a process runs only one runbook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vergeos_nb.errors import UsageError
from vergeos_nb.parameters import FleetApplyParameters, RunParameters, read_as
from vergeos_nb.procedure.engine.runbook import Runbook, act_of
from vergeos_nb.procedure.values.outcomes import Role
from vergeos_nb.runbook_files import OURS, PLACE, runbook_path
from vergeos_nb.words import did_you_mean

GROUP = "vergeos_nb.runbooks"
# A fleet run has a journal and a record, but no notebook that a person runs.
FLEET_APPLY = "fleet_apply"


class _Runbooks(Mapping[str, Runbook]):
    """Runbooks by name. Their names are known without importing any of them."""

    def __iter__(self) -> Iterator[str]:
        return iter((*OURS, *sorted(_theirs())))

    def __len__(self) -> int:
        return len(OURS) + len(_theirs())

    def __contains__(self, name: object) -> bool:
        return name in OURS or name in _theirs()

    def __getitem__(self, name: str) -> Runbook:
        """The runbook of this name.

        Raises:
            KeyError: there is none.
            UsageError: the package that brings it cannot be used.
        """
        if name in OURS:
            return _declared(f"{PLACE}.{name}", name)
        return _declared(_module_of(name), name)


RUNBOOKS: Mapping[str, Runbook] = _Runbooks()


def runbook_of(name: str) -> Runbook:
    """The runbook of this name.

    Raises:
        UsageError: there is none, or the package that brings it cannot be used.
    """
    try:
        return RUNBOOKS[name]
    except KeyError:
        hint = did_you_mean(name, RUNBOOKS)
        raise UsageError(f"opening the runbook {name!r}", "there is no such runbook", hint) from None


def known(name: str) -> Runbook | None:
    """The runbook that a journal or record names, or None if it is not installed any more."""
    try:
        return RUNBOOKS[name]
    except (KeyError, UsageError):
        return None


def act_in(runbook: str, path: str, body: Mapping[str, Any] | None) -> str:
    """What a changing call of a run did to the VM, or ""; also if its runbook is not installed any more."""
    declared = known(runbook)
    return (declared.act_of if declared else act_of)(path, body)


def schema_of(name: str) -> type[RunParameters]:
    """The parameter schema of a runbook.

    Raises:
        UsageError: there is no runbook of this name.
    """
    return runbook_of(name).parameters


def recorded_schema(name: str) -> type[RunParameters] | None:
    """The schema of the parameters whose values may be written into a journal, or None."""
    if name == FLEET_APPLY:
        return FleetApplyParameters
    runbook = known(name)
    return runbook.parameters if runbook else None


def read_parameters(runbook: str, given: Mapping[str, Any], *, undecided: bool = False) -> RunParameters:
    """The parameters of a run, from texts of the command line or from values of a notebook.

    A text is read by the parameter's type: ``false`` is false, and ``007`` stays text if the parameter is
    text.

    Args:
        undecided: a person chooses the VM during the run, so its name may be empty.

    Raises:
        UsageError: parameters are unknown, missing, of another type or out of range. All of them are named.
    """
    return read_as(schema_of(runbook), runbook, given, undecided=undecided)


def notebook_of(name: str) -> Path:
    """The notebook of a runbook.

    Raises:
        UsageError: it is not there.
    """
    if name in OURS or name not in _theirs():
        return runbook_path(name)
    try:
        spec = find_spec(_module_of(name))
    except ImportError:
        spec = None
    path = Path(spec.origin).with_name(f"{name}.ipynb") if spec and spec.origin else None
    if path is None or not path.is_file():
        hint = f"put {name}.ipynb beside the runbook's module, and into the package that is installed"
        raise UsageError(f"opening the runbook {name!r}", "its notebook is not installed", hint)
    return path


def notebooks() -> dict[str, Path]:
    """The notebook of every runbook. A missing notebook of another package is left out."""
    found = {}
    for name in RUNBOOKS:
        try:
            found[name] = notebook_of(name)
        except UsageError:
            if name in OURS:
                raise
    return found


def role_of(runbook: str, step_id: str) -> Role | None:
    """The role of a step in a journal; None if it is unknown. Also for fleet runs and unknown runbooks.

    A journal holds only the step's id, so the journals of all versions are read in the same way.
    """
    declared = known(runbook)
    if declared is None:
        return _our_roles().get(step_id)
    return next((step.role for step in declared.steps if step.id == step_id), None)


@cache
def _our_roles() -> Mapping[str, Role]:
    """A step's id has the same role in every runbook of ours, and in the run of a fleet."""
    return {step.id: step.role for name in OURS for step in RUNBOOKS[name].steps}


@cache
def _theirs() -> Mapping[str, tuple[metadata.EntryPoint, ...]]:
    """The runbooks of other packages. If two packages claim a name, neither gets it."""
    found: dict[str, tuple[metadata.EntryPoint, ...]] = {}
    for point in metadata.entry_points(group=GROUP):
        if point.name not in (*OURS, FLEET_APPLY):
            found[point.name] = (*found.get(point.name, ()), point)
    return found


def _module_of(name: str) -> str:
    points = _theirs()[name]
    modules = sorted({point.module for point in points})
    if len(modules) > 1:
        raise UsageError(
            f"opening the runbook {name!r}", f"{' and '.join(modules)} both bring it", "uninstall one"
        )
    return modules[0]


def _declared(module: str, name: str) -> Runbook:
    try:
        declared = getattr(import_module(module), "RUNBOOK", None)
    except Exception as error:
        if name in OURS:
            raise
        hint = "report it to its author, or uninstall its package"
        raise UsageError(
            f"opening the runbook {name!r}", f"{module} cannot be loaded: {error!r}", hint
        ) from error
    if not isinstance(declared, Runbook) or declared.name != name:
        raise UsageError(
            f"opening the runbook {name!r}",
            f"{module} declares no RUNBOOK of that name",
            "see docs/write-a-runbook.md",
        )
    return declared
