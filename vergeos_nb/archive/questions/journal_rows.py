"""Rows of sealed journals: steps, calls and evidence. Journals of every older version have the same rows.

Only what the rows need is decoded, because an archive of years has millions of lines. A field that an older
version did not write is missing in its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from vergeos_nb.journal.alike import EVENT as ALIKE
from vergeos_nb.procedure.runbooks.catalog import act_in, role_of
from vergeos_nb.procedure.values.step_tables import EVIDENCE
from vergeos_nb.procedure.values.table import Scalar, Schema
from vergeos_nb.shapes import Unfit, object_of_line
from vergeos_nb.vergeos.exchange import API_PATH

Row = tuple[Scalar, ...]

STEPS = Schema(
    "steps",
    "Every step that ended",
    (
        ("record", "text"), ("line", "int"), ("step", "text"), ("role", "text"), ("outcome", "text"),
        ("began_at", "time"), ("ended_at", "time"), ("took_s", "float"), ("calls", "int"),
        ("verdict", "text"), ("rests_on", "text"), ("summary", "text"), ("error", "text"),
    ),
)  # fmt: skip
ARCHIVED_CALLS = Schema(
    "calls",
    "Every API call",
    (
        ("record", "text"), ("number", "int"), ("step", "text"), ("method", "text"), ("table", "text"),
        ("path", "text"), ("changing", "bool"), ("act", "text"), ("attempt", "int"), ("sent_at", "time"),
        ("elapsed_s", "float"), ("status", "int"), ("error", "text"),
    ),
)  # fmt: skip
WITNESSED = Schema(
    "evidence",
    "What every source said, each time that a verdict was made",
    (
        ("record", "text"), ("line", "int"), ("step", "text"), ("at", "time"), ("verdict", "text"),
        *EVIDENCE.columns,
    ),
)  # fmt: skip


class _Facts(Struct, frozen=True):
    verdict: str | None = None
    rests_on: str | None = None


class _Error(Struct):
    type: str = ""
    came_back: str = ""


class _Rows(Struct):
    name: str
    rows: msgspec.Raw = msgspec.Raw(b"[]")


class _Result(Struct):
    step: str
    outcome: str
    began_at: float | None = None
    ended_at: float | None = None
    summary: str = ""
    facts: _Facts = _Facts()
    tables: list[_Rows] = []
    exchanges: list[int] = []
    error: _Error | None = None


class _Call(Struct):
    number: int
    method: str
    path: str
    changing: bool = False
    attempt: int | None = None
    sent_at: float | None = None
    elapsed_s: float | None = None
    status: int | None = None
    error: str = ""
    body: dict[str, Any] | None = None


class _Alike(Struct):
    number: int
    like: int
    differs: list[list[Any]] = []


class _StepLine(Struct):
    n: int
    result: _Result


class _SettledLine(_StepLine):
    exchanges: list[_Call] = []


class _Began(Struct):
    step: str = ""


# Every version writes the number, the time and the event first; other lines are decoded to find out.
_EVENT = re.compile(rb'\{"n": ?\d{1,12}, ?"at": ?"[^"]{1,40}", ?"event": ?"([a-z-]{1,40})"')
_SETTLED: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_SettledLine)
_STEP_EVENTS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "step-ended": msgspec.json.Decoder(_StepLine),
    "settled": _SETTLED,
}
_CALL = msgspec.json.Decoder(_Call)
_ALIKE = msgspec.json.Decoder(_Alike)
_BEGAN = msgspec.json.Decoder(_Began)
_EVIDENCE_ROWS = msgspec.json.Decoder(list[list[Any]])


def steps_of(record: str, runbook: str, journal: bytes) -> Iterator[Row]:
    """Rows of `STEPS`."""
    for line in _results(journal):
        of = line.result
        yield (
            record, line.n, of.step, role_of(runbook, of.step), of.outcome, of.began_at, of.ended_at,
            _span(of), len(of.exchanges), of.facts.verdict, of.facts.rests_on, of.summary,
            f"{of.error.type}: {of.error.came_back}" if of.error else None,
        )  # fmt: skip


def evidence_of(record: str, runbook: str, journal: bytes) -> Iterator[Row]:
    """Rows of `WITNESSED`. A plan repeats the evidence of the verdict that it rests on; that is left out."""
    width = len(EVIDENCE.columns)
    for line in _results(journal):
        of = line.result
        if role_of(runbook, of.step) == "plan":
            continue
        for table in of.tables:
            if table.name != EVIDENCE.name:
                continue
            for told in _EVIDENCE_ROWS.decode(table.rows):
                cells = [None if cell is None else str(cell) for cell in told[:width]]
                padded = (*cells, *[None] * (width - len(cells)))
                yield (record, line.n, of.step, of.ended_at, of.facts.verdict, *padded)


def calls_of(record: str, runbook: str, journal: bytes) -> Iterator[Row]:
    """Rows of `ARCHIVED_CALLS`, also of the calls that a recovery made later."""
    step = ""
    whole: dict[int, _Call] = {}
    for event, raw in _lines(journal):
        if event == "step-began":
            began = _decoded(_BEGAN, raw)
            step = began.step if began else ""
        elif event == "exchange":
            if (call := _decoded(_CALL, raw)) is not None:
                whole[call.number] = call
                yield _call_row(record, runbook, step, call)
        elif event == ALIKE:
            if (call := _like_earlier(_decoded(_ALIKE, raw), whole)) is not None:
                yield _call_row(record, runbook, step, call)
        elif event == "settled" and (line := _decoded(_SETTLED, raw)) is not None:
            for call in line.exchanges:
                yield _call_row(record, runbook, line.result.step, call)


def _like_earlier(line: _Alike | None, whole: Mapping[int, _Call]) -> _Call | None:
    if line is None or (like := whole.get(line.like)) is None:
        return None
    own = {place[0]: place[1] for place in line.differs if len(place) == 2}
    differs = {name: own[name] for name in like.__struct_fields__ if name in own}
    return msgspec.structs.replace(like, **{**differs, "number": line.number})


def _call_row(record: str, runbook: str, step: str, call: _Call) -> Row:
    act = act_in(runbook, call.path, call.body) if call.changing else None
    return (
        record, call.number, step or None, call.method, _table(call.path), call.path, call.changing,
        act or None, call.attempt, call.sent_at, call.elapsed_s, call.status, call.error or None,
    )  # fmt: skip


def _table(path: str) -> str:
    return path.removeprefix(f"{API_PATH}/").partition("/")[0]


def _results(journal: bytes) -> Iterator[Any]:
    for event, raw in _lines(journal):
        if (decoder := _STEP_EVENTS.get(event)) is not None and (line := _decoded(decoder, raw)) is not None:
            yield line


def _lines(journal: bytes) -> Iterator[tuple[str, bytes]]:
    """Event and bytes of each line. Lines that are none, as after a death, are left out."""
    for raw in journal.split(b"\n"):
        if (found := _EVENT.match(raw)) is not None:
            yield found[1].decode(), raw
        elif raw:
            line = _object(raw)
            if isinstance(event := line.get("event"), str):
                yield event, raw


def _decoded(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    """The line; None where its fields are not those of its event."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Half of a surrogate pair, which a platform can send, is JSON; msgspec reads none. It stays escaped.
        try:
            return decoder.decode(raw.replace(b"\\ud", b"\\\\ud"))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        return object_of_line(raw)
    except Unfit:
        return {}


def _span(of: _Result) -> float | None:
    if of.began_at is None or of.ended_at is None:
        return None
    return round(max(0.0, of.ended_at - of.began_at), 3)
