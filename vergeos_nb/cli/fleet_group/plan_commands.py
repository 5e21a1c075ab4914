"""``vergeos-nb fleet plan`` and ``fleet approve``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from vergeos_nb import settings
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.cli.commands import Asking, Command
from vergeos_nb.cli.options import json_option, outputs_option, pairs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock, from_iso, iso
from vergeos_nb.errors import Refused, UsageError
from vergeos_nb.fleet import plan as plans
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.selection import FleetVm, read_list, resolve, select
from vergeos_nb.fleet.system import FleetSystem, open_system
from vergeos_nb.journal.header import this_user
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.session.cases import APPROVAL_LASTS_S
from vergeos_nb.views.badges import signed_verdict
from vergeos_nb.words import counted

# The fleet sets these for each VM, or they are not options of a plan.
NOT_HERE = (
    "vm_name", "vm_key", "approve", "approver", "approve_until", "operator", "expect_cores", "expect_ram_mb",
)  # fmt: skip


@click.command(cls=Asking)
@click.argument("source", required=False, metavar="[FILE]")
@click.option("--name", help="VMs of this name; * and ? are wildcards.")
@click.option("--node", help="VMs on this node.")
@click.option("--status", help="VMs with this status in their row.")
@click.option("--state", help="VMs with this state in their row.")
@click.option("--ha-group", help="VMs of this HA group.")
@pairs_option("A parameter of force_power_off.")
@click.option("--profile", help="The system. [default: simulator]")
@click.option(
    "--cap", type=click.IntRange(min=1), default=10, show_default=True, help="Refuse a plan over more VMs."
)
@click.option("--at-once", type=click.IntRange(1, 100), default=4, show_default=True, help="VMs at a time.")
@click.option(
    "--per-node", type=click.IntRange(min=1), default=2, show_default=True, help="VMs at a time on one node."
)
@click.option(
    "--per-group",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="VMs at a time in one HA group.",
)
@click.option(
    "--failures",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="After this many VMs that did not end as asked, start no other.",
)
@outputs_option
@json_option
def plan(
    source: str | None,
    pairs: dict[str, str],
    profile: str | None,
    cap: int,
    at_once: int,
    per_node: int,
    per_group: int,
    failures: int,
    outputs: Path,
    output: Output,
    **selector: str | None,
) -> int:
    """Plan for the VMs of a FILE, or for those that a selector matches. Changes nothing. FILE is CSV or JSON.

    \b
    vergeos-nb stuck --csv > stuck.csv
    vergeos-nb fleet plan stuck.csv
    """
    wanted = {name: pattern for name, pattern in selector.items() if pattern is not None}
    if source and wanted:
        raise UsageError("choosing VMs", "a file and a selector are given", "give one of them")
    read = _read({**pairs, "profile": profile} if profile is not None else pairs)
    # All parameters, so that a later version with other defaults applies what was approved.
    options = {name: value for name, value in read.items() if name not in NOT_HERE}
    named = read_list(Path(source)) if source else ()
    archive = outputs.absolute()
    with open_system(settings.load_profile(read["profile"]), SystemClock()) as system:
        settings.refuse_pieces(system.profile, {"ticket": str(read["ticket"])})
        found = system.inventory()
        vms = resolve(found, named) if source else select(found, wanted)
        plans.check_count(vms, cap)
        output.progress(f"Planning for {counted(len(vms), 'VM')}")
        planned = _planned(system, vms, options, archive)
    limits = Limits(at_once, per_node, per_group, failures)
    whole = plans.fleet_plan(planned, options, limits, system.told)
    if not PlanShelf(archive).keep(whole):
        raise Refused(
            "keeping the plan of the fleet",
            "it would hold a password or token, or a text that looks like one",
            "remove it from the parameters, such as reason or attest; masking it would change the plan",
        )
    waits_s = plans.find_plan(archive, whole.digest).lasts_s
    _show(planned, whole.digest, waits_s, at_once, output)
    output.result(
        {
            "plan_digest": whole.digest,
            "vms": [
                {"name": p.vm.name, "vm_key": p.vm.key, "verdict": p.verdict, "left_out": p.refused or None}
                for p in planned
            ],
            "simulated": system.told["simulated"],
            "waits_s": waits_s,
            "exit_code": 0,
        }
    )
    return 0


def _read(given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters, checked once for all VMs, so that a mistake is reported before the fleet is read."""
    for name in NOT_HERE:
        if name in given:
            raise UsageError("reading the parameters", f"{name} is no parameter of a fleet", "leave it out")
    return read_parameters(plans.PROCEDURE, {**given, "vm_name": "any"}).model_dump()


def _planned(
    system: FleetSystem, vms: tuple[FleetVm, ...], options: Mapping[str, Any], archive: Path
) -> tuple[plans.Planned, ...]:
    connect = system.connect(vms)
    scrubber = Scrubber((*settings.secrets_of(system.profile), *system.reader.wire.secrets))
    shelf, policy, operator = PlanShelf(archive, scrubber), settings.load_policy(), this_user()

    def plan_it(vm: FleetVm) -> plans.Planned:
        return plans.plan_one(vm, options, connect, system.target, shelf, policy, system.clock, operator)

    return plans.plan_fleet(vms, plan_it, system.reader.upcoming)


def _show(
    planned: Sequence[plans.Planned], digest: str, waits_s: float, at_once: int, output: Output
) -> None:
    rows = (
        (p.vm.name, p.vm.key, p.vm.node, signed_verdict(p.verdict), p.digest[:12] or p.refused)
        for p in planned
    )
    output.block(table(("name", "key", "node", "verdict", "plan"), rows))
    left_out = sum(not p.digest for p in planned)
    output.line()
    output.line(f"Planned for {counted(len(planned) - left_out, 'VM')}, left out {left_out}.")
    _warn_of_assumed_life([p.vm.name for p in planned if p.over_assumed_life], output)
    output.line(f"  takes    up to {_minutes(waits_s)} of waiting, {at_once} at once")
    output.line(f"  digest   {digest}")
    output.line(f"  approve  vergeos-nb fleet approve {digest} --approver NAME")
    output.line(f"  apply    vergeos-nb fleet apply {digest}")


@click.command(cls=Command)
@click.argument("digest")
@click.option("--approver", required=True, help="Who approves.")
@click.option("--until", metavar="TIME", help="When the approval ends (ISO 8601). [default: in 15 minutes]")
@outputs_option
@json_option
def approve(digest: str, approver: str, until: str | None, outputs: Path, output: Output) -> int:
    """Approve the plan with this DIGEST."""
    clock = SystemClock()
    try:
        ends = from_iso(until) if until else clock.now() + APPROVAL_LASTS_S
    except ValueError as error:
        raise UsageError(
            "reading --until", f"{until!r} is no ISO 8601 time", "write it as 2026-10-01T12:00:00Z"
        ) from error
    archive = outputs.absolute()
    given = plans.approve(archive, digest, approver, clock, ends)
    output.line(f"Approved by {given.approver} until {iso(given.until)}: {digest}")
    wanted = plans.find_plan(archive, digest)
    _warn_of_assumed_life(wanted.over_assumed_life, output)
    lasts_s = wanted.lasts_s
    if clock.now() + lasts_s > given.until:
        output.line(
            f"Its waits alone may take {_minutes(lasts_s)}, and nothing starts after the approval has ended: "
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


def _warn_of_assumed_life(names: Sequence[str], output: Output) -> None:
    if names:
        output.line(
            f"! {', '.join(names)}: forced off although the record or the log looks alive. That rests on the "
            "words of the person who checked (assertion)."
        )


def _minutes(seconds: float) -> str:
    """A time for people."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
