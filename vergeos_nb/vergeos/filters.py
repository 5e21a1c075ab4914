r"""The filter and fields grammar of the API, as a client writes it. Pure text in, pure text out.

`quote` is the one place that puts text into a filter. The grammar, with its sources:

- A text literal stands in single quotes; a backslash escapes ``\``, ``'`` and ``{`` and nothing else. A
  balanced unescaped ``{…}`` is taken for a macro and silently dropped, so that *another* name matches
  (measured by the vendor: pyvergeos 1.7.1, ``filters.py``; confirmed by govergeos).
- ``and`` and ``or`` have no precedence and are read from left to right (pyvergeos 1.7.1), so every joined
  part gets parentheses here.
- A filter on an unknown column matches nothing and an unknown field is dropped, both without an error, so
  both are checked for their shape here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NewType

from vergeos_nb.errors import UsageError
from vergeos_nb.masking import cut

Filter = NewType("Filter", str)
"""A complete filter expression, made by the functions of this module only."""

Fields = NewType("Fields", str)
"""A complete value of the query parameter ``fields``."""


class Behind(str):
    """One entry of ``fields``: the row, or rows, behind a column. Made by `behind` only."""

    __slots__ = ()


NAME_MAX = 128
"""Longest name of a VM in characters (the vendor's schema, in tsvergeos: 1 to 128)."""

_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of pairs, line and paragraph separators
_COLUMN = r"\$?[A-Za-z_][A-Za-z0-9_]*"
_PATH = re.compile(rf"{_COLUMN}(?:#{_COLUMN})*")
_FIELD = re.compile(rf"{_COLUMN}(?:#{_COLUMN})*(?: as [A-Za-z_][A-Za-z0-9_]*)?")


def quote(text: str) -> str:
    r"""Text as a literal of a filter: in single quotes, with ``\``, ``'`` and ``{`` escaped.

    Raises:
        UsageError: the text holds a control character, a line separator or half of a surrogate pair. They
            cannot be seen, and what the platform makes of them is not documented.
    """
    for position, character in enumerate(text):
        if unicodedata.category(character) in _UNSEEN:
            raise UsageError(
                f"using {text!r} in a filter",
                f"character {position + 1} is U+{ord(character):04X}, which cannot be seen",
                "type the text instead of pasting it; a name holds only visible characters and blanks",
            )
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "\\{")
    return f"'{escaped}'"


def check_name(name: str) -> str:
    """The name itself, if a VM can have it.

    Raises:
        UsageError: it is empty, longer than `NAME_MAX`, or holds control characters.
    """
    if not name:
        raise UsageError("finding a VM by its name", "the name is empty", "give the VM's name")
    if len(name) > NAME_MAX:
        raise UsageError(
            f"finding the VM {cut(name, 41)!r}",
            f"the name has {len(name)} characters, and a VM's name has at most {NAME_MAX}",
            "check the text that you pasted; the name is at the top of the VM's page",
        )
    quote(name)
    return name


def is_name(name: str) -> bool:
    """Whether a VM of this name can be found by a filter."""
    try:
        check_name(name)
    except UsageError:
        return False
    return True


def eq(column: str, value: str | int | bool) -> Filter:
    """``column eq value``; text is compared exactly, upper and lower case being different."""
    return _compare(column, "eq", value)


def at_least(column: str, value: int) -> Filter:
    """``column ge value``, for numbers."""
    return _compare(column, "ge", value)


def above(column: str, value: int) -> Filter:
    """``column gt value``, for numbers."""
    return _compare(column, "gt", value)


def contains(column: str, text: str) -> Filter:
    """``column ct 'text'``; upper and lower case are the same (pyvergeos 1.7.1).

    Raises:
        UsageError: the text is empty, which matches every row.
    """
    if not text:
        asked = f"searching {column} for a text"
        raise UsageError(asked, "the text is empty and would match every row", "give a part of the text")
    return _compare(column, "ct", text)


def and_(*filters: Filter) -> Filter:
    """Rows that match all of these filters."""
    return _join("and", filters)


def or_(*filters: Filter) -> Filter:
    """Rows that match any of these filters."""
    return _join("or", filters)


def any_of(column: str, values: Iterable[str | int]) -> Filter:
    """Rows whose column has one of these values.

    Raises:
        UsageError: there are no values. An empty filter would match every row.
    """
    return or_(*(eq(column, value) for value in values))


def fields(*entries: str) -> Fields:
    """The value of ``fields``: columns, traversals (``a#b#c``) and aliases (``a#b as c``), in this order.

    Raises:
        UsageError: an entry has none of these forms; the platform would drop it without an error.
    """
    if not entries:
        raise UsageError("asking for fields", "none is named", "name the fields that are wanted")
    for entry in entries:
        if not isinstance(entry, Behind) and not _FIELD.fullmatch(entry):
            raise UsageError(
                f"asking for the field {entry!r}",
                "it is not a column, a traversal or an alias",
                "write it as a#b as c",
            )
    return Fields(",".join(entries))


def behind(column: str, *entries: str, named: str = "") -> Behind:
    """An entry of `fields`: what the column points to, with these fields (``a[b,c]``).

    A link gives an object, and a column of rows gives a list (vendor's API guide: ``groups[all] as g``).

    Args:
        named: the name under which it comes; by default the column's.

    Raises:
        UsageError: the column or an entry has none of the forms that `fields` takes.
    """
    name = f" as {fields(named)}" if named else ""
    return Behind(f"{fields(column)}[{fields(*entries)}]{name}")


def _compare(column: str, operator: str, value: str | int | bool) -> Filter:
    if not _PATH.fullmatch(column):
        raise UsageError(
            f"filtering by {column!r}", "it is not a column", "name a column, or a traversal a#b"
        )
    return Filter(f"{column} {operator} {_literal(value)}")


def _literal(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else quote(value)


def _join(word: str, filters: tuple[Filter, ...]) -> Filter:
    if not filters:
        came_back = "there are none, and an empty filter matches every row"
        raise UsageError(f"joining filters with {word}", came_back, "give a filter, or ask without one")
    if len(filters) == 1:
        return filters[0]
    return Filter(f" {word} ".join(f"({one})" for one in filters))
