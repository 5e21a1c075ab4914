"""The result of a step, and its plain JSON in the journal: records are rendered from the journal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.table import Scalar, Schema, Table
from vergeos_nb.vergeos.exchange import Exchange


class StepResult(Struct, frozen=True):
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

    def rows_of(self, schema: Schema) -> Sequence[Sequence[Scalar]]:
        """The rows of its table of this name; none if it has no such table."""
        return next((table.rows for table in self.tables if table.schema.name == schema.name), ())

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
