"""Undo of the status override: write the row back as it was, behind the same guards as the override.

The vendor's PUT names four fields. No source says whether the platform also clears ``powerstate`` and
``node``, or whether they can be written. The undo writes them if the row had them. If they are read-only, the
platform refuses the whole PUT and changes nothing. For that case the plan has a second request with the
vendor's four fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from vergeos_nb.bound import Unbound
from vergeos_nb.errors import (
    Drift,
    ErrorInAnswer,
    InvalidValue,
    Refused,
    RelayFailed,
    VerdictUnknown,
    VergeNbError,
)
from vergeos_nb.parameters import UNDECIDED, AskedOn, ConfirmingParameters, OneLine
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
from vergeos_nb.procedure.engine.engine import Ask, Draft, Step, ended_by
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.engine.system_identity import differences
from vergeos_nb.procedure.steps import previews
from vergeos_nb.procedure.steps.common_steps import ALIVE, CONFIRM, IDENTIFY, plan_step
from vergeos_nb.procedure.steps.identify import text
from vergeos_nb.procedure.steps.judge_and_plan import is_alive
from vergeos_nb.procedure.steps.sending import Known, Sent, already_sent, send_once, sent_draft
from vergeos_nb.procedure.steps.settling import Look, Wait, settle
from vergeos_nb.procedure.steps.watching import Watch, stopped
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_tables import CHECKS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.assumptions import STATUS_ROW_TAKES_ALL
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import MachineStatus

# The fields of the vendor's PUT, and those that it may clear along with them.
WRITTEN = ("running", "migratable", "status", "state")
CLEARED = ("powerstate", "node")
EFFECT = (
    "undetermined: rewrites the status record as it was; what watches the record, such as HA, may act on it"
)

_FOUR_ONLY = (
    "undetermined: sent only if the platform refuses the first one because a column is read-only; rewrites "
    "the four fields of the vendor's own request"
)
_RUNGS = (("restore", EFFECT), ("restore in four fields", _FOUR_ONLY))
# The text in pyvergeos issue 86, there of another table.
_READ_ONLY = re.compile(r"field '(?:\w+\.)?(\w+)' is read-?only")


def _record(text: str, info: ValidationInfo) -> str:
    if not text and not (info.context or {}).get(UNDECIDED):
        raise ValueError("is empty; give the id of the record, which is its folder's name")
    return text


class RestoreStatusParameters(ConfirmingParameters):
    """Its parameters, in addition to those of every confirming runbook."""

    record: Annotated[
        OneLine, AfterValidator(_record), Unbound("the plan's record holds its id"), AskedOn("plan")
    ] = Field(
        title="Record whose override is undone",
        description="The record whose override is undone: its folder's name, or a path to it.",
    )


def undo_request(row: MachineStatus) -> Request:
    """The request that restores a status row: the fields that the override wrote and those that it may clear.

    Fields that the row did not have are left out.
    """
    body = {name: getattr(row, name) for name in (*WRITTEN, *CLEARED) if getattr(row, name) is not None}
    return requests.status_fields(row.key, body)


def judge_life(case: Case) -> Draft:
    """Judge the evidence. Here no verdict forbids to restore the row."""
    draft = is_alive(case)
    advice = {
        VerdictValue.OFF: "The record would say again that it runs. Restore it only if you want that.",
        VerdictValue.ALIVE: "The record is wrong if it says stopped: do not power the VM on meanwhile.",
        VerdictValue.UNKNOWN: "A restored record proves nothing either; make sure at the node itself.",
    }
    assert case.verdict is not None
    return replace(draft, next_step=advice[case.verdict.value])


def make_plan(case: Case) -> Draft:
    """Plan to write back the row that the record kept, and show how it differs from now; or refuse."""
    vm, verdict = case.known_vm(), case.verdict
    assert verdict is not None
    assert case.records is not None
    if (no := never_forced(case, verdict.table())) is not None:
        return no
    capsule = case.records.capsule(_options(case).record)
    if (mismatch := _not_of_this_vm(case, capsule)) is not None:
        return mismatch
    asked = f"restoring the status row of VM {vm.name!r}"
    undo = capsule["undo"]
    if undo is None:
        return ended_by(
            Refused(
                asked,
                f"the record {capsule['record']} holds no override: its run sent none",
                "name the record of the run that overrode the row; there is nothing to undo in this one",
            )
        )
    now = case.platform.vm_now(vm.key)
    if (drifted := changed_since_judged(case, now)) is not None:
        return drifted
    row, was = case.samples[-1].status, undo["row"]
    bodies = _bodies(case, undo["request"]["body"])
    body = bodies[0]
    table = _as_it_was(row, body)
    if _found(row, body) == body:
        return Draft(
            StepOutcome.NOTHING_TO_DO,
            f"The row is as it was already; the verdict on the process is {verdict.value.value}.",
            "",
            (table, verdict.table()),
            {**verdict.facts(), "plan": None, "plan_digest": None, "as_asked": True},
        )
    if not stopped(row) or not _same_number(row.started, was.get("started")):
        hint = "look at the row; what has happened to the VM since is not undone from here"
        error = Drift(asked, "the row is no longer as the override left it: something else wrote it", hint)
        return ended_by(error, table, verdict.table(), **verdict.facts())
    plan = frame_of_plan(
        case,
        now,
        [
            (rung, effect, requests.status_fields(row.key, one))
            for (rung, effect), one in zip(_RUNGS, bodies, strict=False)
        ],
        record=capsule["record"],
    )
    undoes = ("undoes", f"the override of the record {capsule['record']}")
    words = plan_in_words(case, plan, undoes, ("verdict", verdict.value.value))
    tables = (words, table, requests_table(plan), verdict.table())
    return planned(case, plan, tables, to_apply(case, plan))


def restore(case: Case) -> Draft:
    """Check every guard again, read the VM again, then send the PUT that undoes the override."""
    if (end := not_approved(case)) is not None:
        return end
    if "restore" in case.sent:
        return already_sent("The PUT", "Confirm reads back what became of it.")
    asked, key = f"restoring the status row of VM {case.known_vm().name!r}", case.known_status_key()
    if (no := closed(case, asked)) is not None:
        return no
    first, *others = _planned_bodies(case)
    sent = send_once(case, "restore", "restore", lambda: case.platform.override_status(key, first))
    four = ""
    if others and (name := _read_only_column(sent, first)):
        # This does not repeat the request: it is another request, which the plan has for this case.
        case.note(f"the platform does not take {name}, and nothing was changed")
        if (no := closed(case, asked)) is not None:
            return no
        four = f" in the vendor's four fields, because {name} is read-only"
        sent = send_once(
            case, "restore", "restore_four", lambda: case.platform.override_status(key, others[0])
        )
    return sent_draft(
        sent,
        accepted=f"The platform accepted the former status of row {key}{four}.",
        confirms="Confirm reads whether it stays.",
        in_doubt="Confirm reads back what became of it.",
        answers=(ErrorInAnswer, RelayFailed),
    )


def confirm(case: Case) -> Draft:
    """Read until the row has been unchanged for the settle time. The row itself proves nothing."""
    options, watch, wanted = case.confirming(), Watch(case, wrote_row=True), _wanted(case)

    def look(row: MachineStatus, held: bool) -> Look:
        found = _found(row, wanted)
        if not watch.ours():
            return Look(trouble=watch.foreign(), decides=True)
        if found == wanted:
            return Look(holds=True)
        if held or not (stopped(row) or _written(found) == _written(wanted)):
            rewritten = f"the row was rewritten by something else: it says {row.status} now"
            return Look(trouble=rewritten, decides=True)
        differ = ", ".join(name for name in wanted if found[name] != wanted[name])
        return Look(trouble=f"the row is not as it was in: {differ}")

    wait = Wait(
        options.settle_s,
        options.confirm_timeout_s,
        options.confirm_timeout_s,
        begins="the row should be as it was",
        holds="the row is as it was, and should stay so",
    )
    ended = settle(watch, wait, look, lambda since: f"reading back for {watch.elapsed:.0f} s")
    watch.trouble = watch.trouble or ended.trouble("the row has not stayed as it was", "it had settled")
    return _end(case, watch, wanted)


def restoring(case: Case) -> Sequence[Ask]:
    """The VM's present state, then the PUT of the plan."""
    assert case.plan is not None
    key, look = case.known_status_key(), previews.looking_again(case)
    puts: list[Ask] = [previews.writing(key, body) for body in _planned_bodies(case)]
    return [step for put in puts for step in (look, put)]


STEPS: Sequence[Step[Case]] = (
    *IDENTIFY,
    replace(
        ALIVE,
        why="First see whether the process lives, then decide what the record is to say.",
        act=judge_life,
    ),
    plan_step("What the record kept, what is there now, who agreed.", make_plan),
    Step(
        "restore",
        "Restore the status row",
        "",
        "The row is written back as it was before the override.",
        restore,
        changing=True,
        role="act",
        verb="Restore the status row of {vm}",
        requests=restoring,
        latches=("restore", "restore_four"),
    ),
    replace(
        CONFIRM, vendor_step="", why="A row that was written may be rewritten: does it stay?", act=confirm
    ),
)

RUNBOOK = Runbook(
    name="restore_status",
    parameters=RestoreStatusParameters,
    case=Case,
    steps=STEPS,
    acts={"override": "restore"},
)


def _same_number(now: int | None, then: Any) -> bool:
    """Whether a recorded value is this number. It may be recorded as text or as a float."""
    try:
        return now == (then if then is None else float(then))
    except (TypeError, ValueError):
        return False


def _options(case: Case) -> RestoreStatusParameters:
    assert isinstance(case.options, RestoreStatusParameters)
    return case.options


def _not_of_this_vm(case: Case, capsule: Mapping[str, Any]) -> Draft | None:
    vm, info = case.known_vm(), case.info
    assert info is not None
    theirs = capsule["vm"] or {}
    checks = (
        *differences(capsule, case.target, info),
        ("VM's name", theirs.get("name"), vm.name),
        ("VM key", theirs.get("key"), vm.key.value),
        ("machine", theirs.get("machine"), vm.machine.value),
        ("status row", capsule["status_key"], case.known_status_key().value),
    )
    differ = [what for what, then, now in checks if then != now]
    if not differ:
        return None
    table = CHECKS.table(*((what, text(then), text(now), then == now) for what, then, now in checks))
    error = Refused(
        f"restoring from the record {capsule['record']}",
        f"the record is of another VM or system: {', '.join(differ)} differ",
        "name the record of this VM on this system, or the VM and the profile of the record",
    )
    return ended_by(error, table)


def _bodies(case: Case, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The body of the undo. If its columns may be read-only, also a body with the vendor's four fields."""
    four, takes_all = _written(body), case.knowledge.of(STATUS_ROW_TAKES_ALL).holds
    if takes_all is False:
        return [four]
    return [dict(body)] if takes_all or four == body else [dict(body), four]


def _planned_bodies(case: Case) -> list[dict[str, Any]]:
    """The bodies of the planned requests."""
    assert case.plan is not None
    return [dict(request["body"]) for request in case.plan.content["requests"]]


def _wanted(case: Case) -> dict[str, Any]:
    """The fields of the last request that was sent."""
    bodies = _planned_bodies(case)
    return bodies[-1 if "restore_four" in case.sent else 0]


def _read_only_column(sent: Sent[None], body: Mapping[str, Any]) -> str:
    """The column for which the platform refused the whole body; "" if it is one of the vendor's four."""
    if sent.known is not Known.REFUSED or not isinstance(sent.error, InvalidValue):
        return ""
    named = _READ_ONLY.findall(sent.error.came_back)
    return next((name for name in named if name in body and name not in WRITTEN), "")


def _found(row: MachineStatus, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in wanted}


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in WRITTEN}


def _as_it_was(row: MachineStatus, body: Mapping[str, Any]) -> Table:
    found = _found(row, body)
    return CHECKS.table(
        *((name, text(value), text(found[name]), value == found[name]) for name, value in body.items())
    )


def _end(case: Case, watch: Watch, wanted: Mapping[str, Any]) -> Draft:
    name, verdict = case.known_vm().name, watch.verdict
    case.verdict = verdict
    tables = watch.tables()
    if watch.last is not None:
        tables = (_as_it_was(watch.last, wanted), *tables)
    if not watch.trouble:
        summary = (
            f"The row of {name!r} stays as it was before the override. A row is no evidence: "
            f"the verdict on the process is {verdict.value.value}."
        )
        return Draft(StepOutcome.PASSED, summary, "", tables, watch.facts())
    advice = "look at the row and at the node itself; nothing is sent again"
    error: VergeNbError = VerdictUnknown(f"confirming the row of VM {name!r}", watch.trouble, advice)
    return Draft(
        StepOutcome.UNKNOWN, f"{error.asked}: {error.came_back}.", advice, tables, watch.facts(), error
    )
