"""Power a VM on after it has stayed off: only if a parameter asks for it and a person has approved it."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, cast

from vergeos_nb.errors import Conflict, StillAlive, VerdictUnknown, VergeNbError
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
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import Evidence, when
from vergeos_nb.procedure.steps.judge_and_plan import EVIDENCE_LASTS_S
from vergeos_nb.procedure.steps.sending import already_sent, send_once, sent_draft
from vergeos_nb.procedure.steps.settling import Look, Wait, settle
from vergeos_nb.procedure.steps.vigil import node_of
from vergeos_nb.procedure.steps.watching import Watch
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.rows import MachineStatus

EFFECT = "changing: starts the VM; over a process that still lives it would start a second copy"

# The log's words for an order that was taken (known texts of other actions, vendor's page on unexpected
# restarts; that this one reads alike is our reading).
ORDER = "'poweron'"


class StartOptions(Protocol):
    """The parameters that these steps read. Their runbook may take more."""

    power_on: bool
    start_timeout_s: float
    settle_s: float
    sample_gap_s: float


def watch_options(case: Case) -> StartOptions:
    """The parameters of a runbook that powers on."""
    return cast(StartOptions, case.options)


def make_plan(case: Case) -> Draft:
    """Plan the start, if it was asked for and the VM has stayed off."""
    verdict = case.verdict
    if not watch_options(case).power_on:
        return _only_watching("Nothing is planned: this run only watches (parameter power_on).")
    assert verdict is not None
    if (no := _not_off(case, "planning to power on")) is not None:
        return no
    if (no := never_forced(case, verdict.table())) is not None:
        return no
    now = case.platform.vm_now(case.known_vm().key)
    if (drifted := changed_since_judged(case, now)) is not None:
        return drifted
    request = ("power_on", EFFECT, requests.poweron(case.known_vm().key))
    plan = frame_of_plan(case, now, [request])
    tables = (
        plan_in_words(case, plan, ("verdict", verdict.value.value)),
        requests_table(plan),
        verdict.table(),
    )
    hint = (
        f"{to_apply(case, plan)}. It watches again first, as long as planned; "
        "give an approve_until that outlasts that, or plan again with fewer minutes"
    )
    return planned(case, plan, tables, hint)


def power_on(case: Case) -> Draft:
    """Check every guard again, take fresh evidence, then send the start."""
    if not watch_options(case).power_on:
        return _only_watching("Not powered on: it was not asked for (parameter power_on).")
    if (end := not_approved(case)) is not None:
        return end
    vm = case.known_vm()
    asked = f"powering on VM {vm.name!r}"
    if "power_on" in case.sent:
        return already_sent("It", "Confirm looks whether it starts.")
    _refresh(case)
    # Last, because the readings above take time: reads the VM again and asks every standing guard.
    if (no := closed(case, asked) or _not_off(case, asked)) is not None:
        return no
    sent = send_once(
        case,
        "power_on",
        "power_on",
        lambda: case.platform.vm_action(vm.key, "poweron"),
        # The platform says that the VM runs already. Confirm checks that.
        look_after=(Conflict,),
    )
    return sent_draft(
        sent,
        accepted=f"The platform took the order to start {vm.name!r}. That is not yet a VM that runs.",
        confirms="Confirm looks whether it starts.",
        in_doubt="Confirm looks whether it starts.",
        answers=(Conflict,),
    )


def confirm(case: Case) -> Draft:
    """Confirm that it stayed off or, if it was powered on, that it runs on a node and its counters move."""
    if not watch_options(case).power_on:
        verdict = case.verdict
        assert verdict is not None
        facts = {**verdict.facts(), "verdict_at": case.samples[-1].read_at}
        return Draft(StepOutcome.PASSED, f"{case.known_vm().name!r} stayed off.", "", facts=facts)
    return _confirm_start(case)


def _only_watching(summary: str) -> Draft:
    return Draft(StepOutcome.SKIPPED, summary, facts={"opens": True, "sent": False})


def _not_off(case: Case, asked: str) -> Draft | None:
    """The refusal of a start that the evidence does not support."""
    verdict = case.verdict
    assert verdict is not None
    if verdict.value is VerdictValue.OFF:
        return None
    if verdict.value is VerdictValue.ALIVE:
        error: VergeNbError = StillAlive(
            asked,
            "its process lives; a start could run it twice on the same disks",
            "do not power it on; look at its node where it runs",
        )
    else:
        error = VerdictUnknown(
            asked,
            "nothing shows that its process is gone; a start could run it twice on the same disks",
            "make sure at the node; no approval opens this",
        )
    read_at = case.samples[-1].read_at
    return ended_by(error, verdict.table(), sent=False, **verdict.facts(), verdict_at=read_at)


def _refresh(case: Case) -> None:
    """Read the evidence again if it is too old to act on. Earlier signs of life keep counting."""
    if case.is_fresh(case.samples[-1], EVIDENCE_LASTS_S):
        return
    began = case.server_clock(case.samples[-1].read_at)
    fresh = case.two_samples()
    logs = case.platform.logs_since(case.machine(), began)
    evidence = Evidence(
        [case.samples[-1], *fresh],
        logs,
        case.known_vm().name,
        knowledge=case.knowledge,
        silence_s=case.silence_s,
    )
    since_watched = judge(evidence)
    alive = since_watched.value is VerdictValue.ALIVE
    case.verdict = since_watched if alive else judge(replace(evidence, samples=fresh))
    case.samples = fresh


def _confirm_start(case: Case) -> Draft:
    # The log holds this run's own order to start, which is no sign of life.
    options, seen = watch_options(case), Watch(case, forgets=True, own_order=ORDER)

    def look(row: MachineStatus, held: bool) -> Look:
        trouble = _not_well(seen, row)
        return Look(trouble=trouble) if trouble else Look(holds=(row.node, row.started))

    wait = Wait(
        options.settle_s,
        options.start_timeout_s,
        options.start_timeout_s + options.settle_s,
        begins="the VM should run",
        holds="the VM runs, and should go on undisturbed",
    )
    ended = settle(seen, wait, look, lambda since: f"starting for {seen.elapsed:.0f} s")
    said = ended.trouble("it has not run undisturbed", "it was seen to run properly")
    # If somebody stopped the wait, that is reported first.
    seen.trouble = said if ended.stop else seen.trouble or said
    return _end_start(case, seen)


def _not_well(seen: Watch, row: MachineStatus) -> str:
    """Why the VM does not run properly by the last reading, or ""."""
    if not seen.ours():
        return seen.foreign()
    if not (row.running and row.status == "running" and row.state == "online" and row.node is not None):
        return f"the row says {row.status}, state {row.state}, node {node_of(row)}"
    says = {vote.source: vote.says for vote in seen.verdict.votes}
    if says["machine_stats"] != "alive":
        return "the row says running, but no fresh CPU and RAM came"
    counted = any(counter.values for counter in seen.samples[-1].counters)
    if counted and "alive" not in (says["machine_nics"], says["machine_drives"]):
        return "the row says running, but no counter of a NIC or drive moves"
    return ""


def _end_start(case: Case, seen: Watch) -> Draft:
    name, row = case.known_vm().name, seen.last
    case.verdict = seen.verdict
    if row is not None and not seen.trouble:
        summary = f"{name!r} started properly: it runs on node {node_of(row)} since {when(row.started)}."
        return Draft(StepOutcome.PASSED, summary, "", seen.tables(), seen.facts())
    advice = "it is not powered on again; look at its console and at its log"
    error: VergeNbError = VerdictUnknown(f"confirming that VM {name!r} starts", seen.trouble, advice)
    said = f"{name!r} was not seen to start properly: {seen.trouble}."
    return Draft(StepOutcome.UNKNOWN, said, advice, seen.tables(), seen.facts(), error)
