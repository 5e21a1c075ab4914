"""A simulated system made from a record: its rows are what the run read, and it answers changes as recorded.

A record holds what one run read, so the simulated system has only the VM, its node and its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from vergeos_nb.client.rows_behind_vm import taken_apart
from vergeos_nb.connect.pseudonyms import Pseudonyms
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.run_state import ChangingCall, RunState
from vergeos_nb.simulator import (
    CAPTURE_FORMAT,
    Captured,
    Life,
    Rule,
    Simulator,
    SteppedClock,
    WallClock,
    columns_of,
)
from vergeos_nb.vergeos.exchange import Exchange

MOVING = ("machine_status", "machine_stats", "machine_drive_stats", "machine_nic_stats")
BACK = {"machine_nic_stats": "parent_nic", "machine_drive_stats": "parent_drive"}
MADE_UP = 9_000_000
"""The first made-up key. A row that the run read only through another row has no known key."""

Tables = dict[str, dict[Any, dict[str, Any]]]


@dataclass
class _Rows:
    """The rows in the run's answers, by table and key."""

    tables: Tables = field(default_factory=dict)
    made_up: int = MADE_UP

    def take(self, exchange: Exchange) -> None:
        """Add the rows of an answer to a read."""
        table, _, key = exchange.table_path.partition("/")
        if exchange.method != "GET" or exchange.status != 200 or not columns_of(table):
            return
        found = exchange.answer if isinstance(exchange.answer, list) else [exchange.answer]
        paths = dict(map(_path, str(exchange.query.get("fields", "")).split(",")))
        for answer in found:
            if not isinstance(answer, Mapping):
                continue
            own = answer.get("$key", int(key) if key.isdigit() else None)
            if isinstance(own, int):
                for name, value in answer.items():
                    self._put(table, own, paths.get(str(name), str(name)).split("#"), value)

    def _put(self, table: str, key: int, path: Sequence[str], value: Any) -> None:
        row = self.tables.setdefault(table, {}).setdefault(key, {"$key": key})
        first, rest = path[0], path[1:]
        target = columns_of(table).get(first)
        if target is None or (table, first) == ("vms", "running"):
            return
        if not rest:
            row[first] = value
            return
        if not target:
            return
        if row.get(first) is None:
            if value is None:
                return
            self.made_up += 1
            row[first] = self.made_up
        self._put(target, row[first], rest, value)


def _path(entry: str) -> tuple[str, str]:
    """A field's name in the answer, and the path of its value."""
    way, _, alias = entry.strip().partition(" as ")
    return alias or way, way


def captured_of(run: RunState, *, mask: bool = False) -> Captured:
    """The system as the run found it, from what it read before its first change.

    Args:
        mask: replace names, addresses and texts.

    Raises:
        UsageError: the run read no VM.
    """
    captured = _captured(list(_until_the_first_change(run)))
    if not captured.tables.get("vms"):
        raise UsageError(
            "making a drill of this record", "its run found no VM", "take a record of a run that found one"
        )
    if not mask:
        return captured
    names = Pseudonyms()
    return replace(captured, tables=_masked(names, captured.tables), before=_masked(names, captured.before))


def _masked(names: Pseudonyms, tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {table: [names.masked(table, row) for row in rows] for table, rows in tables.items()}


def _captured(reads: Sequence[Exchange]) -> Captured:
    """The newest value of each column in these reads; of tables that change, also the oldest."""
    before, rows = _Rows(), _Rows()
    of_tables = [one for exchange in reads for one in taken_apart(exchange)]
    for exchange in of_tables:
        rows.take(exchange)
    for exchange in reversed(of_tables):
        before.take(exchange)
    for tables in (rows.tables, before.tables):
        _link(tables)
    times = [exchange.server_time or exchange.sent_at for exchange in reads]
    system = next(iter(rows.tables.get("system", {}).values()), {})
    first = {table: list(found.values()) for table, found in before.tables.items() if table in MOVING}
    return Captured(
        CAPTURE_FORMAT, max(times, default=0.0), max(times, default=0.0) - min(times, default=0.0),
        str(system.get("yb_version", "26.1")), len(reads),
        {table: list(found.values()) for table, found in rows.tables.items()}, first,
    )  # fmt: skip


def _until_the_first_change(run: RunState) -> Iterator[Exchange]:
    for exchange in run.exchanges:
        if exchange.changing and any(call.exchange == exchange for call in run.acting_calls):
            return
        yield exchange


def _link(tables: Tables) -> None:
    """Add the links that no run reads: each machine's type and owner, and the parent of each row."""
    machines = tables.setdefault("machines", {})
    for table, kind in (("vms", "vm"), ("nodes", "node")):
        for key, row in tables.get(table, {}).items():
            if row.get("machine") is None:
                continue
            own = machines.setdefault(row["machine"], {"$key": row["machine"]})
            own.update({"type": kind, "owner": f"{table}/{key}"})
            own.setdefault("name", row.get("name", ""))
    for table in ("machine_status", "machine_stats"):
        column = table.removeprefix("machine_")
        for key, machine in machines.items():
            linked = tables.get(table, {}).get(machine.get(column))
            if linked is not None:
                linked.setdefault("machine", key)
        for key, row in tables.get(table, {}).items():
            if row.get("machine") in machines:
                machines[row["machine"]].setdefault(column, key)
    for table, back in BACK.items():
        for key, part in tables.get(table.removesuffix("_stats") + "s", {}).items():
            linked = tables.get(table, {}).get(part.get("stats"))
            if linked is not None:
                linked.setdefault(back, key)


def answers_of(run: RunState) -> tuple[Rule, ...]:
    """Rules that make the simulator answer each change as the platform did."""
    rules: list[Rule] = []
    seen: dict[tuple[str, str], int] = {}
    for call in run.acting_calls:
        way = (call.method, call.path)
        seen[way] = seen.get(way, 0) + 1
        exchange, name = call.exchange, f"as in the record: {call.act} {seen[way]}"
        took_effect = _took_effect(run, call)
        which = Rule(name, *way, nth=(seen[way],))
        if exchange is None or exchange.status is None:
            rules.append(replace(which, drop="after" if took_effect else "before"))
        elif exchange.status >= 400:
            text = exchange.answer.get("err", "") if isinstance(exchange.answer, Mapping) else ""
            rules.append(replace(which, status=exchange.status, text=str(text), execute=took_effect))
    return tuple(rules)


def _after(run: RunState, call: ChangingCall) -> Captured | None:
    """What was read between this change and the next one; None if nothing was read."""
    later = [exchange for exchange in run.exchanges if _is_after(exchange, call)]
    next_one = min((c.exchange.number for c in run.acting_calls if c.exchange in later), default=None)
    reads = [exchange for exchange in later if next_one is None or exchange.number < next_one]
    return _captured(reads) if reads else None


def _took_effect(run: RunState, call: ChangingCall) -> bool:
    """Did a reading between this change and the next one show the VM as not running?"""
    after = _after(run, call)
    machine = (run.fact("vm") or {}).get("machine")
    return after is not None and not Life(after).says_running(machine, default=True)


def _ended(run: RunState, call: ChangingCall) -> bool:
    """Did this change end the process? It lived before the first change, and was gone before the next."""
    after, machine = _after(run, call), (run.fact("vm") or {}).get("machine")
    lived = Life(captured_of(run)).lives(machine)
    return after is not None and lived and Life(after).has_ended(machine)


def _is_after(exchange: Exchange, call: ChangingCall) -> bool:
    return call.exchange is not None and exchange.number > call.exchange.number


def simulator_of(run: RunState, *, mask: bool = False, stepped: bool = False) -> Simulator:
    """A simulator in the state of the incident. It behaves as the platform did, according to the journal.

    Args:
        mask: replace names, addresses and texts.
        stepped: use a clock that a test steps.

    Raises:
        UsageError: the run read no VM.
    """
    captured = captured_of(run, mask=mask)
    clock = SteppedClock(captured.taken_at) if stepped else WallClock(captured.taken_at)
    simulator = Simulator(clock=clock, captured=captured, faults=answers_of(run))
    key = int((run.fact("vm") or {}).get("key", 0))
    with simulator.world.settled():
        vitals = simulator.world.truth(key) if key in simulator.world.tables["vms"] else None
        for call in run.acting_calls:
            if vitals is not None and call.act in ACTS:
                follows = _took_effect(run, call)
                ends = follows or _ended(run, call)
                vitals.behave(**{ACTS[call.act]: 1.0 if ends else None})
                if ends:
                    vitals.behave(row_follows=follows)
    return simulator


ACTS = {"poweroff": "acpi", "kill": "kill"}
"""For each act of a request: the behaviour of the simulated machine that it changes."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One line of a debriefing: a step in both runs."""

    step: str
    then: str
    now: str


def debriefing(then: RunState, now: RunState) -> tuple[Beside, ...]:
    """Both runs side by side: each step's outcome and verdict, what was sent, and how it ended."""
    old, new = ({r.step: r for r in run.results} for run in (then, now))
    steps = [*old, *(step for step in new if step not in old)]
    lines = [Beside(step, *(_said(results.get(step)) for results in (old, new))) for step in steps]
    sent = (" ".join(call.act for call in run.acting_calls) or "nothing" for run in (then, now))
    ends = (f"{run.outcome}, {run.verdict.value}, exit {run.exit_code}" for run in (then, now))
    return (*lines, Beside("sent", *sent), Beside("end", *ends))


def _said(result: Any) -> str:
    if result is None:
        return "not run"
    verdict = result.facts.get("verdict")
    return f"{result.outcome}, {verdict}" if verdict else str(result.outcome)
