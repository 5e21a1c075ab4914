"""``vergeos-nb stuck``: the fleet in a few calls, and what to do next, as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.client.whole_tables.listing import looks_stuck
from vergeos_nb.clock import SystemClock, iso
from vergeos_nb.errors import UsageError
from vergeos_nb.layout import PAGE
from vergeos_nb.procedure.evidence.triage import RANK, wanting
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.runbooks.find_stuck_vms import FleetCase
from vergeos_nb.procedure.values.step_tables import TRIAGE
from vergeos_nb.record.record_folder import new_folder
from vergeos_nb.session.run import Run
from vergeos_nb.vergeos.rows import Columns
from vergeos_nb.views.badges import signed_verdict
from vergeos_nb.words import counted, did_you_mean

RUNBOOK = "find_stuck_vms"
# With more, the first ones would scroll off the screen.
MOST_AT_FIRST = 20
NAMES = tuple(name for name, _ in TRIAGE.columns)
SHOWN = ("name", "suggestion", "verdict", "status", "for_s", "node", "node_state", "heartbeat_s", "counters")


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to read.")
@click.option("--gap", metavar="SECONDS", help="Seconds between the two readings. [default: 5]")
@click.option("--name", help="Only VMs of this name; * and ? are wildcards.")
@click.option("--node", help="Only VMs on this node.")
@click.option("--status", help="Only VMs with this status in their row.")
@click.option("--suggestion", help="Only VMs with this next step: override, kill, poweroff, look, …")
@click.option("--verdict", help="Only VMs with this verdict: off, alive or unknown.")
@click.option("--ha-group", help="Only VMs in this HA group.")
@click.option("--sort", metavar="COLUMN", help="Sort by a column; -COLUMN from the largest.")
@click.option("--all", "everything", is_flag=True, help="Also list VMs that are not stuck.")
@click.option("--csv", is_flag=True, help="Print CSV with all columns: input of `fleet plan`.")
@outputs_option
@json_option
def stuck(
    profile: str,
    gap: str | None,
    sort: str | None,
    everything: bool,
    csv: bool,
    outputs: Path,
    output: Output,
    **wanted: str | None,
) -> int:
    """List the stuck VMs of a whole system. Changes nothing."""
    given = {"profile": profile} | ({"sample_gap_s": gap} if gap is not None else {})
    _check(wanted, sort)
    clock = SystemClock()
    options = read_parameters(RUNBOOK, given)
    folder = new_folder(outputs, RUNBOOK, "all", clock.now())
    book = Run(RUNBOOK, options, folder, finish_here=True, clock=clock)
    _case(book).on_rows = FirstLook(output.progress)
    for step in book.engine.steps:
        ended = book.engine.run(step.id)
        output.progress(f"{ended.title}: {ended.summary}")
    account = book.end()
    found = _case(book).found
    if found is None:
        error = account.decisive.error if account.decisive else None
        output.result({"error": error, "exit_code": account.exit_code, "record": str(folder)})
        return account.exit_code
    positions = chosen(found, wanted, sort, everything)
    rows = [{name: found[name][at] for name in NAMES} for at in positions]
    if csv and not output.as_json:
        output.csv(NAMES, ([_cell(name, row[name]) for name in NAMES] for row in rows))
    elif not output.as_json:
        if rows:
            output.block(table(SHOWN, ([_shown(name, row[name]) for name in SHOWN] for row in rows)))
        else:
            output.line(_none_of(len(found["vm_key"]), everything or any(wanted.values())))
        output.line()
        for reason, names in _reasons(rows).items():
            output.line(f"{len(names)} × {reason}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}")
        output.line(f"  record  {folder}")
        output.line(f"  read    {folder / PAGE}")
    output.result(
        {
            "vms": rows,
            "read": len(found["vm_key"]),
            "record": str(folder),
            "simulated": account.simulated,
            "exit_code": account.exit_code,
        }
    )
    return account.exit_code


def _none_of(read: int, chosen_by_hand: bool) -> str:
    if chosen_by_hand:
        return f"None of {counted(read, 'VM')} fits what was asked for."
    return f"None of {counted(read, 'VM')} wants a look. --all lists them."


class FirstLook:
    """Shows the VMs whose rows look stuck as the pages arrive, before anything is judged."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown = 0

    def __call__(self, rows: Columns) -> None:
        """Show the stuck VMs of a page, while few have been shown."""
        for name, *row in zip(rows["name"], rows["status"], rows["state"], rows["running"], strict=True):
            why = looks_stuck(*row) if self._shown < MOST_AT_FIRST else ""
            if why:
                self._shown += 1
                more = " More are left out here." if self._shown == MOST_AT_FIRST else ""
                self._say(f"  at first look: {name}, {why}; not judged yet.{more}")


def chosen(found: Columns, wanted: Mapping[str, str | None], sort: str | None, everything: bool) -> list[int]:
    """The positions of the chosen VMs, in order.

    Args:
        wanted: a pattern for each column; upper and lower case do not matter.
        sort: a column; with ``-`` before it the largest value is first. None: the most urgent is first.
    """
    positions = wanting(found)
    if everything:
        seen = set(positions)
        positions += [at for at in range(len(found["vm_key"])) if at not in seen]
    for name, pattern in wanted.items():
        if pattern is not None:
            like = pattern.casefold()
            positions = [at for at in positions if fnmatchcase(str(found[name][at]).casefold(), like)]
    if sort is not None:
        name = sort.removeprefix("-")

        def place(at: int) -> Any:
            return RANK[found[name][at]] if name == "suggestion" else found[name][at]

        known = [at for at in positions if found[name][at] is not None]
        missing = [at for at in positions if found[name][at] is None]
        positions = sorted(known, key=place, reverse=sort.startswith("-")) + missing
    return positions


def _check(wanted: Mapping[str, str | None], sort: str | None) -> None:
    if sort is not None and sort.removeprefix("-") not in NAMES:
        raise UsageError(
            "sorting the VMs", f"{sort!r} is no column", did_you_mean(sort.removeprefix("-"), NAMES)
        )
    rung = wanted.get("suggestion")
    if rung is not None and not any(fnmatchcase(word, rung.casefold()) for word in RANK):
        raise UsageError("choosing VMs", f"no suggestion is {rung!r}", did_you_mean(rung, tuple(RANK)))


def _case(book: Run) -> FleetCase:
    case = book.engine.case
    assert isinstance(case, FleetCase)
    return case


def _shown(name: str, value: Any) -> Any:
    return signed_verdict(value) if name == "verdict" else value


def _cell(name: str, value: Any) -> Any:
    return iso(value) if name == "log_at" and value is not None else value


def _reasons(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["suggestion"] != "none":
            reasons.setdefault(f"{row['suggestion']}, {row['reason']}", []).append(str(row["name"]))
    return reasons
