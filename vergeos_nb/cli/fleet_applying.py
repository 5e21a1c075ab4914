"""``vergeos-nb fleet``: plan, approve, apply, resume and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.cli.fleet_table import FleetTable
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.cli.run_command import parse_pairs, warning
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock, from_iso, iso
from vergeos_nb.errors import RecordError, Refused, UsageError
from vergeos_nb.fleet import plan as plans
from vergeos_nb.fleet.crew import Crew
from vergeos_nb.fleet.fleet_session import Ended, FleetSession
from vergeos_nb.fleet.fleet_steps import states_table
from vergeos_nb.fleet.plan import FleetPlan, find_plan
from vergeos_nb.fleet.progress import Where, progress, runs_of
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import FleetVm, read_list, resolve, select
from vergeos_nb.fleet.system import FleetSystem, open_system
from vergeos_nb.journal.header import this_user
from vergeos_nb.procedure.engine.system_identity import in_words
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.procedure.values.step_tables import FLEET_RUN
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.runner.stopping import Stop
from vergeos_nb.session.cases import APPROVAL_LASTS_S
from vergeos_nb.session.run_lease import stop_wanted
from vergeos_nb.views.badges import signed_outcome, signed_verdict

# Said by the fleet itself for each VM, or no option of a plan.
NOT_HERE = (
    "vm_name", "vm_key", "approve", "approver", "approve_until", "operator", "expect_cores", "expect_ram_mb",
)  # fmt: skip


def plan(
    source: str | None,
    selector: Mapping[str, str | None],
    pairs: Sequence[str],
    profile: str | None,
    limits: Limits,
    cap: int,
    outputs: str | None,
    output: Output,
) -> int:
    """Choose the VMs, plan for each, and keep one plan for all. Changes nothing. Returns the exit code.

    Args:
        source: a CSV or JSON file of VMs.
        selector: patterns by column, used without a file.

    Raises:
        UsageError: neither or both are given, or a value is not valid.
        Refused: there are more VMs than ``cap``, or none that anything can be planned for.
    """
    asked = "choose VMs"
    wanted = {name: pattern for name, pattern in selector.items() if pattern is not None}
    if source and wanted:
        raise UsageError(asked, "a file and a selector are given", "give one of them.")
    given = parse_pairs(pairs)
    if profile is not None:
        given["profile"] = profile
    for name in NOT_HERE:
        if name in given:
            raise UsageError("read the parameters", f"{name} is no parameter of a fleet", "leave it out")
    # Read once for all, so that a slip shows before the fleet is read.
    read = read_parameters(plans.PROCEDURE, {**given, "vm_name": "any"}).model_dump()
    # All of them, so that a later version with other defaults applies what was approved.
    options = {name: value for name, value in read.items() if name not in NOT_HERE}
    named = read_list(Path(source)) if source else ()
    clock, archive = SystemClock(), _archive(outputs)
    with open_system(settings.load_profile(read["profile"]), clock) as system:
        settings.refuse_pieces(system.profile, {"ticket": str(read["ticket"])})
        found = system.inventory()
        vms = resolve(found, named) if source else select(found, wanted)
        plans.check_count(vms, cap)
        output.progress(f"{len(vms)} VMs are meant; planning for each")
        planned = _planned(system, vms, options, archive)
    shelf = PlanShelf(archive)
    whole = plans.fleet_plan(planned, options, limits, system.told)
    if not shelf.keep(whole):
        raise Refused(
            "keeping the plan of the fleet",
            "it would hold a password or token, or what looks like one",
            "remove it from the parameters, such as reason or attest; masking it would change the plan",
        )
    output.block(
        table(
            ("name", "key", "node", "verdict", "plan"),
            (
                (p.vm.name, p.vm.key, p.vm.node, signed_verdict(p.verdict), p.digest[:12] or p.refused)
                for p in planned
            ),
        )
    )
    left_out = [p for p in planned if not p.digest]
    output.line()
    output.line(f"{len(planned) - len(left_out)} VMs are planned for, {len(left_out)} are left out.")
    lasts_s = find_plan(archive, whole.digest).lasts_s
    output.line(f"  takes    up to {minutes(lasts_s)} of waiting, {limits.at_once} at once")
    output.line(f"  digest   {whole.digest}")
    output.line(f"  approve  vergeos-nb fleet approve {whole.digest} --approver NAME")
    output.line(f"  apply    vergeos-nb fleet apply {whole.digest}")
    output.result(
        {
            "plan_digest": whole.digest,
            "vms": [
                {"name": p.vm.name, "vm_key": p.vm.key, "verdict": p.verdict, "left_out": p.refused or None}
                for p in planned
            ],
            "simulated": system.told["simulated"],
            "waits_s": lasts_s,
            "exit_code": 0,
        }
    )
    return 0


def minutes(seconds: float) -> str:
    """A time for people."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _planned(
    system: FleetSystem, vms: tuple[FleetVm, ...], options: Mapping[str, Any], archive: Path
) -> tuple[plans.Planned, ...]:
    connect = system.connect(vms)
    scrubber = Scrubber((*settings.secrets_of(system.profile), *system.reader.wire.secrets))
    shelf, policy, operator = PlanShelf(archive, scrubber), settings.load_policy(), this_user()

    def plan_it(vm: FleetVm) -> plans.Planned:
        return plans.plan_one(vm, options, connect, system.target, shelf, policy, system.clock, operator)

    return plans.plan_fleet(vms, plan_it, system.reader.upcoming)


def approve(digest: str, approver: str, until: str | None, outputs: str | None, output: Output) -> int:
    """Keep an approval. Returns the exit code."""
    clock = SystemClock()
    try:
        ends = from_iso(until) if until else clock.now() + APPROVAL_LASTS_S
    except ValueError as error:
        raise UsageError("read --until", f"{until!r} is no ISO 8601 time", "2026-10-01T12:00:00Z") from error
    archive = _archive(outputs)
    given = plans.approve(archive, digest, approver, clock, ends)
    output.line(f"Approved by {given.approver} until {iso(given.until)}: {digest}")
    lasts_s = find_plan(archive, digest).lasts_s
    if clock.now() + lasts_s > given.until:
        output.line(
            f"Its waits alone may take {minutes(lasts_s)}, and nothing starts after the approval has ended: "
            "give a later --until, or approve again and `fleet resume`."
        )
    output.result(
        {
            "plan_digest": digest,
            "approver": given.approver,
            "until": iso(given.until),
            "waits_s": lasts_s,
            "exit_code": 0,
        }
    )
    return 0


def apply(
    digest: str,
    *,
    resume: bool,
    go_on: bool,
    operator: str | None,
    scheduler: str | None,
    outputs: str | None,
    output: Output,
) -> int:
    """Apply a plan, or resume it. Returns the exit code of the whole fleet."""
    clock, archive, who = SystemClock(), _archive(outputs), operator or this_user()
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


def status(digest: str, outputs: str | None, output: Output) -> int:
    """Show the state of each VM of a plan, from the journals alone. Returns 0."""
    archive = _archive(outputs)
    wanted = find_plan(archive, digest)
    states = progress(archive, digest)
    runs = runs_of(archive, digest)
    given = plans.approval_of(archive, digest)
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


def _archive(outputs: str | None) -> Path:
    return (Path(outputs) if outputs else settings.outputs_dir()).absolute()
