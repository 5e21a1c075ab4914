"""The calls that a step will send, from what the run knows so far. The platform's client makes the requests.

Repetitions during a wait are left out, and so are calls that depend on an answer. A preview fails if a key is
not known yet. Then the step shows no calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Ask
from vergeos_nb.procedure.evidence.sample import Reading, Subject
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.values.protocols import Platform
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.rows import MachineKey, StatusKey


def connecting(case: object) -> Sequence[Ask]:
    """The system's row. This preview is known before the run is open."""
    return [lambda api: api.system()]


def locating(case: Case) -> Sequence[Ask]:
    """The VM by its name."""
    return [lambda api: api.vms_named(case.options.vm_name)] if case.options.vm_name else []


def reading_status_key(case: Case) -> Sequence[Ask]:
    """The machine's status key, and the rows that name the machine."""
    machine = case.machine()
    return [lambda api: api.status_key(machine), lambda api: api.statuses_of(machine)]


def verifying(case: Case) -> Sequence[Ask]:
    """The status row, the machine's nodes, and one reading."""
    machine, key = case.machine(), case.known_status_key()
    return [
        lambda api: api.machine_status(key),
        lambda api: api.nodes_for(machine, None),
        *reading(case),
    ]


def reading(case: Case) -> Sequence[Ask]:
    """One sample of what the witnesses need."""
    vm, key, machine = case.known_vm().key, case.known_status_key(), case.machine()
    if case.one_by_one:
        return [partial(_one_reading, one, machine, key) for one in roll.readings()]
    alone = [one for one in roll.readings() if not one.together]
    return [
        lambda api: api.rows_behind(vm, machine, key),
        *(partial(_one_reading, one, machine, key) for one in alone),
    ]


def _one_reading(one: Reading, machine: MachineKey, key: StatusKey, api: Platform) -> object:
    return one.read(Subject(api, machine, key))


def watching(case: Case) -> Sequence[Ask]:
    """One reading, and the machine's log from now on."""
    machine, since = case.machine(), case.server_clock(case.clock.now())
    return [*reading(case), lambda api: api.logs_since(machine, since)]


def looking_again(case: Case) -> Ask:
    """The VM's present state."""
    vm = case.known_vm().key
    return lambda api: api.vm_now(vm)


def planning(case: Case) -> Sequence[Ask]:
    """Whether the machine is a VM's, and the VM's present state."""
    machine = case.machine()
    return [lambda api: api.tenant_nodes_of(machine), looking_again(case)]


def standard_method(action: requests.VmAction) -> Callable[[Case], Sequence[Ask]]:
    """A standard method: the VM's present state, the action, one reading."""
    return lambda case: [*sending(action)(case), *watching(case)]


def sending(action: requests.VmAction) -> Callable[[Case], Sequence[Ask]]:
    """The VM's present state, and the action."""

    def asks(case: Case) -> Sequence[Ask]:
        vm = case.known_vm().key
        return [looking_again(case), lambda api: api.vm_action(vm, action)]

    return asks


def writing(key: StatusKey, fields: Mapping[str, Any]) -> Ask:
    """A PUT of these fields of a status row."""
    return lambda api: api.override_status(key, fields)


def overriding(case: Case) -> Sequence[Ask]:
    """The VM's present state, and the vendor's PUT."""
    key = case.known_status_key()
    return [looking_again(case), writing(key, requests.override(key).fields)]
