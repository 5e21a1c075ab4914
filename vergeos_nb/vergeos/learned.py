"""What a look at the platform itself brings: its tables as they are, and when rows are written. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

# How the code reads a column: a key and a whole number may come as text, a truth value as 0, 1 or text.
ReadAs = Literal["key", "whole", "number", "text", "word", "truth", "time", "numbers"]


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """One column of a table that the code reads.

    Attributes:
        expected: how the code reads it.
        kinds: the JSON types that came, ``null`` among them; empty where no row had the column.
        fits: whether the code can read every value that came; None where none came.
    """

    name: str
    expected: ReadAs
    kinds: tuple[str, ...]
    fits: bool | None


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table as the platform gave it.

    Attributes:
        rows: how many rows were looked at.
        took_s: the time of the call in seconds.
        refused: the platform's refusal, or "".
    """

    name: str
    rows: int = 0
    columns: Sequence[ColumnSeen] = ()
    took_s: float = 0.0
    refused: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns that no row had, although there were rows."""
        return tuple(one.name for one in self.columns if self.rows and not one.kinds)

    @property
    def unfit(self) -> tuple[str, ...]:
        """Columns with a value that the code cannot read."""
        return tuple(one.name for one in self.columns if one.fits is False)


@dataclass(frozen=True, slots=True)
class Grammar:
    """How the platform answers filters.

    Attributes:
        no_match: the answer without a row, as JSON.
        unknown_column: rows that a filter on a column brings that no table has.
        braces: the same with a text in unescaped braces.
        any_rows: whether the table has a row at all, without which the two others mean nothing.
    """

    no_match: str
    unknown_column: int
    braces: int
    any_rows: bool


@dataclass(frozen=True, slots=True)
class Written:
    """When the rows of one machine were written, as one look saw it. Seconds since 1970, by the platform.

    Attributes:
        looked_at: the platform's clock at the answer, or ours where it tells none.
        running: what the status row says; None where there is no such row.
        status_at: ``last_update`` of the status row.
        has_stats: whether there is a stats row.
        stats_at: ``modified`` of the stats row.
        cpu, ram: percent and MB in the stats row.
    """

    machine: int
    looked_at: float
    running: bool | None = None
    status_at: int | None = None
    has_stats: bool = False
    stats_at: int | None = None
    cpu: float | None = None
    ram: float | None = None


MachineKind = Literal["running", "stopped", "node"]
# Machines to watch, by kind, each with its name.
Machines = Mapping[MachineKind, Mapping[int, str]]
