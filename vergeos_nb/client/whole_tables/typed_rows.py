"""Rows of a page by declared columns: decoded without a dictionary per row, and gathered as columns.

A page whose values have the declared types is decoded in one step. Any other page is read as single rows are,
with every allowance.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from string import ascii_lowercase
from typing import Annotated, Any, Literal

import msgspec

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.transport.decoding import decoded
from vergeos_nb.client.whole_tables.table_size import (
    MOST_KEPT,
    OF_A_CELL,
    OF_A_LETTER,
    check_size,
    size_of,
)
from vergeos_nb.errors import NotJson
from vergeos_nb.vergeos.rows import Columns

Wanted = tuple[str, str, str]
"""A column's name, its way from the table, and its kind: key, text, int, time, number, word or bool. The
first is the table's own key."""


def sent_as(wanted: Sequence[Wanted]) -> Mapping[str, str]:
    """By column, the name that it has in the rows that the platform sends.

    Each row repeats it, and names of one letter halve the answer.
    """
    letters = dict(zip((name for name, _, _ in wanted), ascii_lowercase, strict=False))
    return {name: path if path == "$key" else letters[name] for name, path, _ in wanted}


_TYPES: dict[str, Any] = {
    "key": Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)],
    "text": str,
    "int": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "time": Annotated[int, msgspec.Meta(ge=0, lt=decoded_rows.LAST_TIME)] | None,
    "number": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
    | None,
    "word": str | None,
    "bool": bool | None,
}
_WHOLE_NUMBERS = ("key", "int", "time", "number")
# So few tuples that the garbage collector, which counts them, is hardly called.
_AT_ONCE = 120


class Gathering:
    """Pages of rows, turned into columns one by one.

    A column of whole numbers is an ``array``, eight bytes a value, until one of them is missing or has a
    fraction; then it is a list, as every other column is. The same word is kept once.

    Attributes:
        columns: what was gathered so far; ``unread`` names the fields of a row that cannot be read.
    """

    def __init__(self, wanted: Sequence[Wanted], table: str, asked: str) -> None:
        self._wanted, self._table, self._asked = tuple(wanted), table, asked
        self._words = _Words()
        self._at_most = 0
        self.columns = self._empty()

    def decode(self, content: bytes) -> tuple[Columns, Sequence[int]]:
        """The rows of a page as columns, and their keys."""
        self._at_most += OF_A_LETTER * len(content)
        try:
            page: list[Any] = decode_rows(content, self._wanted)
            unread = [""] * len(page)
        except (msgspec.DecodeError, RecursionError):
            # A value is not a plain number or truth value: read each row alone, or name the error.
            ours = {sent: name for name, sent in sent_as(self._wanted).items() if sent != "$key"}
            rows = [
                {ours.get(sent, sent): value for sent, value in row.items()} if isinstance(row, dict) else row
                for row in rows_in(content, self._table, self._asked)
            ]
            read = [_row(row, self._wanted, self._table, self._asked) for row in rows]
            page, unread = [row for row, _ in read], [told for _, told in read]
        columns = self._empty()
        for first in range(0, len(page), _AT_ONCE):
            # Each row as a tuple, and the other way round.
            some = zip(*map(msgspec.structs.astuple, page[first : first + _AT_ONCE]), strict=True)
            for (name, _, kind), values in zip(self._wanted, some, strict=False):
                _extend(columns, name, map(self._words.__getitem__, values) if kind == "word" else values)
        columns["unread"] = unread
        return columns, columns[self._wanted[0][0]]

    def add(self, page: Columns) -> None:
        """Append a page.

        Raises:
            BadAnswer: all pages together need more memory than a table may.
        """
        for name, values in page.items():
            _extend(self.columns, name, values)
            self._at_most += OF_A_CELL * len(values)
        if self._at_most > MOST_KEPT:  # only then the size matters, which takes a while to find out
            self._at_most = size_of(self.columns)
            check_size(self._at_most, MOST_KEPT, self._table, self._asked)

    def _empty(self) -> dict[str, Any]:
        columns = {name: array("q") if kind in _WHOLE_NUMBERS else [] for name, _, kind in self._wanted}
        return {**columns, "unread": []}


def _extend(columns: dict[str, Any], name: str, values: Any) -> None:
    column = columns[name]
    if isinstance(column, array) and not isinstance(values, array):
        try:
            # In one step for all, which takes a third of the time of `extend`.
            values = struct.pack(f"{len(values)}q", *values)
        except struct.error:
            column = columns[name] = column.tolist()
        else:
            column.frombytes(values)
            return
    column.extend(values)


class _Words(dict[str | None, str]):
    """The same few words over and over, each kept once; "" for null."""

    def __missing__(self, word: str | None) -> str:
        self[word] = word or ""
        return self[word]


def decode_rows(content: bytes, wanted: Sequence[Wanted]) -> list[Any]:
    """The rows of a page as objects with these columns.

    Raises:
        msgspec.DecodeError: it is not JSON, or a value is of another type.
        RecursionError: it is nested too deep.
    """
    # A type made at run time.
    rows: list[Any] = _decoder(tuple(wanted)).decode(content)
    return rows


def rows_in(content: bytes, table: str, asked: str) -> list[Any]:
    """The rows of a page as dictionaries.

    Raises:
        NotJson, WrongShape, ErrorInAnswer: they are none.
    """
    try:
        return decoded_rows.rows_of(decoded(content), table, asked)
    except ValueError as error:
        raise NotJson(
            asked, f"the answer for {table} is not JSON", "check that the host is a VergeOS system"
        ) from error


@cache
def _struct(wanted: tuple[Wanted, ...]) -> Any:
    """One row as an object without a dictionary: a tenth of the time and memory."""
    fields: list[Any] = [
        (name, _TYPES[kind]) if kind in ("key", "text") else (name, _TYPES[kind], None)
        for name, _, kind in wanted
    ]
    # A row with an error in it has another type, and is judged as a single row is.
    fields.append(("err", Literal["", None], None))
    first, *others = sent_as(wanted).items()
    fields[0] = ("key", *fields[0][1:])
    return msgspec.defstruct(
        "TypedRow", fields, rename={"key": first[1], **dict(others)}, gc=False, kw_only=True
    )


@cache
def _decoder(wanted: tuple[Wanted, ...]) -> Any:
    return msgspec.json.Decoder(list[_struct(wanted)])  # type: ignore[misc]


def _row(row: Any, wanted: tuple[Wanted, ...], table: str, asked: str) -> tuple[Any, str]:
    """One row, read with every allowance that single rows get, and its fields that cannot be read."""
    of = decoded_rows.RowFields(row, table, asked)
    (_, key, _), *others = wanted
    read = {name: _checked(of, name, kind) for name, _, kind in others}
    return _struct(wanted)(key=of.key(key), **read), "; ".join(of.unread)


def _checked(of: decoded_rows.RowFields, name: str, kind: str) -> Any:
    """A field: one VM's odd value is named, and does not keep all others from being read."""
    match kind:
        case "text":
            return of.text(name)
        case "key":
            return of.key(name)
        case "bool":
            return of.seen_truth(name)
        case "word":
            return of.seen_text(name)
        case "time":
            return of.seen_time(name)
        case "number":
            return of.seen_number(name)
    return of.seen_integer(name)
