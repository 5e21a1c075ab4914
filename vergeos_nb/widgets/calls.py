"""The requests that each step is going to send, as far as they are known. The client builds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from vergeos_nb.client import VergeApi
from vergeos_nb.client.preview import Preview, preview
from vergeos_nb.errors import VergeNbError
from vergeos_nb.procedure.engine.case import Case, RunCase
from vergeos_nb.vergeos import requests

Ask = Callable[[VergeApi], object]


def calls_of(step: str, case: RunCase | None) -> tuple[Preview, ...]:
    """The requests that this step is going to make, as far as they are known by now, in order.

    Repetitions while waiting are left out, and so is what hangs on an answer. A step that is not listed
    here shows none.
    """
    if step == "connect":
        return preview(lambda api: api.system())
    asks = _ASKS.get(step)
    if asks is None or not isinstance(case, Case):
        return ()
    try:
        return tuple(request for ask in asks(case) for request in preview(ask))
    except (AssertionError, VergeNbError):
        # A key is not known yet, or the typed text is not valid. The step itself will say so.
        return ()


def _locate(case: Case) -> Sequence[Ask]:
    return [lambda api: api.vms_named(case.options.vm_name)] if case.options.vm_name else []


def _status_key(case: Case) -> Sequence[Ask]:
    machine = case.machine()
    return [lambda api: api.status_key(machine), lambda api: api.statuses_of(machine)]


def _reading(case: Case) -> list[Ask]:
    key, machine = case.known_status_key(), case.machine()
    return [
        lambda api: api.machine_status(key),
        lambda api: api.machine_stats(machine),
        lambda api: api.counters(machine),
    ]


def _verify(case: Case) -> Sequence[Ask]:
    machine = case.machine()
    first, *rest = _reading(case)
    return [first, lambda api: api.nodes_for(machine, None), *rest]


def _watching(case: Case) -> Sequence[Ask]:
    machine, since = case.machine(), case.server_clock(case.clock.now())
    return [*_reading(case), lambda api: api.logs_since(machine, since)]


def _now(case: Case) -> Ask:
    vm = case.known_vm().key
    return lambda api: api.vm_now(vm)


def _plan(case: Case) -> Sequence[Ask]:
    machine = case.machine()
    return [lambda api: api.tenant_nodes_of(machine), _now(case)]


def _rung(action: requests.VmAction) -> Callable[[Case], Sequence[Ask]]:
    def asks(case: Case) -> Sequence[Ask]:
        vm = case.known_vm().key
        return [_now(case), lambda api: api.vm_action(vm, action), *_watching(case)]

    return asks


def _force(case: Case) -> Sequence[Ask]:
    key = case.known_status_key()
    return [_now(case), lambda api: api.override_status(key, requests.override(key).body)]


def _power_on(case: Case) -> Sequence[Ask]:
    vm = case.known_vm().key
    if not getattr(case.options, "power_on", False):
        return []
    return [_now(case), lambda api: api.vm_action(vm, "poweron")]


def _restore(case: Case) -> Sequence[Ask]:
    assert case.plan is not None
    key, body = case.known_status_key(), case.plan.content["requests"][-1]["body"]
    return [_now(case), lambda api: api.override_status(key, body)]


_ASKS: Mapping[str, Callable[[Case], Sequence[Ask]]] = {
    "locate": _locate,
    "status_key": _status_key,
    "verify": _verify,
    "alive": _watching,
    "watch": _watching,
    "plan": _plan,
    "poweroff": _rung("poweroff"),
    "kill": _rung("kill"),
    "force": _force,
    "restore": _restore,
    "power_on": _power_on,
    "confirm": _watching,
}
