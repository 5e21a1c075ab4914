"""The value of a literal in a filter: escapes, macros, numbers, true, false and null.

Measured by the vendor's SDK authors (pyvergeos 1.7.1 filters.py): inside quotes a backslash escapes
exactly `\\`, `'` and `{`; a balanced unescaped `{...}` is consumed silently; an unbalanced `{` is 422;
`}` is inert.
"""

from __future__ import annotations

import math

from vergeos_nb.simulator.api.messages import invalid_argument
from vergeos_nb.simulator.grammar.parse import parse_macro
from vergeos_nb.simulator.grammar.syntax import Literal, Macro

Scalar = str | int | float | bool | None

_ESCAPABLE = "\\'{"
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def literal_value(literal: Literal, now: float) -> Scalar:
    """Return the value of `literal` at the time `now` (seconds since the epoch, for `{$now}`).

    Raises:
        ApiError: 422 for an unbalanced `{` in a string.
    """
    if literal.kind == "number":
        return read_number(literal.text)
    if literal.kind == "bare":
        return _WORDS.get(literal.text, literal.text)
    if literal.kind == "macro":
        return _macro_value(literal.macro, now)
    return _text_value(literal.text, now)


def has_macro(literal: Literal) -> bool:
    """Is there an unescaped `{` in this quoted text?"""
    text = literal.text.replace("\\\\", "").replace("\\{", "")
    return literal.kind == "string" and "{" in text


def read_number(text: str) -> int | float:
    """Read an integer or a decimal number.

    Raises:
        ApiError: 422 if it has more digits than any column can hold.
    """
    if len(text) > 40:
        raise invalid_argument()
    value = float(text) if "." in text else int(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid_argument()
    return value


def _text_value(text: str, now: float) -> Scalar:
    parts: list[Scalar] = []
    plain: list[str] = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\\" and text[index + 1 : index + 2] in tuple(_ESCAPABLE):
            plain.append(text[index + 1])
            index += 2
        elif character == "{":
            end = _closing_brace(text, index)
            parts += ["".join(plain), _macro_value(parse_macro(text[index:end]), now)]
            plain = []
            index = end
        else:
            # A backslash before anything else stays a backslash (assumed).
            plain.append(character)
            index += 1
    parts.append("".join(plain))
    meaningful = [part for part in parts if part not in ("", None)]
    if len(meaningful) == 1 and isinstance(meaningful[0], int):
        return meaningful[0]  # '{$now}' alone is a number, so that it compares with timestamps
    return "".join(str(part) for part in meaningful)


def _closing_brace(text: str, start: int) -> int:
    depth = 0
    index = start
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    raise invalid_argument()


def _macro_value(macro: Macro | None, now: float) -> int | None:
    """Evaluate `{$now}`, `{$add(a,b)}` and `{$sub(a,b)}`; any other macro is consumed and leaves nothing."""
    if macro is None:
        return None
    if macro.name == "now" and not macro.arguments:
        return int(now)
    if macro.name in ("add", "sub") and len(macro.arguments) == 2:
        values = [a if isinstance(a, int) else _macro_value(a, now) for a in macro.arguments]
        left, right = values
        if left is not None and right is not None:
            return left + right if macro.name == "add" else left - right
    return None
