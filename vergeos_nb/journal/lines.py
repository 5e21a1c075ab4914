"""The shapes of a journal's lines. Other fields, and lines of unknown events, are kept.

A line that lacks one of these fields is damaged, because readers rely on them. A field that was added later
has a default, so that journals of older versions can be read for ever.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from vergeos_nb.canonical import finite
from vergeos_nb.journal.alike import EVENT as ALIKE
from vergeos_nb.journal.alike import Earlier
from vergeos_nb.shapes import Unfit, fit, object_of_line
from vergeos_nb.vergeos.exchange import EXCHANGE_FIELDS, Exchange, Time

Count = Annotated[int, Meta(ge=1)]
Text = str | None
Plain = dict[str, Any]


class JournalLine(Struct):
    """Any line."""

    n: Count
    at: datetime
    event: str


class RunOpened(JournalLine):
    runbook: Text = None
    parameters: Plain = {}
    operator: Text = None
    on_host: Text = None
    pid: int | None = None
    profile: Any = None
    versions: Plain = {}
    session: str = ""


class ProfileLine(JournalLine):
    host: Text = None
    who: Text = None
    tls: Text = None


class StepBegan(JournalLine):
    step: str
    title: str = ""


class Intent(JournalLine):
    method: str
    path: str
    body: Plain | None


class Parameters(JournalLine):
    changed: Plain


class VmFact(Struct):
    name: str
    key: Count
    machine: Count


class ApprovalFact(Struct):
    approver: str = ""


class FactsShape(Struct):
    """The facts of a step that later readers rely on."""

    verdict: Literal["off", "alive", "unknown"] | UnsetType = UNSET
    rests_on: Text = None
    verdict_at: Time | None = None
    vm: VmFact | None = None
    status_key: Count | None = None
    plan: Plain | None = None
    plan_digest: Text = None
    approval: ApprovalFact | None = None
    simulated: bool | None = None
    cloud_name: Text = None


class Rows(Struct):
    name: str
    rows: list[list[str | int | float | bool | None]]


class Failure(Struct):
    exit_code: int
    type: str = ""
    asked: str = ""
    came_back: str = ""
    next_step: str = ""


class Result(Struct):
    step: str
    title: str
    vendor_step: str
    system: str
    outcome: Literal["passed", "nothing-to-do", "refused", "failed", "unknown", "skipped"]
    summary: str
    next_step: str
    began_at: Time
    ended_at: Time
    tables: list[Rows]
    facts: FactsShape
    exchanges: list[int]
    error: Failure | None


class StepEnded(JournalLine):
    result: Result


class Bug(JournalLine):
    step: str
    error: str
    traceback: str


class InterruptedLine(JournalLine):
    by: str
    step: Text = None


class NotForwarded(JournalLine):
    why: str


class Resumed(JournalLine):
    pid: int | None = None


class VmBegan(JournalLine):
    key: int
    folder: str


class VmEnded(VmBegan):
    outcome: str
    verdict: str
    exit_code: int | None
    headline: str = ""


class Alike(JournalLine):
    number: Count
    like: Count
    differs: list[Annotated[list[Any], Meta(min_length=2)]]


# One API call, with its answer or its error. All fields are required; `Exchange` has their types.
CALL = [(name, get_type_hints(Exchange, include_extras=True)[name]) for name in EXCHANGE_FIELDS]
SETTLED = [("result", Result), ("exchanges", list[defstruct("Call", CALL)])]  # type: ignore[misc]

SHAPES: dict[str, type[Struct]] = {
    "run-opened": RunOpened,
    "profile": ProfileLine,
    "step-began": StepBegan,
    "exchange": defstruct("ExchangeLine", CALL, bases=(JournalLine,)),
    ALIKE: Alike,
    "intent": Intent,
    "intent-kept": Intent,
    "parameters": Parameters,
    "not-forwarded": NotForwarded,
    "resumed": Resumed,
    "step-ended": StepEnded,
    "bug": Bug,
    "interrupted": InterruptedLine,
    "settled": defstruct("Settled", SETTLED, bases=(JournalLine,)),
    "vm-began": VmBegan,
    "vm-ended": VmEnded,
    "vm-settled": VmEnded,
}


def read_line(raw: bytes) -> Plain | None:
    """The line in these bytes; None if they hold no line, as when a line was cut off.

    Raises:
        Unfit: the line does not have the fields of its event.
    """
    try:
        line = object_of_line(raw)
    except Unfit:
        return None
    if "event" not in line:
        return None
    event = line["event"]
    shape = SHAPES.get(event, JournalLine) if isinstance(event, str) else JournalLine
    try:
        # Decode again from the bytes: that is faster than from the objects, and skips unused fields.
        _decoder(shape).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fit(line, shape)
    return line


def whole_line(line: Plain, earlier: Earlier) -> Plain:
    """The line as an ``exchange`` line, if it says only what differs; any other line as it is.

    Raises:
        Unfit: it is like no earlier line, or does not become a line of a call.
    """
    whole = earlier.whole(line)
    if whole is not line:
        fit(whole, SHAPES["exchange"])
    return whole


@cache
def _decoder(shape: type[Struct]) -> msgspec.json.Decoder[Struct]:
    return msgspec.json.Decoder(shape)


def encoded(line: Mapping[str, Any]) -> str:
    """A line as it is written, with its line feed."""
    try:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    except ValueError:
        # Python reads NaN and 1e999 in an answer, but JSON has neither.
        text = json.dumps(finite(line, str), ensure_ascii=False, allow_nan=False)
    return text + "\n"
