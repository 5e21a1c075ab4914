"""The headline of a run and its advice, with its facts: the one source of everything that is shown of it."""

from __future__ import annotations

from collections.abc import Mapping

from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import known
from vergeos_nb.procedure.values.outcomes import RunOutcome, StepOutcome
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.record.incident import exhibits_of, facts_of
from vergeos_nb.views.summary import RunSummary

# If a runbook has no headline, the summary of the deciding step is used.
_OWN_WORDS = {RunOutcome.DONE: StepOutcome.PASSED, RunOutcome.NOTHING_TO_DO: StepOutcome.NOTHING_TO_DO}
_POWERED_OFF = frozenset({"poweroff", "kill", "override"})
_HEADLINES = {
    RunOutcome.PLANNED: "Planned. Nothing was changed: no approval was given.",
    RunOutcome.UNKNOWN: "A changing call was sent, and its effect was not checked.",
    RunOutcome.INTERRUPTED: "The run was cut short.",
}


def summary_of(account: RunState) -> RunSummary:
    """The facts that a person reads first."""
    decisive, outcome = account.decisive, account.outcome
    last = account.results[-1] if account.results else None
    headline = decisive.summary if decisive else _headline(account)
    advice = decisive.next_step if decisive else ""
    if account.bug:
        headline = f"A bug of this program stopped the run: {account.bug['error']}"
        advice = "nothing is retried. Keep the record folder and report it."
    elif outcome in (RunOutcome.PLANNED, RunOutcome.NOTHING_TO_DO):
        planned = account.last_of("plan")
        advice = planned.next_step if planned else ""
    elif outcome is RunOutcome.INTERRUPTED:
        headline = f"{_HEADLINES[outcome]} {_where(account)}"
        advice = _after_interruption(account)
    elif decisive is None and outcome is RunOutcome.UNKNOWN:
        advice = _after_interruption(account)
    elif outcome is RunOutcome.DONE:
        advice = _after_done(account)
    return RunSummary(
        end=account.end,
        system=last.system if last else str(account.opened.get("system", "")),
        headline=headline,
        next_step=advice,
        lines=facts_of(account),
        exhibits=exhibits_of(account),
        results=account.results,
        over_vm=account.over_vm,
    )


def title_of(account: RunState) -> str:
    """The runbook, and the VM that the run was over."""
    vm = account.fact("vm")
    named = vm.get("name") if isinstance(vm, Mapping) else None
    subject = str(named or (account.opened.get("parameters") or {}).get("vm_name") or "")
    return f"{account.opened.get('runbook')}" + (f" of {subject}" if subject else "")


def _headline(account: RunState) -> str:
    if account.outcome in _OWN_WORDS:
        runbook, ended = known(str(account.opened.get("runbook"))), _OWN_WORDS[account.outcome]
        said = runbook.headline(account.end) if runbook else ""
        return said or next((r.summary for r in reversed(account.results) if r.outcome is ended), "")
    return _by_verdict(account) or _HEADLINES.get(account.outcome, "")


def _after_done(account: RunState) -> str:
    if not account.over_vm:
        return next((r.next_step for r in reversed(account.results) if r.next_step), "")
    if account.verdict is VerdictValue.OFF and _POWERED_OFF & set(account.end.acts):
        watch = "The runbook watch_after_power_off watches it until then."
        return f"Find out why it hung before it is powered on. {watch}"
    return ""


def _by_verdict(account: RunState) -> str:
    """The headline of a run that changed nothing on a VM that is not off by evidence, or ""."""
    lives = account.verdict is VerdictValue.ALIVE
    if account.verdict is VerdictValue.OFF or not account.over_vm:
        return ""
    if account.outcome is RunOutcome.PLANNED:
        life = "The process LIVES." if lives else "Nothing shows whether the process lives."
        if lives and account.rests_on == "assumed":
            life = "It is assumed that the process lives."
        return f"{_HEADLINES[account.outcome]} {life}"
    return ""


def _where(account: RunState) -> str:
    by = f" by {account.interrupted_by}" if account.interrupted_by else ""
    if account.lost:
        return "Its folder was found without a journal, so nobody knows how far it came."
    if not account.results and not account.running:
        return f"Nothing was begun: it stopped{by} before its first step."
    return (
        f"It stopped{by} in step {account.running!r}."
        if account.running
        else f"It stopped{by} between steps."
    )


def _after_interruption(account: RunState) -> str:
    if account.lost:
        return (
            "Nobody knows whether it has sent something. Read the status row and the node before anything "
            "else; do not power the VM on yet."
        )
    if account.acting_calls and account.verdict is VerdictValue.OFF:
        return "A changing call was sent, and fresh evidence that was read after it says that the VM is off."
    if account.acting_calls and account.verdict is VerdictValue.ALIVE:
        return (
            "A changing call was sent, and the readings after it show that the process LIVES. Do not power "
            "the VM on anywhere; end the process at its node, and call the vendor."
        )
    if account.acting_calls:
        return (
            "A changing call was sent or may have been. Read the status row and the node before anything "
            "else; do not power the VM on yet."
        )
    if not account.opened or account.torn:
        lost = "has no first line" if not account.opened else "was cut off in its last line"
        return (
            f"No changing call was sent that its journal holds, and that {lost}. Read the status row and the "
            "node before it is run again."
        )
    return "No changing call was sent. It can be run again."
