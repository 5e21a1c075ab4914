"""What a notebook's first cell calls: ``open_runbook``. Headless, no widget is even constructed."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.audit.opening import open_journal, refuse_at_the_door, this_user
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import UsageError
from vergeos_nb.parameters import read_parameters, schema_of
from vergeos_nb.runbook import Runbook, finish_record

if TYPE_CHECKING:
    from vergeos_nb.live import LiveRunbook


# The run that a person has open in this kernel, by its runbook: running a cell again finds it.
_OPEN: dict[str, LiveRunbook] = {}


def open_runbook(name: str, namespace: Mapping[str, Any]) -> Runbook | LiveRunbook:
    """Open a run of a runbook with the parameters that the notebook's namespace holds.

    Where a browser is attached, this opens nothing yet: the first card does, by a click.

    Args:
        name: the runbook, such as ``force_power_off``.
        namespace: ``globals()`` of the notebook; names that are no parameter are left alone, but headless,
            where nobody would see a slip, an unknown one refuses.

    Raises:
        UsageError: a parameter is unknown, missing or mistyped, or the profile cannot be used. No call has
            been made then, and the refusal has a record.
    """
    from vergeos_nb.audit.record import new_folder

    schema = schema_of(name)
    if _is_live(namespace):
        return _live(name, namespace)
    clock = SystemClock()
    ours = settings.run_dir()
    folder = ours or new_folder(settings.outputs_dir(), name, schema.subject_of(namespace), clock.now())
    try:
        options = read_parameters(name, _given(name, namespace))
    except UsageError as error:
        given = {key: value for key, value in _given(name, namespace).items() if _plain(value)}
        scrubber = Scrubber(settings.secrets_known(namespace.get("profile")))
        journal = open_journal(folder, clock, scrubber, runbook=name, parameters=given, operator=this_user())
        refuse_at_the_door(journal, clock, error)
        if ours is None:
            finish_record(name, folder, scrubber)
        raise
    return Runbook(name, options, folder, finish_here=ours is None, clock=clock)


def _is_live(namespace: Mapping[str, Any]) -> bool:
    """Whether somebody looks: VS Code says so in the namespace, all others in the environment."""
    return settings.is_live() or ("__vsc_ipynb_file__" in namespace and not settings.is_static())


def _live(name: str, namespace: Mapping[str, Any]) -> LiveRunbook:
    from vergeos_nb.live import LiveRunbook

    fields = schema_of(name).model_fields
    given = {key: namespace[key] for key in fields if key in namespace}
    open_one = _OPEN.get(name)
    if open_one is not None and open_one.run is not None and not open_one.is_over:
        return open_one
    _OPEN[name] = LiveRunbook(name, given, settings.outputs_dir())
    return _OPEN[name]


def _given(name: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema_of(name).model_fields
    given = {key: namespace[key] for key in fields if key in namespace}
    if not settings.is_live():
        given |= {
            key: value for key, value in namespace.items() if key not in fields and _is_slip(key, value)
        }
    return given


def _is_slip(name: str, value: Any) -> bool:
    """Whether a name in the notebook looks like a parameter that was meant."""
    if name.startswith("_") or name in ("In", "Out"):
        return False
    return _plain(value) and not isinstance(value, types.ModuleType) and not inspect.isroutine(value)


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)
