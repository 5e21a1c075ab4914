"""What `learn_platform` finds out: the platform's tables, its filters, and when rows are written. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

# How the code reads a column. A key or whole number can come as text, a truth value as 0, 1 or text.
ReadAs = Literal["key", "whole", "number", "text", "word", "truth", "time", "numbers"]


class ColumnSeen(Struct, frozen=True):
    """One column of a table that the code reads.

    Attributes:
        expected: how the code reads it.
        kinds: the JSON types of its values, including ``null``; empty if no row had the column.
        fits: whether the code can read all its values; None if there were none.
    """

    name: str
    expected: ReadAs
    kinds: tuple[str, ...]
    fits: bool | None


class TableSeen(Struct, frozen=True):
    """A table as the platform returned it.

    Attributes:
        rows: how many rows were read.
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
        """The columns that no row had, if there were rows."""
        return tuple(one.name for one in self.columns if self.rows and not one.kinds)

    @property
    def unfit(self) -> tuple[str, ...]:
        """The columns with a value that the code cannot read."""
        return tuple(one.name for one in self.columns if one.fits is False)


class Grammar(Struct, frozen=True):
    """How the platform answers filters.

    Attributes:
        no_match: the answer to a filter that matches no row, as JSON.
        unknown_column: how many rows a filter returns on a column that no table has.
        braces: the same if the filter's text is in unescaped braces.
        any_rows: whether the table has any rows. If not, the two numbers mean nothing.
    """

    no_match: str
    unknown_column: int
    braces: int
    any_rows: bool


class Written(Struct, frozen=True):
    """When the rows of one machine were written, by one reading. Seconds since 1970, the platform's clock.

    Attributes:
        looked_at: when the answer came, by the platform's clock, or by ours if the answer has no time.
        running: what the status row says; None if there is no such row.
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
