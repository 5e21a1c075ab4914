"""Force power off sends the vendor's PUT once. Confirm reads back, and its evidence decides the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vergeos_nb.errors import (
    Drift,
    ErrorInAnswer,
    RelayFailed,
    StillAlive,
    VerdictUnknown,
    VergeNbError,
)
from vergeos_nb.procedure.approval.gate import closed, not_approved
from vergeos_nb.procedure.approval.stays_closed import ONLY_ASSUMED
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.steps.judge_and_plan import EVIDENCE_LASTS_S, is_recent, judge_again
from vergeos_nb.procedure.steps.sending import already_sent, send_once, sent_draft
from vergeos_nb.procedure.steps.settling import Look, Wait, settle
from vergeos_nb.procedure.steps.standard_methods import beyond, off_already
from vergeos_nb.procedure.steps.watching import Watch, stopped
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.rows import MachineStatus

STILL_ALIVE = "do NOT power it on anywhere; end the process at its node, and call the vendor"
LOOKS_ALIVE = (
    "do NOT power it on anywhere; look at the node once more: end the process if it is there; if it is gone, "
    "something else writes this row, so send the vendor this record"
)


def force_power_off(case: Case) -> Draft:
    """Check every guard again, take a fresh reading, and send the vendor's PUT."""
    if (end := off_already(case) or not_approved(case) or beyond(case, "override")) is not None:
        return end
    asked = f"forcing VM {case.known_vm().name!r} off"
    if "override" in case.sent:
        return already_sent("The PUT", "Confirm reads back what became of it.")
    _refresh(case)
    # Last, because the readings above take time. This reads the VM again and checks every standing guard.
    if (no := closed(case, asked)) is not None:
        return replace(no, facts={**_judged(case), **no.facts})
    if case.now is not None and stopped(case.now):
        return Draft(
            StepOutcome.NOTHING_TO_DO,
            "The PUT was not sent: the row says stopped by now. Confirm looks for evidence.",
            facts={"opens": True, "sent": False},
        )
    if (refused := _refusal(case, asked)) is not None:
        return refused
    return _send(case)


def confirm(case: Case) -> Draft:
    """Read until the row has kept the requested values for the settle time, and judge by what was read."""
    options = case.confirming()
    watch = Watch(case, answered_for=case.over_assumed_life)

    def look(row: MachineStatus, held: bool) -> Look:
        if not watch.ours():
            return Look(trouble=watch.foreign(), decides=True)
        if watch.verdict.value is VerdictValue.ALIVE:
            return Look(decides=True)
        if stopped(row):
            return Look(holds=True)
        if held:
            return Look(trouble=f"the row went from stopped to {row.status}", decides=True)
        return Look(trouble=f"the row still says {row.status}")

    def progress(since: float | None) -> str:
        if since is None:
            return f"watching for {watch.elapsed:.0f} s"
        return f"stopped for {watch.elapsed - since:.0f} of {options.settle_s:g} s"

    wait = Wait(
        options.settle_s,
        options.confirm_timeout_s,
        options.confirm_timeout_s,
        begins="the row should say stopped",
        holds="the row says stopped, and should stay so",
    )
    ended = settle(watch, wait, look, progress, enough=watch.off)
    watch.trouble = watch.trouble or ended.trouble("the row has not stayed stopped", "it had settled")
    return _end(case, watch)


def _refresh(case: Case) -> None:
    """Read the evidence again if it is too old to act on, or if a short wait left one sample only."""
    if is_recent(case):
        return
    alone = case.samples[0] if len(case.samples) == 1 else None
    first = alone if alone and case.is_fresh(alone, EVIDENCE_LASTS_S) else None
    judge_again(case, first)
    if first and case.verdict is not None and case.verdict.value is VerdictValue.ALIVE:
        # That reading may be from before the last method took effect, so the process may have ended since.
        judge_again(case, case.samples[-1])


def _refusal(case: Case, asked: str) -> Draft | None:
    """A refusal if the evidence forbids the PUT; otherwise None."""
    plan, verdict = case.plan, case.verdict
    assert plan is not None
    assert verdict is not None
    planned = plan.content["verdict"]
    assertion = case.force_options().assertion
    if verdict.only_assumed_life and not (assertion and case.over_assumed_life):
        seen = " since this plan was approved" if assertion else ""
        error: VergeNbError = StillAlive(
            asked,
            f"{ONLY_ASSUMED}: {verdict.signs_of_life}{seen}",
            "make sure at the node; then say so with the parameter assertion, plan and approve again",
        )
    elif verdict.value is VerdictValue.ALIVE and not verdict.only_assumed_life:
        error = StillAlive(
            asked,
            "its process lives; the PUT would only hide that and let a second copy start on the same disks",
            "end the process at its node; no approval opens this",
        )
    elif verdict.value is VerdictValue.UNKNOWN and not assertion:
        error = VerdictUnknown(
            asked,
            "nothing shows that its process is gone",
            "make sure at the node; then say so with the parameter assertion, plan and approve again",
        )
    elif not case.sent_by and verdict.value != planned:
        error = Drift(
            asked,
            f"the verdict was {planned} when it was planned, and is {verdict.value.value} now",
            "look at the evidence, and plan again",
        )
    else:
        return None
    return ended_by(error, verdict.table(), sent=False, **_judged(case))


def _judged(case: Case) -> dict[str, Any]:
    """The verdict on the newest evidence, and when that was read."""
    assert case.verdict is not None
    return {**case.verdict.facts(), "verdict_at": case.samples[-1].read_at}


def _send(case: Case) -> Draft:
    key = case.known_status_key()
    body = requests.override(key).fields
    return sent_draft(
        send_once(case, "force", "override", lambda: case.platform.override_status(key, body)),
        accepted=f"The platform accepted the new status of row {key}. That is a record, not yet evidence.",
        confirms="Confirm looks for evidence.",
        in_doubt="Confirm reads back what became of it.",
        answers=(ErrorInAnswer, RelayFailed),
    )


def _end(case: Case, watch: Watch) -> Draft:
    """The end of Confirm, from all that was read."""
    name, verdict, trouble = case.known_vm().name, watch.verdict, watch.trouble
    case.verdict = verdict
    facts, tables = watch.facts(), watch.tables()
    asked = f"confirming that VM {name!r} is off"
    if verdict.value is VerdictValue.OFF:
        summary = f"Verdict: off. The row stays stopped, and there is fresh evidence that {name!r} is dead."
        return Draft(StepOutcome.PASSED, summary, "", tables, facts)
    if verdict.value is VerdictValue.ALIVE:
        advice, lives = STILL_ALIVE, "its process lives"
        if verdict.only_assumed_life:
            advice, lives = LOOKS_ALIVE, ONLY_ASSUMED
        error: VergeNbError = StillAlive(asked, f"{lives}: {verdict.signs_of_life}", advice)
        return Draft(StepOutcome.FAILED, f"Verdict: alive. {error.came_back}.", advice, tables, facts, error)
    advice = "do not power it on yet; look at the node itself, then confirm again"
    error = VerdictUnknown(
        asked, trouble or "the row stays stopped, but no fresh evidence of death came", advice
    )
    return Draft(StepOutcome.UNKNOWN, f"Verdict: unknown. {error.came_back}.", advice, tables, facts, error)
