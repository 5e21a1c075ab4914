"""Experiments with a test VM that may be lost: it is stopped, killed, and its row is written.

Every request is in the approved plan, goes through the guards of all changing steps, and is sent once. A
refusal by the platform is a finding, and does not end the run. The status row is written only while it says
stopped, and only with the values that it has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

from vergeos_nb.errors import ApiError, AuthError
from vergeos_nb.procedure.approval.gate import closed, never_forced, not_approved
from vergeos_nb.procedure.approval.planning import (
    changed_since_judged,
    frame_of_plan,
    plan_in_words,
    planned,
    requests_table,
    to_apply,
)
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft
from vergeos_nb.procedure.steps.learning.observations import LearnCase, as_facts, observations_table
from vergeos_nb.procedure.steps.learning.platform_reading import look_repeatedly
from vergeos_nb.procedure.steps.learning.rhythm import in_words, stats_rhythm, status_rhythm
from vergeos_nb.procedure.steps.sending import Known, Sent, refused, send_once
from vergeos_nb.procedure.steps.watching import stopped
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.rows import MachineStatus

C = TypeVar("C", bound=Case)

NO_VM = "No test VM was named, so nothing is tried out (parameter vm_name)."
EFFECTS = {
    "poweroff": "changing: asks the test VM to shut down",
    "kill": "changing: ends the process; if it is stopped already, shows what the platform says then",
    "write": "undetermined: writes the stopped row's own values, as the procedure's last step does",
    "write powerstate": "undetermined: writes the stopped row's own powerstate: may it be written?",
    "write node": "undetermined: writes the stopped row's own node: may it be written?",
}
# The columns beside the vendor's four that the undo of an override writes, as a stopped row has them.
BESIDE: Mapping[str, Any] = {"powerstate": False, "node": None}
# After kill the row says stopped within a second (Ansible collection 2.2.0, verify-vm-power.yml).
KILL_WAIT_S = 6.0
# Writes up to this time after the stop are part of it.
SETTLES_S = 3.0


def with_vm(act: Callable[[C], Draft]) -> Callable[[C], Draft]:
    """The step; if no test VM was named, it is skipped and does not close later steps."""

    def step(case: C) -> Draft:
        if not case.options.vm_name:
            return _skipped(NO_VM)
        return act(case)

    return step


def plan_experiments(case: LearnCase) -> Draft:
    """Plan what is tried out with the test VM."""
    assert case.verdict is not None
    if (no := never_forced(case, case.verdict.table())) is not None:
        return no
    vm, key = case.known_vm(), case.known_status_key()
    now = case.platform.vm_now(vm.key)
    if (drifted := changed_since_judged(case, now)) is not None:
        return drifted
    case.was_running = now.running
    steps = [
        ("poweroff", requests.poweroff(vm.key)),
        ("kill", requests.kill(vm.key)),
        ("write", requests.override(key)),
        *((f"write {name}", requests.status_fields(key, {name: BESIDE[name]})) for name in BESIDE),
    ]
    plan = frame_of_plan(case, now, [(name, EFFECTS[name], request) for name, request in steps])
    tables = (
        plan_in_words(case, plan, ("test VM", "expendable: it is stopped, and may be lost")),
        requests_table(plan),
        case.verdict.table(),
    )
    draft = planned(case, plan, tables, to_apply(case, plan), "The test VM is stopped and stays stopped.")
    # Without an approval, the later steps still keep what was read.
    return replace(draft, facts={**draft.facts, "opens": draft.outcome is StepOutcome.PASSED})


def stop(case: LearnCase) -> Draft:
    """Send Power Off, and observe the platform's answer and when the row changes."""
    return _action(case, "poweroff", case.learn_options().stop_wait_s)


def kill(case: LearnCase) -> Draft:
    """Send Kill Power, also to a VM that is stopped already, and then watch the rows of the stopped VM."""
    draft = _action(case, "kill", KILL_WAIT_S)
    if not draft.facts.get("sent") or not draft.facts.get("stopped"):
        return draft
    _watch_stopped(case)
    return replace(
        draft,
        tables=(observations_table(case.seen),),
        facts={**draft.facts, "seen": as_facts(case.seen)},
    )


def write(case: LearnCase) -> Draft:
    """Write the stopped row's own values into it: the vendor's four fields, then the two beside them."""
    if (end := _not_now(case)) is not None:
        return end
    key = case.known_status_key()
    before = case.platform.machine_status(key)
    if not stopped(before):
        return _skipped(
            f"The row says {before.status}, and only a stopped row is written with its own values."
        )
    vendors = requests.override(key).fields
    since = case.server_clock(case.clock.now())
    if (no := _write(case, "write", vendors)) is not None:
        return no
    _observe_time_and_log(case, before, since)
    for name, value in BESIDE.items():
        if _found(before, name) != value:
            case.observe(
                f"write_{name}", "not tried", f"the stopped row has another value: {_found(before, name)}"
            )
        elif (no := _write(case, f"write {name}", {name: value})) is not None:
            return no
    case.clock.sleep(SETTLES_S)
    _observe_row(case, before)
    return Draft(
        StepOutcome.PASSED,
        "The row was written with its own values.",
        "",
        (observations_table(case.seen),),
        {"sent": True, "opens": True, "seen": as_facts(case.seen)},
    )


def _skipped(summary: str) -> Draft:
    return Draft(StepOutcome.SKIPPED, summary, facts={"opens": True, "sent": False})


def _not_now(case: LearnCase) -> Draft | None:
    """The end of a step that does no experiment, or None."""
    if not case.options.vm_name:
        return _skipped(NO_VM)
    if (end := not_approved(case)) is not None:
        return replace(end, facts={"opens": True, "sent": False})
    return None


def _action(case: LearnCase, action: Literal["poweroff", "kill"], wait_s: float) -> Draft:
    if (end := _not_now(case)) is not None:
        return end
    vm = case.known_vm()
    if action in case.sent:
        return _skipped(f"{action} was sent earlier in this run and is not sent again.")
    if (no := closed(case, f"sending {action} to the test VM {vm.name!r}")) is not None:
        return no
    assert case.now is not None
    ran = case.now.running
    step = "stop" if action == "poweroff" else "kill"
    sent = send_once(case, step, action, lambda: case.platform.vm_action(vm.key, action))
    if sent.known is Known.NOT_YET and (again := refused(sent)) is not None:
        return again
    case.observe(f"{action}_of_{'running' if ran else 'stopped'}", _answered(sent), _answer_in_words(sent))
    took_s = _stopped_within(case, wait_s)
    if took_s is None:
        summary = f"{action}: {_answered(sent)}; the row did not say stopped within {wait_s:g} s."
    else:
        summary = f"{action}: {_answered(sent)}; the row says stopped."
    if ran:
        took = "never" if took_s is None else f"{took_s:.1f}"
        case.observe(f"{action}_took_s", took, f"until the row said stopped; watched for {wait_s:g} s")
    facts = {"sent": True, "opens": True, "stopped": took_s is not None, "seen": as_facts(case.seen)}
    return Draft(StepOutcome.PASSED, summary, "", (observations_table(case.seen),), facts)


def _stopped_within(case: LearnCase, wait_s: float) -> float | None:
    """Seconds until the row said stopped, or None."""
    began = case.clock.monotonic()
    while True:
        row = case.platform.machine_status(case.known_status_key())
        elapsed = case.clock.monotonic() - began
        if stopped(row):
            return elapsed
        if elapsed >= wait_s or case.stop_wanted():
            return None
        case.note(f"waiting for {elapsed:.0f} of {wait_s:g} s, row says {row.status}")
        case.clock.sleep(min(case.options.poll_s, max(0.1, wait_s - elapsed)))


def _watch_stopped(case: LearnCase) -> None:
    """Watch the rows of the test VM after it was stopped."""
    machine = case.machine()
    case.clock.sleep(SETTLES_S)
    looks = look_repeatedly(
        case,
        [machine],
        case.learn_options().watch_s,
        case.learn_options().look_s,
        "watching the stopped test VM",
    )[machine.value]
    for row, one in (("status", status_rhythm(looks)), ("stats", stats_rhythm(looks))):
        case.observe(f"{row}_row_of_test_vm", one.habit, f"after it was stopped: {in_words([one])}")
    read = [one.ram for one in looks if one.ram is not None]
    if read:
        value = "zero" if not any(read) else "in use"
        case.observe("ram_of_test_vm", value, f"after it was stopped: {read[-1]:g} MB at the last look")


def _write(case: LearnCase, latch: str, body: Mapping[str, Any]) -> Draft | None:
    """Write these fields once and keep the answer. Return the end of the step if it must end here."""
    if latch in case.sent:
        return None
    key = case.known_status_key()
    if (no := closed(case, f"writing status row {key} of the test VM")) is not None:
        return no
    sent = send_once(case, "write", latch, lambda: case.platform.override_status(key, body))
    if sent.known is Known.NOT_YET and (again := refused(sent)) is not None:
        return again
    name = latch.replace(" ", "_")
    case.observe(name, "accepted" if sent.error is None else "refused", _answer_in_words(sent))
    if latch == "write" and sent.error is None:
        case.observe("put_body", json.dumps(sent.answer), "the body of the answer to a PUT")
    return None


def _observe_row(case: LearnCase, before: MachineStatus) -> None:
    """Whether the row is still as it was written."""
    after = case.platform.machine_status(case.known_status_key())
    changed = [name for name in before.row if name not in _CLOCKS and before.row[name] != after.row.get(name)]
    how = f"changed: {', '.join(changed)}" if changed else f"as it was {SETTLES_S:g} s after the last PUT"
    case.observe("put_row", "changed" if changed else "stays", how)


def _observe_time_and_log(case: LearnCase, before: MachineStatus, since: float) -> None:
    """The effect of the first PUT on the row's time of writing and on the log."""
    after = case.platform.machine_status(case.known_status_key())
    if before.last_update is not None and after.last_update is not None:
        moved = after.last_update > before.last_update
        how = f"last_update went from {before.last_update} to {after.last_update}"
        case.observe("put_last_update", "moves" if moved else "stays", how)
    lines = case.platform.logs_since(case.machine(), since)
    how = "; ".join(line.text for line in lines[:3]) or "no line in the machine's log since the PUT"
    case.observe("put_log", "a line" if lines else "no line", how)


_CLOCKS = ("last_update", "local_time", "modified")


def _found(row: MachineStatus, name: str) -> Any:
    return getattr(row, name)


def _answered(sent: Sent[Any]) -> str:
    error = sent.error
    if error is None:
        return "accepted"
    status = getattr(error, "status", 0)
    return f"answered {status}" if status else type(error).__name__


def _answer_in_words(sent: Sent[Any]) -> str:
    error: ApiError | AuthError | None = sent.error
    return f"the body was {json.dumps(sent.answer)}" if error is None else error.came_back
