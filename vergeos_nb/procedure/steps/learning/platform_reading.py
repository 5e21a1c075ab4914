"""Observations by reading alone: tables and columns, the form of answers, and which rows are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from vergeos_nb.client.learning_reads import ASKED
from vergeos_nb.procedure.engine.engine import Ask, Draft
from vergeos_nb.procedure.steps.learning.observations import LearnCase, as_facts, observations_table
from vergeos_nb.procedure.steps.learning.rhythm import (
    Rhythm,
    in_words,
    stats_rhythm,
    status_rhythm,
    together,
)
from vergeos_nb.procedure.steps.learning.rows_together import compare_rows
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.protocols import Learnable, Platform
from vergeos_nb.procedure.values.step_tables import LEARNED_ROWS, LEARNED_TABLES
from vergeos_nb.procedure.values.table import Scalar, Table
from vergeos_nb.vergeos.learned import MachineKind, Machines, TableSeen, Written
from vergeos_nb.vergeos.rows import MachineKey
from vergeos_nb.words import counted

# How many machines of each kind are watched.
EACH = 3

Looks = Mapping[int, Sequence[Written]]


def look_at_tables(case: LearnCase) -> Draft:
    """Each table that the code reads, column by column, and how filters are answered. Reads only."""
    case.tables = tuple(case.platform.table_seen(table) for table in ASKED)
    grammar = case.platform.grammar()
    assert case.info is not None
    case.observe("version", case.info.version, f"OS {case.info.os_version}")
    rights = case.platform.own_rights()
    may = {True: "everything", False: "nothing", None: "not told"}[rights.may_change]
    case.observe("may_change", may, f"{case.target.who}: {rights.words}")
    case.observe("no_match", grammar.no_match, "the answer to a filter that matches nothing")
    if grammar.any_rows:
        ignored = "matches nothing" if not grammar.unknown_column else "matches all"
        case.observe("unknown_column", ignored, f"a filter on it brought {grammar.unknown_column} of 2 rows")
        braces = "matches nothing" if not grammar.braces else "matches all"
        case.observe("unknown_column_with_braces", braces, f"it brought {grammar.braces} of 2 rows")
    took = sorted(table.took_s * 1000 for table in case.tables if not table.refused)
    if took:
        slowest = f"the slowest of {len(took)} took {took[-1]:.0f} ms"
        case.observe(
            "latency_ms", f"{took[len(took) // 2]:.0f}", f"the median of reads of a few rows; {slowest}"
        )
    for table in case.tables:
        case.observe(f"columns_of_{table.name}", *_columns_in_words(table))
    differs = [table for table in case.tables if table.missing or table.unfit]
    refused = [table.name for table in case.tables if table.refused]
    warnings = [f"{table.name}: {_columns_in_words(table)[1]}" for table in differs]
    warnings += [f"not answered: {', '.join(refused)}"] if refused else []
    looked_at = sum(bool(table.rows) for table in case.tables)
    return Draft(
        StepOutcome.PASSED,
        f"{looked_at} of {len(case.tables)} tables have rows. "
        + (f"{len(differs)} differ from what is expected." if differs else "All columns are as expected."),
        "; ".join(warnings),
        (_tables_table(case.tables), observations_table(case.seen)),
        {"seen": as_facts(case.seen), "tables": [_as_fact(table) for table in case.tables]},
    )


def looking_at_tables(case: LearnCase) -> Sequence[Ask]:
    """A few rows of each table, and the filters."""
    reads = [partial(_table, table) for table in ASKED]
    return [*reads, lambda api: cast(Learnable, api).grammar()]


def _table(table: str, api: Platform) -> object:
    return cast(Learnable, api).table_seen(table)


def watch_rows(case: LearnCase) -> Draft:
    """Look at the rows of running, stopped and node machines again and again. Reads only."""
    options = case.learn_options()
    machines = case.platform.machines_to_watch(EACH)
    if not any(machines.values()):
        return Draft(StepOutcome.PASSED, "There is no machine whose rows could be watched.", "")
    keys = [MachineKey(key) for some in machines.values() for key in some]
    looks = look_repeatedly(case, keys, options.watch_s, options.look_s, "watching rows")
    rows: list[tuple[Scalar, ...]] = []
    for kind, some in machines.items():
        by_row = {
            "status": {key: status_rhythm(looks[key]) for key in some},
            "stats": {key: stats_rhythm(looks[key]) for key in some},
        }
        for row, rhythms in by_row.items():
            if rhythms:
                _observe(case, row, kind, list(rhythms.values()))
            rows += [_row(key, machines[kind][key], kind, row, one) for key, one in rhythms.items()]
    _observe_ram(case, machines, looks)
    _observe_age(case, machines, looks)
    compare_rows(case, machines["running"])
    told = ", ".join(f"{len(some)} {kind}" for kind, some in machines.items() if some)
    return Draft(
        StepOutcome.PASSED,
        f"Rows of {told} machines were looked at for {options.watch_s:g} s.",
        "",
        (observations_table(case.seen), LEARNED_ROWS.table(*rows)),
        {"seen": as_facts(case.seen)},
    )


def look_repeatedly(
    case: LearnCase, machines: Sequence[MachineKey], for_s: float, every_s: float, what: str
) -> Looks:
    """Look at the rows of these machines until the time is over. Reads only."""
    looks: dict[int, list[Written]] = {key.value: [] for key in machines}
    began = case.clock.monotonic()
    while True:
        for one in case.platform.written(machines):
            looks[one.machine].append(one)
        elapsed = case.clock.monotonic() - began
        if elapsed >= for_s or case.stop_wanted():
            return looks
        case.note(f"{what} for {elapsed:.0f} of {for_s:g} s")
        case.clock.sleep(min(every_s, max(0.1, for_s - elapsed)))


def _observe(case: LearnCase, row: str, kind: MachineKind, rhythms: Sequence[Rhythm]) -> None:
    case.observe(f"{row}_rows_{kind}", together(rhythms), in_words(rhythms))


def _observe_ram(case: LearnCase, machines: Machines, looks: Looks) -> None:
    """Whether the statistics of stopped VMs read zero, and those of running ones do not."""
    for kind in ("stopped", "running"):
        read = [one for key in machines[kind] for one in looks[key] if one.ram is not None]
        if read:
            holding = sum(bool(one.ram) for one in read)
            value = "zero" if not holding else "in use" if holding == len(read) else "mixed"
            case.observe(f"ram_of_{kind}", value, f"{holding} of {len(read)} readings had RAM in use")


def _observe_age(case: LearnCase, machines: Machines, looks: Looks) -> None:
    running = [looks[key] for key in machines["running"]]
    ages = [
        age
        for some in running
        for age in (status_rhythm(some).oldest_s, stats_rhythm(some).oldest_s)
        if age is not None
    ]
    if ages:
        how = "the greatest age of a row of a running VM at a look, by the platform's clock"
        case.observe("oldest_reading_s", f"{max(ages):.0f}", how)
    gaps = [one.longest_gap_s for some in running for one in (status_rhythm(some), stats_rhythm(some))]
    known = [gap for gap in gaps if gap is not None]
    if known and len(known) == len(gaps):
        how = (
            f"the longest time between two writes of a row of a running VM, over {counted(len(gaps), 'row')}"
        )
        case.observe("longest_gap_s", f"{max(known):.0f}", how)


def _columns_in_words(table: TableSeen) -> tuple[str, str]:
    """Whether a table's columns are as the code reads them, and how they differ."""
    if table.refused:
        return "refused", table.refused
    if not table.rows:
        return "no rows", "no row was there to look at"
    differs = [f"lacks {', '.join(table.missing)}"] if table.missing else []
    differs += [f"cannot be read: {', '.join(table.unfit)}"] if table.unfit else []
    how = "; ".join(differs) or f"{counted(len(table.columns), 'column')} in {counted(table.rows, 'row')}"
    return "differ" if differs else "as expected", how


def _tables_table(tables: Sequence[TableSeen]) -> Table:
    return LEARNED_TABLES.table(
        *(
            (
                one.name,
                one.rows,
                ", ".join(one.missing),
                ", ".join(one.unfit),
                round(one.took_s * 1000),
                one.refused,
            )
            for one in tables
        )
    )


def _as_fact(table: TableSeen) -> dict[str, object]:
    return {
        "table": table.name,
        "rows": table.rows,
        "missing": list(table.missing),
        "unreadable": list(table.unfit),
        "refused": table.refused,
        "kinds": {one.name: "/".join(one.kinds) for one in table.columns if one.kinds},
    }


def _row(key: int, name: str, kind: MachineKind, row: str, one: Rhythm) -> tuple[Scalar, ...]:
    return (key, name, kind, row, one.habit, one.writes, one.over_s, one.oldest_s)
