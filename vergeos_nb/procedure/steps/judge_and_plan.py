"""The step "Is it alive?" judges the evidence. The step Plan says what will be sent, from which state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from vergeos_nb.errors import Refused, VerdictUnknown
from vergeos_nb.parameters import RUNGS
from vergeos_nb.procedure.approval.gate import never_forced
from vergeos_nb.procedure.approval.planning import (
    changed_since_judged,
    frame_of_plan,
    plan_in_words,
    planned,
    requests_table,
    to_apply,
)
from vergeos_nb.procedure.approval.stays_closed import closed_table, stays_closed
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.evidence.healthy import MEANS_IT, looks_healthy
from vergeos_nb.procedure.evidence.sample import Sample
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import Evidence
from vergeos_nb.procedure.evidence.witnesses import roll
from vergeos_nb.procedure.evidence.witnesses.machine_log import contradictions, logs_table
from vergeos_nb.procedure.evidence.witnesses.moving_counters import counters_table
from vergeos_nb.procedure.steps.asking import answers
from vergeos_nb.procedure.steps.consequences import consequences
from vergeos_nb.procedure.steps.snapshot import DESCRIPTION, snapshot_name_for
from vergeos_nb.procedure.steps.watching import stopped
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.differences import state_of
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.procedure.values.wait_report import BETWEEN_READINGS
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.vergeos.rows import VmNow

# How far back the machine's log is read to check an attestation.
LOG_HOURS = 24.0
# Evidence older than this is read again: after the wait of a method, or a pause between two steps.
EVIDENCE_LASTS_S = 60.0

EFFECTS: Mapping[str, str] = {
    "poweroff": "changing: asks the guest to shut down; a guest that hangs ignores it",
    "snapshot": "changing: keeps the disks as they are now, without the guest's help",
    "kill": "changing: ends the process as if the plug were pulled; unsaved data is lost",
    "override": "undetermined: rewrites the status record; no source says that it ends a process",
}


def is_alive(case: Case) -> Draft:
    """Take two readings a gap apart, ask the other witnesses, and judge."""
    assert case.first is not None
    case.wait(case.gap_s, BETWEEN_READINGS, case.first)
    case.samples = (case.first, case.sample())
    began = case.server_clock(case.first.read_at)
    case.logs = tuple(case.platform.logs_since(case.machine(), began - LOG_HOURS * 3600))
    since = [line for line in case.logs if line.at >= began]
    verdict = judge(
        Evidence(
            case.samples,
            since,
            case.known_vm().name,
            answers(case),
            knowledge=case.knowledge,
            silence_s=case.silence_s,
        )
    )
    case.verdict = verdict
    healthy = looks_healthy(case.samples[-1].status, verdict)
    meaning, advice = _what_it_means(verdict)
    return Draft(
        StepOutcome.PASSED,
        f"Verdict: {verdict.value}. {meaning}",
        f"{healthy} {MEANS_IT} {advice}" if healthy else advice,
        (
            verdict.table(),
            roll.samples_table(case.samples),
            counters_table(case.first.counters, case.samples[-1].counters),
            logs_table(case.logs),
        ),
        {**verdict.facts(), "healthy": healthy},
    )


def _what_it_means(verdict: Verdict) -> tuple[str, str]:
    """A verdict in words, and what to do."""
    if verdict.only_assumed_life:
        return (
            "It is assumed that the process lives: only its record or log looks alive.",
            "The standard methods come first. The override stays closed until a named person says who "
            "checked at the node, and how (parameter assertion).",
        )
    return {
        VerdictValue.OFF: ("The process is gone: there is fresh evidence of it.", ""),
        VerdictValue.ALIVE: (
            "The process LIVES. Overriding its record would not end it.",
            "The standard methods act on it; the override stays closed while it lives.",
        ),
        VerdictValue.UNKNOWN: (
            "The evidence supports neither off nor alive.",
            "Make sure at the node itself. Without your assertion nothing is overridden.",
        ),
    }[verdict.value]


def is_recent(case: Case) -> bool:
    """Whether the evidence is young enough to act on."""
    return len(case.samples) > 1 and case.is_fresh(case.samples[-1], EVIDENCE_LASTS_S)


def judge_again(case: Case, first: Sample | None = None) -> None:
    """Read the evidence again in two samples, and judge it.

    Args:
        first: the first of the samples, if it was taken just now.
    """
    case.samples = case.two_samples(first)
    case.verdict = judge(
        Evidence(
            case.samples, vm_name=case.known_vm().name, knowledge=case.knowledge, silence_s=case.silence_s
        )
    )


def make_plan(case: Case) -> Draft:
    """Make the plan from a fresh reading, unless a guard refuses, and check if the approval is for it."""
    vm, options = case.known_vm(), case.force_options()
    assert case.verdict is not None
    if (no := never_forced(case, case.verdict.table(), roll.samples_table(case.samples))) is not None:
        return no
    now = case.platform.vm_now(vm.key)
    if case.sent_by and not (is_recent(case) and state_of(case.samples[-1].status) == state_of(now)):
        # After something was sent, the steps that read the evidence are not run again.
        judge_again(case)
        now = case.platform.vm_now(vm.key)
    verdict = case.verdict
    if (drifted := changed_since_judged(case, now)) is not None:
        return drifted
    if stopped(now):
        return _already_stopped(case, now)
    if options.start_at != RUNGS[0]:
        left_out = RUNGS[: RUNGS.index(options.start_at)]
        case.contradictions = contradictions(left_out, case.logs, LOG_HOURS)
    over = options.up_to == "override" and options.assertion and verdict.only_assumed_life
    plan = frame_of_plan(
        case,
        now,
        [(rung, EFFECTS[rung], change) for rung, change in planned_changes(case, now)],
        contradictions=list(case.contradictions),
        # Only if it is so, because the digests of all other plans must not change.
        **({"over_assumed_life": True} if over else {}),
    )
    shut = stays_closed(options, verdict)
    follows = consequences(case)
    tables: tuple[Table, ...] = (_words(case, plan, now, follows), requests_table(plan), verdict.table())
    if shut:
        tables = (*tables, closed_table(shut))
    if case.contradictions:
        tables = (*tables, logs_table(case.logs))
    healthy = looks_healthy(case.samples[-1].status, verdict)
    contradicted = [f"CONTRADICTED: {text}." for text in case.contradictions]
    warnings = [text for text in (healthy, *follows, *contradicted, *(s.words for s in shut)) if text]
    draft = planned(case, plan, tables, to_apply(case, plan), " ".join(warnings))
    more = {
        "stays_closed": [one.method for one in shut],
        "needs": [one.needs for one in shut if one.needs],
        "follows": list(follows),
    }
    return replace(draft, facts={**draft.facts, **more})


def planned_changes(case: Case, now: VmNow) -> list[tuple[str, Request]]:
    """Every changing request that this run may still send, in order, by its method."""
    vm, options = case.known_vm(), case.force_options()
    allowed = RUNGS[RUNGS.index(options.start_at) : RUNGS.index(options.up_to) + 1]
    rungs: list[tuple[str, Request]] = []
    if "poweroff" in allowed:
        rungs.append(("poweroff", requests.poweroff(vm.key)))
    if options.snapshot:
        # The time is set when it is sent. The plan only says how long, so that its digest does not change.
        snapshot = requests.snapshot(vm.machine, snapshot_name_for(now.started), 1, DESCRIPTION)
        body = {**snapshot.fields, "expires": f"now + {options.snapshot_days} days"}
        rungs.append(("snapshot", structs.replace(snapshot, body=body)))
    if "kill" in allowed:
        rungs.append(("kill", requests.kill(vm.key)))
    if "override" in allowed:
        rungs.append(("override", requests.override(case.known_status_key())))
    return [(rung, change) for rung, change in rungs if rung not in case.sent]


def _words(case: Case, plan: Plan, now: VmNow, follows: Sequence[str]) -> Table:
    options, verdict = case.force_options(), case.verdict
    assert verdict is not None
    return plan_in_words(
        case,
        plan,
        ("from", f"{now.status}, running {str(now.running).lower()}, node {now.node}"),
        ("methods", f"from {options.start_at} up to {options.up_to}"),
        (
            "verdict before",
            f"{verdict.value}, {verdict.rests_on}" if verdict.rests_on else verdict.value.value,
        ),
        ("attested", options.attest or "nothing"),
        ("assertion", options.assertion or "none"),
        *(("what follows", text) for text in follows),
    )


def _already_stopped(case: Case, now: VmNow) -> Draft:
    verdict = case.verdict
    assert verdict is not None
    facts: dict[str, Any] = {
        **verdict.facts(), "plan": None, "plan_digest": None, "approval": None,
    }  # fmt: skip
    tables = (verdict.table(), roll.samples_table(case.samples))
    if verdict.value is VerdictValue.ALIVE:
        return ended_by(
            Refused(
                f"planning for VM {now.name!r}",
                "its record says stopped, but its process lives",
                "do not power it on; end the process at its node and call the vendor",
            ),
            *tables,
            **facts,
        )
    if (sent := next((rung for rung in reversed(RUNGS) if rung in case.sent), None)) is not None:
        # A request of an earlier process of this run may have ended the VM. Confirm finds out.
        case.off_since = sent
        facts["opens"] = True
    if verdict.value is VerdictValue.UNKNOWN:
        # Nothing can be sent, but the VM is not known to be off, so this is not "nothing to do".
        error = VerdictUnknown(
            f"planning for VM {now.name!r}",
            "its record says stopped already, but nothing shows that its process is gone",
            "do not power it on yet; make sure at the node that the process is gone, then run this again",
        )
        summary = f"Verdict: unknown. {error.came_back[0].upper()}{error.came_back[1:]}. Nothing is planned."
        return Draft(StepOutcome.UNKNOWN, summary, error.next_step, tables, facts, error)
    return Draft(
        StepOutcome.NOTHING_TO_DO,
        "The record says stopped already, and there is fresh evidence that the process is gone.",
        "",
        tables,
        facts,
    )
