"""API calls for people: a repeated reading is one line. The journal holds each call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vergeos_nb.masking import cut
from vergeos_nb.procedure.values.table import Schema, Table
from vergeos_nb.vergeos.exchange import Exchange

CALL_GROUPS = Schema(
    "call_groups",
    "API calls, the same reading in one line; the journal holds each of them",
    (
        ("times", "int"),
        ("first", "time"),
        ("last", "time"),
        ("call", "text"),
        ("answered", "text"),
        ("what_came_back", "text"),
    ),
)
# Of an answer in a view. The journal and the DataFrame ``calls`` hold it whole.
LONGEST_ANSWER = 160
MOST_FIELDS = 5
LONGEST_VALUE = 24
MOST_GROUPS = 60


def call_groups(exchanges: Sequence[Exchange]) -> Table:
    """The calls in the order of their first sending. Every changing call is a line of its own."""
    groups: dict[Any, list[Exchange]] = {}
    for call in exchanges:
        groups.setdefault(call.number if call.changing else _reading(call), []).append(call)
    rows = [_row(group) for group in groups.values()]
    half = MOST_GROUPS // 2
    return CALL_GROUPS.table(*(rows if len(rows) <= MOST_GROUPS else (*rows[:half], *rows[-half:])))


def _reading(call: Exchange) -> tuple[Any, ...]:
    """A key that repetitions of a reading share. Numbers in filters are left out: they are times or pages."""
    asked = tuple((name, re.sub(r"\d+", "#", value)) for name, value in sorted(call.query.items()))
    return call.method, call.path, asked, call.status, bool(call.error)


def _row(group: Sequence[Exchange]) -> tuple[int, float, float | None, str, str, str]:
    first, last = group[0], group[-1]
    answered = str(last.status) if last.status is not None else "no answer"
    return (
        len(group),
        first.sent_at,
        last.sent_at if len(group) > 1 else None,
        _told(first),
        answered,
        _came(group),
    )


def _told(call: Exchange) -> str:
    # A reader wants to know which rows were read. The fields are in the journal.
    asked = [f"{name}={value}" for name, value in call.query.items() if name != "fields"]
    body = [] if call.body is None else [json.dumps(call.body, ensure_ascii=False)]
    return " ".join([call.method, call.path, *asked, *body])


def _came(group: Sequence[Exchange]) -> str:
    last = group[-1]
    if len(group) == 1 or last.error or last.status is None or last.status >= 400:
        answer = (
            "" if last.answer is None else cut(json.dumps(last.answer, ensure_ascii=False), LONGEST_ANSWER)
        )
        return " ".join(part for part in (answer, last.error) if part)
    changed = _changed([call.answer for call in group])
    if not changed:
        return "nothing changed"
    names = [f"{name} {_value(was)} → {_value(now)}" for name, (was, now) in changed.items()]
    more = f" and {len(names) - MOST_FIELDS} more" if len(names) > MOST_FIELDS else ""
    return f"nothing changed but {', '.join(names[:MOST_FIELDS])}{more}"


def _changed(answers: Sequence[Any]) -> Mapping[str, tuple[Any, Any]]:
    """The fields that were not always the same: their first and their last value."""
    changed: dict[str, tuple[Any, Any]] = {}
    before = dict(_fields(answers[0]))
    first = before
    for earlier, answer in zip(answers, answers[1:], strict=False):
        if answer == earlier:
            continue
        now = dict(_fields(answer))
        for name in dict.fromkeys((*before, *now)):
            if before.get(name) != now.get(name):
                changed[name] = (first.get(name), now.get(name))
        before = now
    return {name: (was, before.get(name)) for name, (was, _) in changed.items()}


def _fields(answer: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a row, or of each row of a list under its key."""
    if isinstance(answer, Mapping):
        yield from ((str(name), value) for name, value in answer.items())
    elif isinstance(answer, list):
        yield "rows", len(answer)
        for at, row in enumerate(answer):
            if isinstance(row, Mapping):
                key = row.get("$key", at)
                yield from ((f"{name} of {key}", value) for name, value in row.items())
            else:
                yield str(at), row
    else:
        yield "answer", answer


def _value(value: Any) -> str:
    return "nothing" if value is None else cut(json.dumps(value, ensure_ascii=False), LONGEST_VALUE)
