"""``open_runbook``, which a notebook's first cell calls. Headless, no widget is constructed."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.runbooks.catalog import schema_of
from vergeos_nb.session.begin import begin_run, is_plain
from vergeos_nb.session.run import Run

if TYPE_CHECKING:
    from vergeos_nb.notebook.live import LiveRun


# The run that a person has open in this kernel, by its runbook: running a cell again finds it.
_OPEN: dict[str, LiveRun] = {}


def open_runbook(name: str, namespace: Mapping[str, Any]) -> Run | LiveRun:
    """Open a run of a runbook with the parameters that the notebook's namespace holds.

    If a browser is attached, this opens nothing yet. A click on the first card opens the run.

    Args:
        name: the runbook, such as ``force_power_off``.
        namespace: ``globals()`` of the notebook; other names are ignored. Headless nobody would see a typing
            error, so there an unknown name refuses.

    Raises:
        UsageError: a parameter is unknown, missing or mistyped, or the profile cannot be used. No call has
            been made then, and the refusal has a record.
    """
    if _is_live(namespace):
        return _live(name, namespace)
    clock, ours = SystemClock(), settings.run_dir()
    begun = begin_run(name, _given(name, namespace), clock, outputs=settings.outputs_dir(), folder=ours)
    if isinstance(begun.options, UsageError):
        if ours is None:
            # Loads nbformat, which a kernel needs only where no runner makes its record.
            from vergeos_nb.archive.finishing import finish_record

            finish_record(begun.folder, begun.scrubber)
        raise begun.options
    return Run(name, begun.options, begun.folder, finish_here=ours is None, clock=clock)


def _is_live(namespace: Mapping[str, Any]) -> bool:
    """Whether a person is attached. VS Code says so in the namespace, all others in the environment."""
    return settings.is_live() or ("__vsc_ipynb_file__" in namespace and not settings.is_static())


def _live(name: str, namespace: Mapping[str, Any]) -> LiveRun:
    # Loads ipywidgets, which a headless run does without.
    from vergeos_nb.notebook.live import LiveRun

    fields = schema_of(name).model_fields
    given = {key: namespace[key] for key in fields if key in namespace}
    open_one = _OPEN.get(name)
    # One that connects right now opens its run in a moment.
    begun = open_one is not None and (open_one.run is not None or open_one.busy())
    if open_one is None or not begun or open_one.is_over:
        open_one = _OPEN[name] = LiveRun(name, given, settings.outputs_dir())
    open_one.show_header()
    return open_one


def _given(name: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema_of(name).model_fields
    given = {key: namespace[key] for key in fields if key in namespace}
    if not settings.is_live():
        slips = [key for key in _set_with_parameters(fields, namespace) if _is_slip(key)]
        given |= {key: namespace[key] for key in slips if key not in fields and is_plain(namespace[key])}
    return given


def _set_with_parameters(fields: Container[str], namespace: Mapping[str, Any]) -> Iterable[str]:
    """The names that cells have set from the parameters cell on.

    Earlier names, such as from a startup file of IPython, are no typing errors. If no cells are known, as in
    a script, all names count.
    """
    names: dict[str, None] = {}
    for source in namespace.get("In") or ():
        found = names_set(str(source))
        if names or any(name in fields for name in found):
            names |= dict.fromkeys(found)
    return [name for name in names or namespace if name in namespace]


def names_set(source: str) -> Sequence[str]:
    """The names that a cell's own lines assign, in order; none if it is not Python."""
    try:
        lines = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        return ()
    targets: list[ast.expr] = []
    for line in lines:
        if isinstance(line, ast.Assign):
            targets += line.targets
        elif isinstance(line, ast.AnnAssign | ast.AugAssign):
            targets.append(line.target)
    return [
        node.id
        for target in targets
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def _is_slip(name: str) -> bool:
    """Whether a name looks like a mistyped parameter. Papermill sets some names of its own."""
    return not name.startswith(("_", "PAPERMILL_")) and name not in ("In", "Out")
