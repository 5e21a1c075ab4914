"""The eleven operators of a filter, with the platform's own semantics.

`eq`, `bw`, `ew`, `cs` and `rx` heed case, `ct` does not; an empty `bw`, `ew`, `cs`, `ct` or `rx` matches
every row (measured for bw and rx: pyvergeos 1.7.1 filters.py). Any other word is 422.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.grammar import posix_regex
from vergeos_nb.simulator.grammar.literals import Scalar

Test = Callable[[Any], bool]

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "bw": str.startswith,
    "ew": str.endswith,
    "cs": lambda text, part: part in text,
    "ct": lambda text, part: part.casefold() in text.casefold(),
    "rx": lambda text, pattern: posix_regex.search(pattern, text),
}
OPERATORS = ("eq", "ne", *_ORDERED, *_TEXTUAL)


def comparison(operator: str, value: Scalar, *, bare: bool = False) -> Test:
    """Return the test of a column's value against a literal; `bare` marks an unquoted word.

    Raises:
        ApiError: 422 `Invalid argument` for an operator that does not exist, and for an unquoted word
            with any operator but `eq` and `ne` (assumed).
    """
    if operator not in OPERATORS or (bare and isinstance(value, str) and operator not in ("eq", "ne")):
        raise invalid_argument()
    if operator == "eq":
        return lambda found: equal(found, value)
    if operator == "ne":
        return lambda found: not equal(found, value)
    if operator in _ORDERED:
        return _ordered(_ORDERED[operator], value)
    wanted = as_text(value)
    test = _TEXTUAL[operator]
    if wanted == "":
        return lambda found: True
    return lambda found: found is not None and test(as_text(found), wanted)


def as_text(value: Any) -> str:
    """Return a scalar as the platform would print it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def equal(found: Any, wanted: Scalar) -> bool:
    """Compare a stored value with a literal: numbers and booleans also match their text (assumed)."""
    if found is None or wanted is None:
        return found is None and wanted is None
    if isinstance(found, bool):
        return as_text(found) == as_text(wanted) or (wanted in (0, 1) and found == wanted)
    if isinstance(wanted, bool):
        return found in (0, 1) and not isinstance(found, str) and found == wanted
    if isinstance(found, (int, float)) and isinstance(wanted, str):
        return as_text(found) == wanted
    if isinstance(found, str) and isinstance(wanted, (int, float)):
        return found == as_text(wanted)
    return bool(found == wanted)


def _ordered(test: Callable[[Any, Any], bool], wanted: Scalar) -> Test:
    def compare(found: Any) -> bool:
        if found is None or wanted is None:
            return False
        if isinstance(found, (int, float)) and isinstance(wanted, (int, float)):
            return test(found, wanted)
        if isinstance(found, str) and isinstance(wanted, str):
            return test(found, wanted)
        return False

    return compare
