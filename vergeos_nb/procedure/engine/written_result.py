"""A step's result as it is read back from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.procedure.evidence.witnesses.roll import samples_schema
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import EVIDENCE, SCHEMAS
from vergeos_nb.procedure.values.table import Schema, Table
from vergeos_nb.vergeos.exchange import Exchange


def result_from_dict(data: Mapping[str, Any], exchanges: Mapping[int, Exchange]) -> StepResult:
    """The result from which ``StepResult.as_dict`` was made. ``exchanges`` are by their number.

    Raises:
        KeyError: a field, a table's schema or an exchange is missing.
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
        tables=tuple(_table(t["name"], t["rows"]) for t in data["tables"]),
        facts=data["facts"],
        exchanges=tuple(exchanges[number] for number in data["exchanges"]),
        error=data["error"],
    )


def schemas() -> Mapping[str, Schema]:
    """Every table that a step can show, by name."""
    samples = samples_schema()
    return {**SCHEMAS, samples.name: samples}


def _table(name: str, rows: Sequence[Sequence[Any]]) -> Table:
    schema = schemas()[name]
    # An older version had fewer witnesses, so its table of readings has fewer columns.
    # Its votes had no strength.
    if rows and name in (samples_schema().name, EVIDENCE.name):
        schema = schema.first(len(rows[0]))
    return schema.table(*(tuple(row) for row in rows))
