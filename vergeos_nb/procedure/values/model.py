"""The values that steps give and take: results, tables, verdicts, plans and approvals.

All of them are frozen and turn into plain JSON and back, because the journal holds them and records are
rendered from the journal alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from vergeos_nb.clock import iso
from vergeos_nb.vergeos.rows import Exchange

# So far two machines' clocks may lie apart where one gives an approval and the other one uses it.
CLOCKS_DIFFER_S = 60.0


class StepState(StrEnum):
    """Where a step is."""

    WAITING = "waiting"  # a step before it has not ended
    READY = "ready"  # it can be run now
    RUNNING = "running"
    ENDED = "ended"


class StepOutcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    NOTHING_TO_DO = "nothing-to-do"  # its goal is reached already
    REFUSED = "refused"  # a guard said no
    FAILED = "failed"
    UNKNOWN = "unknown"  # what happened, or what holds, cannot be told
    SKIPPED = "skipped"  # a step before it did not open the way


class RunOutcome(StrEnum):
    """How a run ended."""

    PLANNED = "planned"  # no approval was given, so nothing was changed
    DONE = "done"
    NOTHING_TO_DO = "nothing-to-do"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"


# The task of a step in its run, in this order: open the connection, find the VM and its rows, judge the
# evidence, make the plan, send a change, read back its effect.
Role = Literal["connect", "identify", "judge", "plan", "act", "confirm"]

ColumnKind = Literal["text", "int", "float", "bool", "time"]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, fixed whatever it holds."""

    name: str
    caption: str
    columns: tuple[tuple[str, ColumnKind], ...]

    def table(self, *rows: tuple[Scalar, ...]) -> Table:
        """A table of these rows.

        Raises:
            ValueError: a row has another number of values than the schema has columns.
        """
        for row in rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: {len(row)} values for {len(self.columns)} columns")
        return Table(self, rows)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a fixed schema. ``time`` values are seconds since 1970."""

    schema: Schema
    rows: tuple[tuple[Scalar, ...], ...] = ()


CHECKS = Schema(
    "checks",
    "What was checked",
    (("check", "text"), ("expected", "text"), ("found", "text"), ("agrees", "bool")),
)
VMS = Schema(
    "vms",
    "VMs that were found",
    (
        ("vm_key", "int"),
        ("name", "text"),
        ("machine_key", "int"),
        ("is_snapshot", "bool"),
        ("cpu_cores", "int"),
        ("ram_mb", "int"),
    ),
)
IDENTITY = Schema(
    "identity",
    "Side by side: is this the VM you mean?",
    (
        ("field", "text"),
        ("vm_record", "text"),
        ("status_row", "text"),
        ("you_expect", "text"),
        ("agrees", "bool"),
    ),
)
SAMPLES = Schema(
    "samples",
    "What the platform said, reading by reading",
    (
        ("read_at", "time"),
        ("running", "bool"),
        ("status", "text"),
        ("state", "text"),
        ("node", "int"),
        ("row_written", "time"),
        ("cpu_pct", "float"),
        ("ram_used_mb", "float"),
        ("stats_written", "time"),
    ),
)
EVIDENCE = Schema(
    "evidence", "Evidence, source by source", (("source", "text"), ("says", "text"), ("because", "text"))
)
COUNTERS = Schema(
    "counters",
    "Counters of NICs and drives",
    (("counter", "text"), ("first", "int"), ("last", "int"), ("moved_by", "int")),
)
LOGS = Schema(
    "logs",
    "The machine's own log",
    (("at", "time"), ("level", "text"), ("user", "text"), ("text", "text")),
)
FACTS = Schema("facts", "Facts", (("fact", "text"), ("value", "text")))
REQUESTS = Schema(
    "requests",
    "Requests that change something",
    (("rung", "text"), ("method", "text"), ("path", "text"), ("body", "text"), ("what_it_does", "text")),
)
DIFFERENCE = Schema(
    "difference",
    "What differs from the approved plan",
    (("field", "text"), ("approved", "text"), ("now", "text")),
)
TRIAGE = Schema(
    "triage",
    "VMs that want a look, the most urgent first",
    (
        ("name", "text"),
        ("suggestion", "text"),
        ("reason", "text"),
        ("verdict", "text"),
        ("status", "text"),
        ("state", "text"),
        ("running", "bool"),
        ("for_s", "int"),
        ("node", "text"),
        ("node_state", "text"),
        ("heartbeat_s", "int"),
        ("counters", "text"),
        ("cpu_pct", "float"),
        ("ram_used_mb", "float"),
        ("ha_group", "text"),
        ("vm_key", "int"),
        ("machine_key", "int"),
        ("status_key", "int"),
        ("log_at", "time"),
        ("log", "text"),
    ),
)
FLEET = Schema(
    "fleet", "The fleet by node and status", (("node", "text"), ("status", "text"), ("vms", "int"))
)
FLEET_RUN = Schema(
    "fleet_run",
    "The VMs of the plan, and their records",
    (
        ("name", "text"),
        ("vm_key", "int"),
        ("node", "text"),
        ("where", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("exit_code", "int"),
        ("record", "text"),
        ("because", "text"),
    ),
)

RUNS = Schema(
    "runs",
    "Runs in the period",
    (
        ("opened", "time"),
        ("vm", "text"),
        ("runbook", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("operator", "text"),
        ("ticket", "text"),
        ("record", "text"),
    ),
)
ACTED = Schema(
    "acted",
    "Runs that changed something",
    (
        ("opened", "time"),
        ("vm", "text"),
        ("node", "text"),
        ("sent", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("took_s", "float"),
        ("operator", "text"),
        ("approver", "text"),
        ("reason", "text"),
        ("ticket", "text"),
        ("record", "text"),
    ),
)
OFFENDERS = Schema(
    "offenders",
    "VMs and nodes that needed it again and again",
    (
        ("kind", "text"),
        ("which", "text"),
        ("runs", "int"),
        ("forced", "int"),
        ("vms", "int"),
        ("last", "time"),
        ("tickets", "text"),
    ),
)
OUTCOMES = Schema(
    "outcomes", "Runs by day and outcome", (("day", "text"), ("outcome", "text"), ("runs", "int"))
)
OFTEN = Schema("often", "What was sent, by VM", (("vm", "text"), ("sent", "text"), ("times", "int")))

SCHEMAS: Mapping[str, Schema] = {
    schema.name: schema
    for schema in (
        CHECKS,
        VMS,
        IDENTITY,
        SAMPLES,
        EVIDENCE,
        COUNTERS,
        LOGS,
        FACTS,
        REQUESTS,
        DIFFERENCE,
        TRIAGE,
        FLEET,
        RUNS,
        ACTED,
        OFFENDERS,
        OUTCOMES,
        OFTEN,
        FLEET_RUN,
    )
}


@dataclass(frozen=True, slots=True)
class Vote:
    """The vote of one source on the VM's process: ``alive``, ``dead`` or ``silent``, and why."""

    source: str
    says: Literal["alive", "dead", "silent"]
    because: str


class VerdictValue(StrEnum):
    """The values of a verdict."""

    OFF = "off"
    ALIVE = "alive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict with its evidence."""

    value: VerdictValue
    votes: tuple[Vote, ...]

    def table(self) -> Table:
        """The votes as rows."""
        return EVIDENCE.table(*((vote.source, vote.says, vote.because) for vote in self.votes))


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned changes: what, on which VM, from which state.

    ``content`` is plain JSON without floats; its canonical form (sorted keys, no blanks, UTF-8) is what
    the digest and so an approval binds.
    """

    content: Mapping[str, Any]

    def canonical(self) -> bytes:
        """The one spelling of this plan."""
        return json.dumps(
            self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode(errors="backslashreplace")  # half of a surrogate pair becomes its JSON escape

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval of one plan, for a limited time. Times are seconds since 1970."""

    digest: str
    approver: str
    given_at: float
    until: float

    def ended(self, now: float) -> str:
        """Why it does not hold at this time, or "". A clock that is set back lets no approval last longer."""
        if now > self.until:
            return f"the approval ended at {iso(self.until)}"
        if now < self.given_at - CLOCKS_DIFFER_S:
            return f"the clock shows {iso(now)}, and the approval was given at {iso(self.given_at)}"
        return ""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The end of one step and its findings.

    Attributes:
        system: the system in words, beginning with ``SIMULATED`` or ``REAL``.
        summary: the result in one sentence.
        next_step: what to do now, or "".
        tables: what to look at.
        facts: small JSON values that later readers need: keys, rows, digest, verdict.
        exchanges: the API calls that the step made.
        error: ``VergeNbError.as_dict()`` of what ended the step, or None.
    """

    step: str
    title: str
    vendor_step: str
    system: str
    outcome: StepOutcome
    summary: str
    began_at: float
    ended_at: float
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    error: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without the exchanges: the journal has a line of its own for each of them."""
        return {
            "step": self.step,
            "title": self.title,
            "vendor_step": self.vendor_step,
            "system": self.system,
            "outcome": self.outcome.value,
            "summary": self.summary,
            "next_step": self.next_step,
            "began_at": self.began_at,
            "ended_at": self.ended_at,
            "tables": [{"name": t.schema.name, "rows": [list(row) for row in t.rows]} for t in self.tables],
            "facts": dict(self.facts),
            "exchanges": [exchange.number for exchange in self.exchanges],
            "error": None if self.error is None else dict(self.error),
        }


def result_from_dict(data: Mapping[str, Any], exchanges: Mapping[int, Exchange]) -> StepResult:
    """The result that ``StepResult.as_dict`` was made of; ``exchanges`` by their number.

    Raises:
        KeyError: a field, a table's schema or an exchange is not there.
    """
    return StepResult(
        step=data["step"],
        title=data["title"],
        vendor_step=data["vendor_step"],
        system=data["system"],
        outcome=StepOutcome(data["outcome"]),
        summary=data["summary"],
        next_step=data["next_step"],
        began_at=data["began_at"],
        ended_at=data["ended_at"],
        tables=tuple(SCHEMAS[t["name"]].table(*(tuple(row) for row in t["rows"])) for t in data["tables"]),
        facts=data["facts"],
        exchanges=tuple(exchanges[number] for number in data["exchanges"]),
        error=data["error"],
    )
