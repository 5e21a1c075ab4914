"""A step in one line with its key fact, which unfolds to its evidence. For cards and saved notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.views.badges import badge_of
from vergeos_nb.views.bundle import rendered, static_view

LONGEST = 110
DIGEST_SHOWN = 12


def folded(number: int, result: StepResult) -> str:
    """A step that has ended, as HTML that can be unfolded by mouse and keyboard."""
    return rendered(
        "fold",
        number=number,
        title=result.title,
        result=result,
        facts=key_facts_of(result),
        badge=badge_of(result),
        evidence=Markup(static_view(result)["text/html"]),
    )


def line(number: int, title: str, sign: str, word: str) -> str:
    """A step that has not ended, in one line of HTML."""
    return rendered("fold", number=number, title=title, sign=sign, word=word, result=None)


def static(shown: str, text: str) -> dict[str, str]:
    """The bundle that a saved notebook keeps of a card. It is hidden beside the live card."""
    html = rendered("static", shown=Markup(shown))
    return {"text/html": html, "text/plain": text}


def key_facts_of(result: StepResult) -> Sequence[str]:
    """The most important facts of a step that has ended, for one line."""
    facts = result.facts
    vm = facts.get("vm")
    if result.outcome is StepOutcome.PASSED:
        if isinstance(vm, Mapping):
            return (str(vm.get("name")), f"VM key {vm.get('key')}", f"machine {vm.get('machine')}")
        if facts.get("status_key") is not None:
            return (f"status key {facts['status_key']}",)
        if facts.get("plan_digest") is not None:
            return (_approved(facts), f"plan {str(facts['plan_digest'])[:DIGEST_SHOWN]}…")
        if facts.get("cloud_name"):
            kind = "SIMULATED" if facts.get("simulated") else "REAL"
            return (kind, f"cloud {facts['cloud_name']}", f"VergeOS {facts.get('version')}")
    if result.outcome is StepOutcome.FAILED and facts.get("opens") and facts.get("next"):
        # The badge says that the method had no effect. The line says what comes next.
        return (f"{_without_effect(result)}. Next: {facts['next']}.",)
    if facts.get("healthy"):
        return (_short(result.summary), "△ It looks healthy: is it the VM you mean?")
    return (_short(result.summary),)


def _without_effect(result: StepResult) -> str:
    stuck = result.facts.get("verdict") == result.facts.get("verdict_before") == VerdictValue.OFF.value
    return "No effect" if stuck else _short(result.summary)


def _approved(facts: Mapping[str, Any]) -> str:
    approval = facts.get("approval")
    return f"approved by {approval.get('approver')}" if isinstance(approval, Mapping) else "not approved"


def _short(summary: str) -> str:
    """The first sentence, cut at a word."""
    first = summary.split("\n")[0]
    first = first.split(". ")[0].removesuffix(".")
    return first if len(first) <= LONGEST else f"{first[:LONGEST].rsplit(' ', 1)[0]} …"
