"""``vergeos-nb fleet apply``, ``fleet resume`` and ``fleet status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from vergeos_nb import settings
from vergeos_nb.cli.commands import Asking, Command
from vergeos_nb.cli.fleet_group.fleet_table import FleetTable
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.cli.run_warning import warning
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock, iso
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.fleet.crew import Crew
from vergeos_nb.fleet.fleet_session import Ended, FleetSession
from vergeos_nb.fleet.fleet_steps import states_table
from vergeos_nb.fleet.plan import FleetPlan, approval_of, find_plan
from vergeos_nb.fleet.progress import Where, progress, runs_of
from vergeos_nb.fleet.system import FleetSystem, open_system
from vergeos_nb.journal.header import this_user
from vergeos_nb.procedure.engine.system_identity import in_words
from vergeos_nb.procedure.values.step_tables import FLEET_RUN
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.runner.stopping import Stop
from vergeos_nb.session.run_lease import stop_wanted
from vergeos_nb.views.badges import signed_outcome, signed_verdict

operator_option = click.option("--operator", help="Who runs this. [default: the user]")
scheduler_option = click.option(
    "--scheduler", metavar="tcp://…", help="A Dask scheduler whose workers do the runs."
)


@click.command(cls=Command)
@click.argument("digest")
@operator_option
@scheduler_option
@outputs_option
@json_option
def apply(digest: str, **options: Any) -> int:
    """Apply an approved plan: one VM, then two, four, … up to the limit."""
    return _apply(digest, resume=False, go_on=False, **options)


@click.command(cls=Command)
@click.argument("digest")
@click.option("--go-on", is_flag=True, help="Do not count earlier failures towards the limit.")
@operator_option
@scheduler_option
@outputs_option
@json_option
def resume(digest: str, **options: Any) -> int:
    """Continue a fleet run that was stopped or killed. Nothing is sent twice."""
    return _apply(digest, resume=True, **options)


def _apply(
    digest: str,
    *,
    resume: bool,
    go_on: bool,
    operator: str | None,
    scheduler: str | None,
    outputs: Path,
    output: Output,
) -> int:
    clock, archive, who = SystemClock(), outputs.absolute(), operator or this_user()
    wanted = find_plan(archive, digest)
    named = str(wanted.options["profile"])
    stop, shown = Stop(None), FleetTable(output, wanted)
    with ExitStack() as stack:
        stack.enter_context(stop.listening())
        system = stack.enter_context(open_system(settings.load_profile(named), clock))
        _same_system(wanted, system)
        secrets = (*settings.secrets_of(system.profile), *system.reader.wire.secrets)
        session = FleetSession(
            outputs=archive,
            plan=wanted,
            operator=who,
            profile=named,
            clock=clock,
            scrubber=Scrubber(secrets),
            workers=lambda journal: _crew(system, wanted, archive, scheduler, who),
            wants_stop=lambda: stop.reason,
            on_change=shown.show,
            scheduler=scheduler or "",
        )
        ended = session.run(resume=resume, go_on=go_on)
    return _told(ended, wanted, output)


def _crew(system: FleetSystem, wanted: FleetPlan, archive: Path, scheduler: str | None, who: str) -> Any:
    def secrets() -> Sequence[str]:
        return (*settings.secrets_of(system.profile), *system.reader.wire.secrets)

    if scheduler:
        # Dask is an optional dependency.
        from vergeos_nb.fleet.dask_crew import DaskCrew

        policy, most = settings.load_policy(), wanted.limits.at_once

        def wants_stop() -> str:
            return stop_wanted(policy, archive)

        return DaskCrew(scheduler, most, system.leases_of, who, archive, system.clock, secrets, wants_stop)
    connect, upcoming = system.connect(wanted.vms), system.reader.upcoming
    return Crew(wanted.limits.at_once, connect, system.clock, secrets, upcoming, outputs=archive)


def _same_system(wanted: FleetPlan, system: FleetSystem) -> None:
    planned = wanted.plan.content["system"]
    if planned != dict(system.told):
        raise Refused(
            f"applying the fleet plan {wanted.digest[:12]}…",
            f"it is for {in_words(planned)}, and {in_words(system.told)} answers",
            "make a plan for the system that you mean",
        )


def _told(ended: Ended, wanted: FleetPlan, output: Output) -> int:
    summary = summary_of(ended.account)
    output.block(_grid(wanted, ended.states))
    output.line()
    output.line(str(summary.badge))
    output.line(summary.headline)
    if summary.next_step:
        output.line(f"What to do: {summary.next_step}")
    output.line(f"  record  {ended.folder}")
    for trouble in ended.trouble:
        output.block(f"NO RECORD: {trouble}")
    code = RecordError.exit_code if ended.trouble else ended.account.exit_code
    output.result(
        {
            "plan_digest": wanted.digest,
            **ended.account.end.as_dict(),
            "exit_code": code,
            "record": str(ended.folder),
            "vms": _rows(wanted, ended.states),
            **warning(ended.account),
        }
    )
    return code


@click.command(cls=Asking)
@click.argument("digest")
@outputs_option
@json_option
def status(digest: str, outputs: Path, output: Output) -> int:
    """Show the state of each VM of a plan. Reads the archive and asks no system."""
    archive = outputs.absolute()
    wanted = find_plan(archive, digest)
    states = progress(archive, digest)
    runs = runs_of(archive, digest)
    given = approval_of(archive, digest)
    output.block(_grid(wanted, states))
    output.line()
    output.line(f"  approved  {f'by {given.approver} until {iso(given.until)}' if given else 'by nobody'}")
    for run in runs:
        output.line(f"  run       {run}")
    counts = {where.value: 0 for where in Where}
    for vm in wanted.vms:
        counts[states[vm.key].where.value if vm.key in states else Where.WAITING.value] += 1
    output.result(
        {
            "plan_digest": digest,
            "approved_by": given.approver if given else None,
            "runs": [str(run) for run in runs],
            "counts": counts,
            "vms": _rows(wanted, states),
            "exit_code": 0,
        }
    )
    return 0


def _rows(wanted: FleetPlan, states: Mapping[int, Any]) -> list[dict[str, Any]]:
    names = [name for name, _ in FLEET_RUN.columns]
    return [dict(zip(names, row, strict=True)) for row in states_table(wanted, states).rows]


def _grid(wanted: FleetPlan, states: Mapping[int, Any]) -> str:
    names = ("name", "vm_key", "node", "where", "outcome", "verdict", "because")
    rows = []
    for row in _rows(wanted, states):
        row["outcome"] = signed_outcome(row["outcome"], row["verdict"])
        row["verdict"] = signed_verdict(row["verdict"])
        rows.append([row[name] for name in names])
    return table(names, rows)
