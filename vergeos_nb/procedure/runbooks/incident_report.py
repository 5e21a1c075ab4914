"""The runbook that reports over the archive: what was forced, when, by whom, why, and how it ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from statistics import median
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vergeos_nb.clock import from_iso, iso
from vergeos_nb.errors import Refused
from vergeos_nb.parameters import FIRST, AskedOn, OneLine, RunParameters
from vergeos_nb.procedure.engine.case import ArchiveCase
from vergeos_nb.procedure.engine.engine import Draft, Step, ended_by
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.values.finding import of_run_words
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.past_run import Checked, PastRun
from vergeos_nb.procedure.values.step_tables import ACTED, FACTS, OFFENDERS, OFTEN, OUTCOMES, RUNS
from vergeos_nb.procedure.values.table import Scalar, Schema, Table
from vergeos_nb.words import counted

# The most rows of a table that a person reads. `vergeos-nb audit list` prints all.
MOST_SHOWN = 500
DAY_S = 86_400.0


def _day(text: str) -> str:
    if text:
        try:
            iso(from_iso(text) + DAY_S)  # A time that cannot be written cannot be shown either.
        except (ValueError, OverflowError):
            raise ValueError(
                "is no day such as 2026-10-01, and no time such as 2026-10-01T12:00:00Z"
            ) from None
    return text


class IncidentReportParameters(RunParameters):
    """Its parameters, in addition to those of every runbook."""

    since: Annotated[str, AfterValidator(_day), AskedOn(FIRST)] = Field(
        "",
        title="Since (a day or a time)",
        description="The period begins: a day, or an ISO 8601 time; empty means by days.",
    )
    until: Annotated[str, AfterValidator(_day), AskedOn(FIRST)] = Field(
        "",
        title="Until (a day or a time)",
        description="The period ends: of a day, its end; empty means now.",
    )
    days: Annotated[float, Field(gt=0, le=36_600, allow_inf_nan=False), AskedOn(FIRST)] = Field(
        30.0,
        title="Days, if since is empty",
        description="Length of the period in days, if since is empty.",
    )
    only_ticket: Annotated[OneLine, AskedOn(FIRST)] = Field(
        "", title="Only this ticket", description="Only runs of this ticket; empty means all."
    )
    rehearsals: Annotated[bool, AskedOn(FIRST)] = Field(
        True, title="Count runs against a simulator", description="Count runs against a simulator, too."
    )
    repeated: Annotated[int, Field(ge=2, le=1000), AskedOn(FIRST)] = Field(
        2,
        title="Runs that make a repeat offender",
        description="A VM or node with this many runs or more is a repeat offender.",
    )
    verify: Annotated[bool, AskedOn(FIRST)] = Field(
        True,
        title="Verify the archive first",
        description="Verify the archive first; a large one takes its time.",
    )

    @model_validator(mode="after")
    def _period_fits(self) -> Self:
        if self.since and self.until and self.since_epoch(0.0) >= self.until_epoch(0.0):
            raise ValueError(f"since {self.since} is not before until {self.until}")
        return self

    def until_epoch(self, now: float) -> float:
        """When the period ends, in seconds since 1970."""
        if not self.until:
            return now
        return from_iso(self.until) + (DAY_S if len(self.until) == len("2026-10-01") else 0.0)

    def since_epoch(self, until: float) -> float:
        """When the period begins, in seconds since 1970."""
        return from_iso(self.since) if self.since else until - self.days * DAY_S


@dataclass(slots=True, kw_only=True)
class ReportCase(ArchiveCase):
    """The state of a report over the archive."""

    options: IncidentReportParameters
    checked: Checked | None = None
    runs: Sequence[PastRun] = ()

    @property
    def period(self) -> tuple[float, float]:
        """Beginning and end of the period, in seconds since 1970."""
        until = self.options.until_epoch(self.clock.now())
        return self.options.since_epoch(until), until


def check_archive(case: ReportCase) -> Draft:
    """Verify that the archive's records are as they were sealed."""
    if not case.options.verify:
        return Draft(StepOutcome.SKIPPED, "Not verified (parameter verify).", facts={"opens": True})
    case.checked = checked = case.past.check()
    table = FACTS.table(
        ("sealed records", str(checked.records)),
        ("ledger lines", str(checked.lines)),
        ("head", checked.head),
        *(("WRONG", finding) for finding in checked.findings[:MOST_SHOWN]),
    )
    facts = {"head": checked.head, "findings": len(checked.findings)}
    if checked.findings:
        return Draft(
            StepOutcome.FAILED,
            f"{len(checked.findings)} things in the archive are not as they were sealed.",
            "Keep a copy of the archive as it is before anything else. The report is made all the same.",
            (table,),
            {**facts, "opens": True},
        )
    summary = f"{counted(checked.records, 'sealed record')}, all as sealed."
    return Draft(StepOutcome.PASSED, summary, "", (table,), facts)


def gather(case: ReportCase) -> Draft:
    """Read every run over a VM in the period, also planned and refused ones."""
    since, until = case.period
    runs = case.past.runs(since, until, case.options.only_ticket)
    case.runs = runs = [run for run in runs if case.options.rehearsals or not run.simulated]
    ended = Counter(of_run_words(run.outcome, run.verdict).word for run in runs)
    told = ", ".join(f"{count} {words}" for words, count in sorted(ended.items())) or "none"
    days = Counter((iso(run.opened)[:10], run.outcome) for run in runs)
    facts = FACTS.table(
        ("from", iso(since)),
        ("until", iso(until)),
        ("ticket", case.options.only_ticket or "all"),
        ("runs against a simulator", str(sum(run.simulated for run in runs))),
        ("median time from start to end", f"{median(run.took_s for run in runs):.1f} s" if runs else "–"),
    )
    by_day = OUTCOMES.table(*((day, what, count) for (day, what), count in sorted(days.items())))
    outcomes = dict(sorted(Counter(run.outcome for run in runs).items()))
    return Draft(
        StepOutcome.PASSED,
        f"{counted(len(runs), 'run')} over {counted(len({run.subject for run in runs}), 'VM')}: "
        f"{told}.{_cut(runs)}",
        "",
        (facts, by_day, _listed(RUNS, runs)),
        {"runs": len(runs), "outcomes": outcomes, "since": since, "until": until},
    )


def what_was_done(case: ReportCase) -> Draft:
    """List the runs that sent a request that acts on a VM."""
    acted = [run for run in case.runs if run.acted]
    forced = [run for run in acted if run.forced]
    found = {
        "open_ends": [run for run in acted if run.verdict == "unknown"],
        "alive": [run for run in forced if run.verdict == "alive"],
        "lost": [run for run in case.runs if run.lost],
    }
    lost = f" What was sent is not known of {_runs(found['lost'])}: the record cannot be read."
    return Draft(
        StepOutcome.PASSED,
        f"{counted(len(acted), 'run')} changed something, {len(forced)} of them forced a VM off by its "
        "status row. "
        f"Unknown whether the VM is off: {_runs(found['open_ends'])}. Alive after its status row was forced: "
        f"{_runs(found['alive'])}.{lost if found['lost'] else ''}{_cut(acted)}",
        "Look at those with verdict unknown: is the VM really off?"
        if found["open_ends"] or found["lost"]
        else "",
        (_listed(ACTED, acted),),
        {
            "acted": len(acted),
            "forced": len(forced),
            **{name: [run.record for run in runs] for name, runs in found.items()},
        },
    )


def offenders(case: ReportCase) -> Draft:
    """List VMs and nodes on which as many runs acted as the parameter `repeated` says, or more."""
    acted = [run for run in case.runs if run.acted]
    groups: dict[tuple[str, str], list[PastRun]] = defaultdict(list)
    for run in acted:
        groups["VM", run.subject].append(run)
        groups["node", run.where].append(run)
    often = {which: runs for which, runs in groups.items() if len(runs) >= case.options.repeated}
    # The VMs first, and those with the most runs.
    often = dict(sorted(often.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])))
    vms = [who for kind, who in often if kind == "VM"]
    tables: tuple[Table, ...] = (OFFENDERS.table(*starmap(_offender, list(often.items())[:MOST_SHOWN])),)
    if vms:
        sent = Counter((run.subject, act) for run in acted for act in run.acted if run.subject in vms)
        tables = (OFTEN.table(*((who, act, count) for (who, act), count in sorted(sent.items()))), *tables)
    again = f": {', '.join(vms[:5])}{' and more' if len(vms) > 5 else ''}" if vms else ""
    forced = sum(run.forced for run in acted)
    summary = (
        f"Runs: {len(case.runs)}, of which {len(acted)} changed something and {forced} forced a VM off by "
        f"its status row. VMs that needed it {case.options.repeated} times or more: {len(vms)}{again}."
    )
    if case.checked is not None and case.checked.findings:
        wrong = Refused(
            "reporting over the archive",
            f"not as it was sealed: {counted(len(case.checked.findings), 'finding')}",
            "run `vergeos-nb audit verify`, and find out what changed; until then do not rely on this report",
        )
        return ended_by(wrong, *tables)
    return Draft(StepOutcome.PASSED, summary, "", tables, {"repeated": vms, "completes": True})


def _offender(which: tuple[str, str], runs: Sequence[PastRun]) -> tuple[Scalar, ...]:
    forced, vms = sum(run.forced for run in runs), {run.subject for run in runs}
    tickets = ", ".join(sorted({run.ticket for run in runs if run.ticket}))
    return (*which, len(runs), forced, len(vms), runs[-1].opened, tickets)


def _listed(schema: Schema, runs: Sequence[PastRun]) -> Table:
    return schema.table(*(run.row(schema) for run in runs[-MOST_SHOWN:]))


def _runs(runs: Sequence[PastRun]) -> str:
    return counted(len(runs), "run")


def _cut(runs: Sequence[PastRun]) -> str:
    return f" The table shows the newest {MOST_SHOWN}." if len(runs) > MOST_SHOWN else ""


STEPS: Sequence[Step[ReportCase]] = tuple(
    Step(name, title, "", why, act, role="judge")
    for name, title, why, act in (
        ("check", "Verify the archive", "A report is only as good as its records.", check_archive),
        ("gather", "Gather the runs", "Planned and refused runs are incidents, too.", gather),
        ("acted", "What was done", "Who changed what, why, and how it ended.", what_was_done),
        (
            "offenders",
            "Repeat offenders",
            "A VM or node that needs it again and again has a cause.",
            offenders,
        ),
    )
)

RUNBOOK = Runbook(name="incident_report", parameters=IncidentReportParameters, case=ReportCase, steps=STEPS)
