"""The standard methods, Power Off and Kill Power: send, watch, and judge by evidence.

The next method is allowed only if evidence of this run shows that this one failed, or if a person attests
that it was tried. After a method that worked, the later ones do nothing.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import Literal

from vergeos_nb.errors import (
    Conflict,
    Refused,
    StillAlive,
    Unanswered,
    VerdictUnknown,
    VergeNbError,
)
from vergeos_nb.parameters import RUNGS, Rung
from vergeos_nb.procedure.approval.gate import closed, not_approved
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.steps.sending import Sent, refused, send_once
from vergeos_nb.procedure.steps.watching import Watch
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue

NAMES = {"poweroff": "Power Off", "kill": "Kill Power", "override": "the status override"}

# Assumption: when the process is gone, the platform updates its row within this time or not at all. While the
# process lives, a method gets its whole wait.
ROW_FOLLOWS_S = 10.0


def power_off(case: Case) -> Draft:
    """Ask the guest to shut down, and watch."""
    return _rung(case, "poweroff", case.force_options().poweroff_wait_s)


def kill_power(case: Case) -> Draft:
    """End the process at once, as if the plug were pulled, and watch."""
    return _rung(case, "kill", case.force_options().kill_wait_s)


def off_already(case: Case) -> Draft | None:
    """The end of a step if an earlier method worked; or None. Nothing is sent, so no approval is needed."""
    if not case.off_since:
        return None
    return Draft(
        StepOutcome.NOTHING_TO_DO,
        f"Nothing to do: the VM is off since {NAMES[case.off_since]}.",
        facts={"opens": True, "sent": False},
    )


def beyond(case: Case, rung: Rung) -> Draft | None:
    """The end of a step that is outside ``start_at`` to ``up_to``; otherwise None."""
    options = case.force_options()
    if RUNGS.index(rung) < RUNGS.index(options.start_at):
        return Draft(
            StepOutcome.SKIPPED,
            f"Not tried here. {case.operator} attests: {options.attest}",
            "; ".join(case.contradictions),
            facts={"opens": True, "sent": False, "attested": options.attest},
        )
    if RUNGS.index(rung) > RUNGS.index(options.up_to):
        asked = f"going on to {NAMES[rung]}"
        came = f"this run may go no further than {NAMES[options.up_to]}; {_so_far(case)}"
        hint = f"look at the evidence; to go on, plan again with up_to={rung}"
        alive = case.verdict is not None and case.verdict.value is VerdictValue.ALIVE
        error: VergeNbError = StillAlive(asked, came, hint) if alive else Refused(asked, came, hint)
        return ended_by(error, sent=False)
    return None


def _so_far(case: Case) -> str:
    """What the newest evidence shows after the methods so far."""
    return {
        VerdictValue.OFF: "the process is gone, and the row does not say stopped",
        VerdictValue.ALIVE: "the process lives",
        VerdictValue.UNKNOWN: "nothing shows whether the process is gone",
    }[case.verdict.value if case.verdict is not None else VerdictValue.UNKNOWN]


def _rung(case: Case, rung: Literal["poweroff", "kill"], wait_s: float) -> Draft:
    if (end := off_already(case) or not_approved(case) or beyond(case, rung)) is not None:
        return end
    vm = case.known_vm()
    asked = f"sending {NAMES[rung]} to VM {vm.name!r}"
    if rung in case.sent:
        return _watched(case, rung, wait_s, "sent earlier in this run, and not again")
    if (no := closed(case, asked)) is not None:
        return no
    if case.now is not None and not case.now.running:
        return Draft(
            StepOutcome.NOTHING_TO_DO,
            f"{NAMES[rung]} was not sent: the row says {case.now.status} by now. Confirm looks for evidence.",
            facts={"opens": True, "sent": False},
        )
    sent = send_once(
        case,
        rung,
        rung,
        lambda: case.platform.vm_action(vm.key, rung),
        # The platform says that the VM is not running. That is not evidence, so watch anyway.
        look_after=(Conflict,),
    )
    if (no := refused(sent)) is not None:
        return no
    return _watched(case, rung, wait_s, _answer(sent))


def _answer(sent: Sent[None]) -> str:
    """The platform's answer to a request whose effect is watched, in words."""
    error = sent.error
    if error is None:
        return "accepted"
    if isinstance(error, Conflict):
        return f"answered {error.status}: {error.came_back}"
    how = "sent, unanswered" if isinstance(error, Unanswered) else "answered with an error"
    return f"{how}: {error.came_back}; it may have been carried out"


def _watched(case: Case, rung: Literal["poweroff", "kill"], wait_s: float, answer: str) -> Draft:
    watch = Watch(case, forgets=True)
    before = case.verdict.value if case.verdict is not None else VerdictValue.UNKNOWN
    gone_at: float | None = None
    looks_again = False
    while True:
        stop = watch.read()
        if watch.off():
            case.off_since = rung
            summary = f"{NAMES[rung]} ({answer}) worked: the row says stopped, and the process is gone."
            return watch.draft(StepOutcome.PASSED, summary)
        if stop:
            error: VergeNbError = Refused(
                f"waiting for {NAMES[rung]}",
                f"{stop} says stop",
                "nothing more is sent in this run; when the stop is no longer needed, begin a new run",
            )
            return watch.ended_by(error)
        if gone_at is None and watch.verdict.value is VerdictValue.OFF:
            watch.rest()
        if watch.verdict.value is not VerdictValue.OFF:
            gone_at = None
        elif gone_at is None:
            gone_at = watch.elapsed
        if watch.elapsed >= (wait_s if gone_at is None else min(gone_at + ROW_FOLLOWS_S, wait_s)):
            if looks_again or not watch.may_show_life_before_the_order():
                break
            looks_again, wait_s = True, ceil(watch.elapsed + case.gap_s)
        ends_s, why = wait_s, _awaited(rung, watch.verdict.value)
        if gone_at is not None:
            ends_s, why = gone_at + ROW_FOLLOWS_S, "the process is gone, and the row should follow"
        watch.pause(f"{NAMES[rung]}: {watch.elapsed:.0f} of {wait_s:g} s", wait_s, why, ends_s)
    watch.rest()
    if watch.trouble:
        error = VerdictUnknown(
            f"waiting for {NAMES[rung]} ({answer})",
            watch.trouble,
            "nothing shows that it failed, so nothing more is sent; look at the VM, and begin a new run",
        )
        return replace(watch.ended_by(error), outcome=StepOutcome.UNKNOWN)
    case.verdict, case.samples = watch.verdict, watch.judged()
    return watch.draft(
        StepOutcome.FAILED,
        _without_effect(case, rung, before, watch, answer),
        opens=True,
        verdict_before=before.value,
        next=_next(case, rung, watch.verdict),
    )


def _awaited(rung: Literal["poweroff", "kill"], verdict: VerdictValue) -> str:
    """What the run waits for while the process is not known to be gone, in words."""
    if verdict is not VerdictValue.ALIVE:
        return "nothing shows yet whether the process is gone"
    if rung == "kill":
        return "the process lives, and should end"
    return "the process lives, and the guest may still shut down"


def _without_effect(case: Case, rung: Rung, before: VerdictValue, watch: Watch, answer: str) -> str:
    """What it means that a method had no effect, by the evidence before and after it, and the next step."""
    name, after = NAMES[rung], watch.verdict.value
    waited = f"Waited {watch.elapsed:.0f} s"
    if after is VerdictValue.ALIVE:
        assumed = watch.verdict.only_assumed_life
        lives = (
            "did not end the process, as far as its record tells"
            if assumed
            else "did not end the process: it lives"
        )
        said, waited = f"{name} {lives}.", f"{waited}."
    elif after is VerdictValue.UNKNOWN:
        said = f"Nothing shows whether {name} had an effect."
        waited = f"{waited}: nothing shows whether the process is gone."
    else:
        waited = f"{waited}: the process is gone, and the row does not follow."
        said = (
            f"{name} had no effect, as expected of a stuck VM."
            if before is VerdictValue.OFF
            else f"After {name} the process is gone, but the row still says that it runs."
        )
    told = "" if answer == "accepted" else f" The request: {answer}."
    return f"{said} Next: {_next(case, rung, watch.verdict)}. ({waited}){told}"


def _next(case: Case, rung: Rung, verdict: Verdict) -> str:
    """The next step after a method that did not change the row."""
    options = case.force_options()
    if rung == options.up_to:
        return f"nothing in this run, which goes no further than {NAMES[rung]}"
    if rung == "poweroff":
        return NAMES["kill"]
    if verdict.value is VerdictValue.ALIVE and not verdict.only_assumed_life:
        return "end the process at its node; Force power off stays closed while it lives"
    asked_for = not case.over_assumed_life if verdict.only_assumed_life else not options.assertion
    if verdict.value is not VerdictValue.OFF and asked_for:
        return "make sure at the node; Force power off needs what you found there (parameter assertion)"
    return "Force power off"
