"""The finding of a step or a run: one word, from its outcome and its verdict together. Pure.

An outcome says how a step ended. A verdict says what it found. They are never shown apart. Signs, words and
colours of cards, pages, tables and pictures all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from vergeos_nb.procedure.values.outcomes import RunOutcome, StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.votes import VerdictValue


class Kind(StrEnum):
    """The kinds of findings. Each has its own sign and pair of colours; only the first two are green."""

    OFF = "off"  # off, by evidence
    PASSED = "passed"  # a reading that found what was expected
    ALIVE = "alive"
    UNKNOWN = "unknown"
    LOOK = "look"  # nothing failed, but a person should look at something
    SENT = "sent"  # a request was accepted, and its effect is not checked yet
    NEUTRAL = "neutral"  # nothing was done
    REFUSED = "refused"
    FAILED = "failed"


class Finding(Struct, frozen=True):
    """A kind, and its words for this step or run."""

    kind: Kind
    word: str


_BY_VERDICT = {
    VerdictValue.OFF: Kind.OFF,
    VerdictValue.ALIVE: Kind.ALIVE,
    VerdictValue.UNKNOWN: Kind.UNKNOWN,
}
# Steps of a fleet run that send through the VMs' own runs. Those runs hold the results.
_SENDING = ("apply", "settle")
# The finding of a run that is over no VM, if one of its steps found it.
_WORST = (Kind.UNKNOWN, Kind.ALIVE, Kind.LOOK)


def of_result(result: StepResult) -> Finding:
    """The finding of a step."""
    return of_step(result.step, result.outcome, result.facts, result.next_step)


def of_step(step: str, outcome: StepOutcome, facts: Mapping[str, Any], next_step: str = "") -> Finding:
    """The finding of a step, from its journal line; also from lines of older versions."""
    verdict = _verdict_in(facts)
    match outcome:
        case StepOutcome.PASSED:
            return _passed(step, facts, next_step) if verdict is None else _judged(_way(facts), verdict)
        case StepOutcome.NOTHING_TO_DO:
            if verdict is None:
                return Finding(Kind.NEUTRAL, "nothing to do")
            known = verdict is not VerdictValue.UNKNOWN
            return _judged("nothing to do" if known else "", verdict)
        case StepOutcome.FAILED:
            return _failed(facts, verdict)
        case StepOutcome.REFUSED:
            if verdict is VerdictValue.ALIVE:
                return _judged("refused", verdict)
            return Finding(Kind.REFUSED, "refused")
        case StepOutcome.UNKNOWN:
            if verdict is VerdictValue.ALIVE:
                return _judged("not settled", verdict)
            return _judged("", VerdictValue.UNKNOWN)
        case StepOutcome.SKIPPED:
            return Finding(Kind.NEUTRAL, "skipped")


def of_run(outcome: RunOutcome, verdict: VerdictValue | None, found: Sequence[Finding] = ()) -> Finding:
    """The finding of a run. Its word is its outcome, and the verdict if there is one.

    Args:
        verdict: on its VM; None if the run is over no single VM.
        found: the findings of its steps; they count if there is no verdict.
    """
    word = outcome.value if verdict is None else f"{outcome} · verdict {verdict}"
    if outcome in (RunOutcome.UNKNOWN, RunOutcome.INTERRUPTED):
        return Finding(Kind.ALIVE if verdict is VerdictValue.ALIVE else Kind.UNKNOWN, word)
    if verdict is VerdictValue.ALIVE:
        return Finding(Kind.ALIVE, word)
    if outcome is RunOutcome.REFUSED:
        return Finding(Kind.REFUSED, word)
    if outcome is RunOutcome.FAILED:
        return Finding(Kind.FAILED, word)
    if verdict is not None:
        return Finding(_BY_VERDICT[verdict], word)
    worst = sorted((one for one in found if one.kind in _WORST), key=lambda one: _WORST.index(one.kind))
    return Finding(worst[0].kind, f"{word} · {worst[0].word}") if worst else Finding(Kind.PASSED, word)


def of_run_words(outcome: object, verdict: object) -> Finding:
    """The finding of a run, from the words in a table or the ledger. Unknown words are allowed."""
    try:
        return of_run(RunOutcome(str(outcome)), VerdictValue(str(verdict or "unknown")))
    except ValueError:
        return Finding(Kind.NEUTRAL, " · ".join(str(word) for word in (outcome, verdict) if word))


def of_verdict(verdict: object) -> Finding:
    """The kind of a verdict alone; an unknown word is neutral."""
    try:
        return _judged("", VerdictValue(str(verdict)))
    except ValueError:
        return Finding(Kind.NEUTRAL, str(verdict or ""))


def _judged(before: str, verdict: VerdictValue) -> Finding:
    loud = verdict.value.upper()
    return Finding(_BY_VERDICT[verdict], f"{before} · {loud}" if before else loud)


def _way(facts: Mapping[str, Any]) -> str:
    if facts.get("plan_digest") is None:
        return ""
    return "approved" if facts.get("approval") else "planned"


def _passed(step: str, facts: Mapping[str, Any], next_step: str) -> Finding:
    """A step that passed, and judged no VM."""
    if facts.get("plan_digest") is not None:
        return Finding(Kind.NEUTRAL, _way(facts))
    # A snapshot was found by reading. Every other change is checked by Confirm.
    if (facts.get("sent") and not facts.get("snapshot")) or step in _SENDING:
        return Finding(Kind.SENT, "sent" if facts.get("sent") else "ended")
    if unknown := _count(facts.get("unknown")) or _count(facts.get("open_ends")):
        return Finding(Kind.UNKNOWN, f"{unknown} UNKNOWN")
    if alive := _count(facts.get("alive")):
        return Finding(Kind.ALIVE, f"{alive} ALIVE")
    suggestions = facts.get("suggestions")
    if isinstance(suggestions, Mapping) and (some := sum(map(_count, suggestions.values()))):
        return Finding(Kind.LOOK, "1 wants a look" if some == 1 else f"{some} want a look")
    if next_step:
        return Finding(Kind.LOOK, "with a warning")
    return Finding(Kind.PASSED, "passed")


def _failed(facts: Mapping[str, Any], verdict: VerdictValue | None) -> Finding:
    opens = bool(facts.get("opens"))
    if verdict is VerdictValue.ALIVE:
        return _judged("did not end it" if opens else "", verdict)
    if opens and verdict is VerdictValue.UNKNOWN:
        return _judged("no effect seen", verdict)
    if opens and verdict is VerdictValue.OFF:
        # A method has no effect on a VM whose process is gone already, and that is expected.
        stuck = facts.get("verdict_before") == VerdictValue.OFF.value
        return Finding(Kind.LOOK, "no effect" if stuck else "row not stopped")
    return Finding(Kind.FAILED, "failed")


def _verdict_in(facts: Mapping[str, Any]) -> VerdictValue | None:
    told = facts.get("verdict")
    try:
        return None if told is None else VerdictValue(told)
    except ValueError:
        return VerdictValue.UNKNOWN


def _count(value: Any) -> int:
    if isinstance(value, list | tuple):
        return len(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
