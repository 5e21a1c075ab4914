"""What must hold after a run, whatever happened to it on the way."""

from __future__ import annotations

from typing import Any

from tests.rehearsal import BESIDE, LADDER, Rehearsal
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.values.outcomes import RunOutcome
from vergeos_nb.procedure.values.votes import VerdictValue

# The whole ladder with waits that are just long enough to tell a dead process from a living one.
BRIEF: dict[str, Any] = {
    **LADDER,
    "poweroff_wait_s": 0.5,
    "kill_wait_s": 2.5,
    "sample_gap_s": 1.1,
    "settle_s": 1.0,
    "confirm_timeout_s": 8.0,
    "poll_s": 1.0,
}

Rows = dict[tuple[str, Any], dict[str, Any]]
LOGS = ("machine_logs", "logs")


def rows_of_others(run: Rehearsal, vm: int) -> Rows:
    """Every stored row that is not this VM's own."""
    world = run.sim.world
    mine = world.vm(vm)
    own = {("vms", mine.key), ("machines", mine.machine), ("machine_status", mine.status)}
    return {
        (table, key): dict(row)
        for table, rows in world.tables.items()
        for key, row in rows.items()
        if (table, key) not in own and table not in (*LOGS, *BESIDE)
    }


def broken_promises(
    run: Rehearsal, account: RunState, vm: int, before: Rows, *, lived: bool = True
) -> list[str]:
    """What does not hold, in words: nothing, if all is well.

    Args:
        vm: the VM that the run was about.
        before: the rows of all others before the run.
        lived: whether its process was alive then: one that ends during the run may have been seen alive.
    """
    wrong = []
    verdict = account.verdict
    alive = run.sim.process_alive(vm)
    if verdict is VerdictValue.OFF and alive:
        wrong.append("off is said over a living process")
    if verdict is VerdictValue.ALIVE and not (alive or lived):
        wrong.append("alive is said over a dead process")
    wrong += codes_that_do_not_fit(account)
    wrong += calls_that_differ(run, account, vm)
    after = rows_of_others(run, vm)
    # A snapshot adds rows of its own.
    if changed := [row for row in before if after.get(row) != before[row]]:
        wrong.append(f"rows of others were changed: {changed}")
    return wrong


def codes_that_do_not_fit(account: RunState) -> list[str]:
    """An exit code that does not go with outcome and verdict."""
    verdict, outcome, code = account.verdict, account.outcome, account.exit_code
    proven = verdict is VerdictValue.OFF and outcome in (RunOutcome.DONE, RunOutcome.NOTHING_TO_DO)
    fits = {
        0: proven or outcome is RunOutcome.PLANNED,
        3: outcome is RunOutcome.REFUSED,
        4: outcome in (RunOutcome.REFUSED, RunOutcome.FAILED),
        5: outcome is RunOutcome.REFUSED,
        6: verdict is VerdictValue.ALIVE and outcome in (RunOutcome.REFUSED, RunOutcome.FAILED),
        7: verdict is VerdictValue.UNKNOWN or outcome in (RunOutcome.INTERRUPTED, RunOutcome.UNKNOWN),
        8: outcome is RunOutcome.FAILED,
        9: outcome is RunOutcome.FAILED,
    }
    if proven and code != 0:
        return [f"exit code {code} although it is proven off"]
    return [] if fits.get(code) else [f"exit code {code} with {outcome}, {verdict}"]


def calls_that_differ(run: Rehearsal, account: RunState, vm: int) -> list[str]:
    """Where the record and the wire do not agree, or a call was made that the plan does not name."""
    wrong = []
    wire = run.changes()
    kinds = [(method, path, body.get("action")) for method, path, body in wire]
    if len(set(kinds)) != len(kinds):
        wrong.append(f"sent twice: {kinds}")
    if strange := [one for one in wire if one not in run.rungs(vm) and one[1] not in BESIDE]:
        wrong.append(f"not planned: {strange}")
    told = [
        (call.method, call.path.removeprefix("/api/v4/"), dict(call.body or {}))
        for call in account.changing_calls
        if not (call.exchange and call.exchange.error.startswith("NotConnected"))
    ]
    if told != wire:
        wrong.append(f"recorded {told}, on the wire {wire}")
    answers = [call.exchange.status if call.exchange else None for call in account.changing_calls]
    given = [entry.status for entry in run.sim.changing_requests() if not run.from_others(entry)]
    if any(a is not None and a != g for a, g in zip(answers, given, strict=False)):
        wrong.append(f"recorded answers {answers}, given {given}")
    return wrong
