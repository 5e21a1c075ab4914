"""A snapshot before the first forceful method, if it was asked for.

Traps of the API: the request takes the *machine* key. Without ``expires`` a snapshot lives 72 hours (measured
by the vendor, pyvergeos issue 146). ``quiesce`` needs a guest agent, which does not answer in a hung VM.
"""

from __future__ import annotations

from vergeos_nb.clock import iso
from vergeos_nb.errors import ApiError, Conflict, InvalidValue
from vergeos_nb.procedure.approval.gate import closed, not_approved
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.steps.sending import refused, send_once
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_tables import FACTS
from vergeos_nb.vergeos.rows import Snapshot

DAY_S = 86_400
# A row is visible two seconds after the answer (PSVergeOS and pyvergeos wait that long).
APPEARS_WITHIN_S = 10.0


def take_snapshot(case: Case) -> Draft:
    """Take a snapshot and look whether it exists. A failure closes the next steps only if it is required."""
    options = case.force_options()
    if case.off_since:
        return _left_out("the VM is off already")
    if (end := not_approved(case)) is not None:
        return end
    if not options.snapshot:
        return _left_out("it was not asked for (parameter snapshot)")
    vm = case.known_vm()
    asked = f"taking a snapshot of VM {vm.name!r}"
    if (no := closed(case, asked)) is not None:
        return no
    name = snapshot_name_for(case.now.started if case.now else None)
    if "snapshot" not in case.sent:
        expires = _expires(case)
        sent = send_once(
            case,
            "snapshot",
            "snapshot",
            lambda: case.platform.create_snapshot(vm.machine, name, expires, DESCRIPTION),
            look_after=(Conflict, InvalidValue),
        )
        if (no := refused(sent)) is not None:
            return _without(case, no)
        if isinstance(sent.error, Conflict | InvalidValue):
            said = sent.error.came_back
            case.note(f"the platform did not take it ({said}); is there one of this name?")
    found = _appeared(case, name)
    if found is None:
        gone = f"no snapshot {name!r} has appeared within {APPEARS_WITHIN_S:g} s"
        missing = ApiError(asked, gone, "look at the machine's snapshots in the VergeOS UI")
        return _without(case, ended_by(missing, sent=True))
    until = iso(found.expires) if found.expires else "for ever"
    table = FACTS.table(("snapshot", str(found.key)), ("name", found.name), ("kept until", until))
    return Draft(
        StepOutcome.PASSED,
        f"Snapshot {found.key} of machine {vm.machine} is there until {until}. It holds disks, not memory.",
        "",
        (table,),
        {"sent": True, "snapshot": found.key},
    )


def _left_out(why: str) -> Draft:
    return Draft(StepOutcome.SKIPPED, f"No snapshot: {why}.", facts={"opens": True, "sent": False})


DESCRIPTION = "taken before the VM was forced off"


def snapshot_name_for(started: int | None) -> str:
    """A name from the VM's start time, so that a second run finds the snapshot of the first."""
    return f"before-force-off-{started or 0}"


def _expires(case: Case) -> int:
    return int(case.server_clock(case.clock.now()) + case.force_options().snapshot_days * DAY_S)


def _appeared(case: Case, name: str) -> Snapshot | None:
    end = case.clock.monotonic() + APPEARS_WITHIN_S
    while True:
        try:
            rows = case.platform.snapshots_named(case.machine(), name)
        except ApiError as error:
            case.note(f"looking for the snapshot failed: {error.came_back}")
        else:
            if rows:
                return rows[0]
        if case.clock.monotonic() >= end:
            return None
        case.clock.sleep(min(1.0, case.options.poll_s))


def _without(case: Case, draft: Draft) -> Draft:
    """The end of a step without a snapshot. It closes the next steps only if the snapshot is required."""
    if case.force_options().snapshot_required:
        return draft
    return Draft(
        draft.outcome,
        draft.summary,
        f"Going on without it (snapshot_required is false). {draft.next_step}",
        draft.tables,
        {**draft.facts, "opens": True},
        draft.error,
    )
