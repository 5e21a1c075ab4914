"""Watch whether a VM stays off after a forced power-off, and at the end power it on if a parameter says so.

HA may restart a VM elsewhere, a colleague may power it on, a process that nobody saw may come back. So the
watch accepts a VM in any state, reads repeatedly, and ends at the first sign of life. One sign of life at any
time makes ``alive``; ``off`` needs fresh evidence of death in the latest readings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from vergeos_nb.clock import iso
from vergeos_nb.errors import ApprovalExpired, AuthError, StillAlive, VerdictUnknown, VergeNbError
from vergeos_nb.parameters import AskedOn, ConfirmingParameters, Seconds
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Ask, Draft, Step, ended_by
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.evidence.witness import when
from vergeos_nb.procedure.steps import previews
from vergeos_nb.procedure.steps.common_steps import CONFIRM, CONNECT, LOCATE, STATUS_KEY, VERIFY, plan_step
from vergeos_nb.procedure.steps.identify import verify
from vergeos_nb.procedure.steps.power_on import ORDER, confirm, make_plan, power_on
from vergeos_nb.procedure.steps.vigil import Vigil, node_of
from vergeos_nb.procedure.steps.watching import stopped
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.vergeos.rows import MOVING
from vergeos_nb.words import counted

# The record holds every call, and a reading takes several calls.
MOST_READINGS = 5000


class WatchAfterPowerOffParameters(ConfirmingParameters):
    """Its parameters, in addition to those of every confirming runbook."""

    minutes: Annotated[float, Field(ge=0, le=10_080, allow_inf_nan=False), AskedOn("watch")] = Field(
        30.0, title="Minutes to watch", description="Minutes that it is watched: 0 to 10080, which is a week."
    )
    every_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False), AskedOn("watch")] = Field(
        30.0, title="Seconds between two readings", description="Seconds between two readings of the watch."
    )
    power_on: Annotated[bool, AskedOn("plan")] = Field(
        False,
        title="Power it on when it has stayed off",
        description="Power it on when it has stayed off; this needs an approval.",
    )
    start_timeout_s: Seconds = Field(
        300.0,
        title="Seconds for the start at most",
        description="Seconds within which it must run properly once it was powered on.",
    )

    @model_validator(mode="after")
    def _watch_fits(self) -> Self:
        if self.approve and not self.power_on:
            raise ValueError("approve: a watch changes nothing; set power_on to true, or leave approve out")
        readings = self.minutes * 60 / self.every_s
        if readings > MOST_READINGS:
            enough = math.ceil(self.minutes * 60 / MOST_READINGS)
            raise ValueError(
                f"every_s: that makes {readings:.0f} readings, at most {MOST_READINGS} fit into a record; "
                f"set it to {enough} or more"
            )
        return self


def verify_any(case: Case) -> Draft:
    """Verify the row, but accept any state, because the watch looks for moves and starts."""
    return verify(case, any_state=True)


def watch(case: Case) -> Draft:
    """Read repeatedly until the time is over, a sign of life appears, or somebody says stop."""
    options, vigil = _options(case), Vigil(case)
    wait_s = options.minutes * 60
    if (late := _approval_ends_first(case, wait_s)) is not None:
        return late
    while True:
        try:
            vigil.read()
        except AuthError as error:
            vigil.trouble = f"the reading failed: {error.came_back}"
            return _ended(case, vigil)
        vigil.note(wait_s)
        if vigil.verdict.value is VerdictValue.ALIVE or not vigil.ours():
            return _ended(case, vigil)
        if vigil.elapsed >= wait_s and _is_clear(vigil):
            return _ended(case, vigil)
        if _never_stopped(vigil) or vigil.elapsed >= wait_s + options.confirm_timeout_s:
            return _ended(case, vigil)
        if stop := vigil.pause(_until_next(vigil, options, wait_s)):
            vigil.trouble = f"{stop} says stop after {vigil.elapsed / 60:.1f} of {options.minutes:g} min"
            return _ended(case, vigil)


def starting(case: Case) -> Sequence[Ask]:
    """The requests of the step if a parameter asks for it: the VM's present state, then the start."""
    return previews.sending("poweron")(case) if _options(case).power_on else []


STEPS: Sequence[Step[Case]] = (
    CONNECT,
    LOCATE,
    STATUS_KEY,
    replace(
        VERIFY,
        why="Is this row your VM's? Any state will do: a restart is what the watch looks for.",
        act=verify_any,
    ),
    Step(
        "watch",
        "Watch",
        "notes",
        "Off now is not off in an hour: HA or a person may start it.",
        watch,
        role="judge",
        verb="Watch",
        requests=previews.watching,
    ),
    plan_step("What would be sent to start it, and who agreed.", make_plan),
    Step(
        "power_on",
        "Power on",
        "notes",
        "Only when asked, approved, and with fresh evidence that it is off.",
        power_on,
        changing=True,
        role="act",
        verb="Do the power-on step for {vm}",
        requests=starting,
        latches=("power_on",),
    ),
    replace(CONFIRM, vendor_step="notes", why="It stayed off, or it started properly.", act=confirm),
)

RUNBOOK = Runbook(
    name="watch_after_power_off", parameters=WatchAfterPowerOffParameters, case=Case, steps=STEPS
)


def _options(case: Case) -> WatchAfterPowerOffParameters:
    assert isinstance(case.options, WatchAfterPowerOffParameters)
    return case.options


def _approval_ends_first(case: Case, wait_s: float) -> Draft | None:
    """Refuse before the wait, and not after it, if the approval would end during the wait."""
    approval = case.approval
    if approval is None or approval.until >= case.clock.now() + wait_s:
        return None
    error = ApprovalExpired(
        f"watching for {wait_s / 60:g} min and then powering on",
        f"the approval ends at {iso(approval.until)}, before the watch does",
        "give a later approve_until, or plan again with fewer minutes and have that plan approved",
    )
    return ended_by(error, sent=False)


def _is_clear(vigil: Vigil) -> bool:
    """Whether another reading would add nothing. Readings that are close together show no silence."""
    unsettled = vigil.trouble or vigil.span < vigil.case.gap_s or vigil.row.status in MOVING
    return not unsettled


def _never_stopped(vigil: Vigil) -> bool:
    """Whether the row has always said running, without a sign of life. Then there is nothing to watch."""
    row = vigil.row
    runs = vigil.first.status.running and row.running and row.status not in MOVING
    return runs and not vigil.trouble and vigil.span >= vigil.case.gap_s


def _until_next(vigil: Vigil, options: WatchAfterPowerOffParameters, wait_s: float) -> float:
    left = wait_s - vigil.elapsed
    if left <= 0 and vigil.trouble:
        return options.poll_s
    if left <= 0 or vigil.hurries:
        return max(options.poll_s, min(vigil.case.gap_s, options.every_s))
    return min(options.every_s, left)


def _ended(case: Case, vigil: Vigil) -> Draft:
    name, verdict = case.known_vm().name, vigil.verdict
    case.verdict, case.samples = verdict, vigil.samples
    tables, facts = vigil.tables(), vigil.facts()
    asked = f"watching that VM {name!r} stays off"
    if verdict.value is VerdictValue.ALIVE:
        said = _came_back(vigil)
        advice = "do NOT power it on; look where it runs, and whether that is the only copy"
        error: VergeNbError = StillAlive(asked, said, advice)
        summary = f"Verdict: alive. {name!r} did not stay off: {said}."
        return Draft(StepOutcome.FAILED, summary, advice, tables, facts, error)
    if vigil.off():
        watched = f"{vigil.elapsed / 60:.1f} min, {counted(vigil.readings, 'reading')}"
        summary = f"Verdict: off. {name!r} stayed off for {watched}"
        gaps = f", {len(vigil.outages)} of the time not readable" if vigil.outages else ""
        return Draft(StepOutcome.PASSED, f"{summary}{gaps}.", "", tables, facts)
    facts = {**facts, "verdict": VerdictValue.UNKNOWN.value}
    case.verdict = Verdict(VerdictValue.UNKNOWN, verdict.votes)
    advice = "do not power it on yet; look at the node itself, then watch again"
    error = VerdictUnknown(asked, _why_unknown(vigil), advice)
    return Draft(StepOutcome.UNKNOWN, f"Verdict: unknown. {error.came_back}.", advice, tables, facts, error)


def _why_unknown(vigil: Vigil) -> str:
    if not vigil.ours():
        return vigil.foreign()
    if vigil.trouble:
        return vigil.trouble
    if not stopped(vigil.row):
        return f"its record does not say stopped: it says {vigil.row.status}, without a fresh sign of life"
    return "the row stays stopped, but no fresh evidence of death came"


def _came_back(vigil: Vigil) -> str:
    """Where the VM lives, since when, and who started it, as far as the row and the log tell."""
    before, row = vigil.first.status, vigil.row
    where = f"row says {row.status}, node {node_of(row)}, started {when(row.started)}"
    for line in vigil.counted_lines():
        if ORDER in line.text:
            return f"it was powered on by {line.user or 'somebody'} at {iso(line.at)} ({where})"
    moved = row.node is not None and before.node is not None and row.node != before.node
    if vigil.started_anew or moved:
        lines = [line for line in vigil.counted_lines() if "restart" in line.text.lower()]
        log = f"; the log says: {lines[-1].text}" if lines else ""
        return f"it was restarted elsewhere, as HA does ({where}{log})"
    return f"it lives ({where}): {vigil.verdict.signs_of_life}"
