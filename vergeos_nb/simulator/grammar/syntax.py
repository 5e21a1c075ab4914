"""The syntax tree of a query: frozen data without tables or rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Column:
    """A column, an alias, a view or the start of a traversal, by name."""

    name: str


@dataclass(frozen=True)
class Nested:
    """`name[...]`: a selection from the row (or rows) behind a column."""

    name: str
    fields: Fields


@dataclass(frozen=True)
class Call:
    """`name(...)`: one of the platform's functions."""

    name: str
    arguments: tuple[Argument, ...]


Step: TypeAlias = "Column | Nested | Call"


@dataclass(frozen=True)
class Path:
    """`a#b#c`."""

    steps: tuple[Step, ...]

    @property
    def only(self) -> Step | None:
        """The step of a path that has no other."""
        return self.steps[0] if len(self.steps) == 1 else None


@dataclass(frozen=True)
class Macro:
    """`{$name}` or `{$name(a,b)}` with macros or integers as arguments."""

    name: str
    arguments: tuple[Macro | int, ...] = ()


@dataclass(frozen=True)
class Literal:
    """The right side of a comparison, unread: `kind` is string, number, bare or macro."""

    kind: str
    text: str
    macro: Macro | None = None


@dataclass(frozen=True)
class Comparison:
    """`path operator literal`; the operator may be a word that does not exist."""

    path: Path
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Chain:
    """Terms joined by `and`/`or`, to be read strictly from left to right."""

    first: Comparison | Chain
    rest: tuple[tuple[str, Comparison | Chain], ...]


@dataclass(frozen=True)
class Entry:
    """One entry of `fields=`; `text` is how it was written, without its alias."""

    expression: Path | Comparison
    alias: str | None
    text: str

    @property
    def label(self) -> str:
        """The key the value comes back under (for an un-aliased traversal: assumed)."""
        return self.alias if self.alias is not None else self.text


@dataclass(frozen=True)
class Fields:
    """All entries of one `fields=` list or of one pair of brackets."""

    entries: tuple[Entry, ...]


Expression: TypeAlias = "Path | Comparison"
Argument: TypeAlias = "Path | Comparison | Literal"
