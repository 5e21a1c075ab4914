"""The faults of the matrix, each for one request of a run or for all of its kind from then on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.rehearsal import Rehearsal
from vergeos_nb.client.transport.failures import RELAYED
from vergeos_nb.simulator import Rule

STATUSES = (400, 401, 403, 404, 405, 408, 409, 422, 429, 500, 502, 503, 504, 507)
# What may have been executed although it was answered like this.
IN_DOUBT = (408, 409, 500, 502, 503, 504, 507)
# A read that meets one of these once is repeated and then goes well.
PASSING = (
    "429", "500", "502", "503", "504", "dropped", "dropped after", "cut off", "too late", "dripped",
    "hints without end",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What goes wrong: by a rule of the simulator, or with its answer on the way.

    Attributes:
        codes: exit codes that it may lead to, besides that of the run without it and 7.
        shape: changes the decoded answer.
    """

    name: str
    codes: frozenset[int]
    rule: Mapping[str, Any] = field(default_factory=dict)
    shape: Callable[[Any, str], Any] | None = None


def _codes(status: int) -> frozenset[int]:
    return frozenset({{401: 9, 403: 9, 404: 4}.get(status, 8)})


def _swapped(data: Any, path: str) -> Any:
    return {} if isinstance(data, list) else [data]


def _rows_in(data: Any) -> Iterator[dict[str, Any]]:
    """Every row of an answer, those behind another row's column too."""
    for row in data if isinstance(data, list) else [data]:
        if isinstance(row, dict):
            for behind in list(row.values()):
                if isinstance(behind, dict | list):
                    yield from _rows_in(behind)
            yield row


def _without(place: int) -> Callable[[Any, str], Any]:
    """The answer with one field less; which one depends on the place among the sorted names."""

    def less(data: Any, path: str) -> Any:
        for row in _rows_in(data):
            if row:
                del row[sorted(row)[place % len(row)]]
        return data

    return less


KEYS = ("$key", "machine", "status_machine", "status_key", "parent_drive", "status", "member")


def _foreign(data: Any, path: str) -> Any:
    """A row of somebody else: every key in it is another one."""
    for row in _rows_in(data):
        for name in KEYS:
            if isinstance(row.get(name), int):
                row[name] += 3
    return data


def _as_text(data: Any, path: str) -> Any:
    """Numbers and truth values come as text, as some of the vendor's documents show them."""
    if isinstance(data, dict):
        return {
            name: _as_text(value, path) if name != "core_usagelist" else value for name, value in data.items()
        }
    if isinstance(data, list):
        return [_as_text(value, path) for value in data]
    if isinstance(data, bool):
        return str(data).lower()
    return str(data) if isinstance(data, int) else data


def _spelt(spell: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    """The same with every number written in another way."""

    def spelt(data: Any, path: str) -> Any:
        if isinstance(data, dict):
            return {name: spelt(value, path) for name, value in data.items()}
        if isinstance(data, list):
            return [spelt(value, path) for value in data]
        return spell(data) if isinstance(data, int) and not isinstance(data, bool) else data

    return spelt


# Columns that are evidence only: none of them can be read.
EVIDENCE = (
    "total_cpu", "ram_used", "core_usagelist", "modified", "tx_bytes", "rx_bytes", "tx_pckts", "rx_pckts",
    "reads", "writes", "read_bytes", "write_bytes", "maintenance", "vsan_connected", "timestamp",
)  # fmt: skip


def _unreadable(data: Any, path: str) -> Any:
    for row in _rows_in(data):
        for name in EVIDENCE:
            if name in row:
                row[name] = {"of": "another shape"}
    return data


def _in_error(data: Any, path: str) -> Any:
    """An error in place of rows, in each of the places where it could stand."""
    error = {"err": {"message": "Database is locked"}}
    return [error] if isinstance(data, list) else error


SHAPES = frozenset({3, 4, 5, 8})
FAULTS = (
    *(Fault(str(status), _codes(status), {"status": status}) for status in STATUSES),
    *(
        Fault(f"{status}, executed", _codes(status), {"status": status, "execute": True})
        for status in IN_DOUBT
    ),
    Fault("dropped", frozenset({8}), {"drop": "before"}),
    Fault("dropped after", frozenset({8}), {"drop": "after"}),
    Fault("cut off", frozenset({8}), {"drop": "truncate"}),
    Fault("too late", frozenset({8}), {"delay": 3600.0}),
    Fault("late", frozenset(), {"delay": 4.0}),
    Fault("a page", frozenset({8}), {"not_json": True}),
    Fault("empty", frozenset({8}), {"body": ""}),
    Fault("null", frozenset({8}), {"body": "null"}),
    Fault("another shape", frozenset({4, 8}), shape=_swapped),
    *(Fault(f"a field less ({n})", SHAPES, shape=_without(n)) for n in (0, 3, 5)),
    Fault("another's row", SHAPES, shape=_foreign),
    Fault("text for numbers", frozenset(), shape=_as_text),
    Fault("floats for numbers", frozenset(), shape=_spelt(float)),
    Fault("text with a fraction", frozenset(), shape=_spelt(lambda number: f"{number}.0")),
    # 5: the plan binds the verdict, which is another one where a witness is silent.
    Fault("evidence that cannot be read", frozenset({5}), shape=_unreadable),
    Fault("200 and an error", frozenset({8}), {"status": 200, "text": "Database is locked"}),
    Fault("201 and an error, executed", frozenset({8}), {"status": 201, "text": "No", "execute": True}),
    Fault("an error in place of rows", frozenset({8}), shape=_in_error),
    Fault("not relayed", frozenset({8}), {"status": 422, "text": f"{RELAYED}: timeout", "execute": True}),
    Fault("101", frozenset({8}), {"status": 101, "body": ""}),
    Fault("999", frozenset({8}), {"status": 999, "body": "{}"}),
    Fault("nested 480 deep", frozenset({8}), {"body": "[" * 480 + "]" * 480}),
    Fault("nested 950 deep", frozenset({8}), {"body": '{"a":' * 950 + "1" + "}" * 950}),
    Fault("a number of 5,000 digits", frozenset({8}), {"body": '{"$key": %s}' % ("9" * 5000)}),
    Fault("half a character", frozenset({8}), {"body": '{"$key": "\\ud800", "err": "\\udfff"}'}),
    Fault("a date in the year 9999", frozenset(), {"headers": {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"}}),
    Fault("a date before Christ", frozenset(), {"headers": {"Date": "Mon, 01 Jan 0001 00:00:00 +2359"}}),
    Fault("filter ignored", SHAPES, {"ignore": ["filter", "limit"], "execute": True}),
    Fault("100,000 rows", frozenset({8}), {"rows": 100_000}),
    Fault("dripped", frozenset({8}), {"drip": 1.0}),
    Fault("hints without end", frozenset({8}), {"hints": 10**6}),
)


class FaultyDoor:
    """The way to the simulator, on which one request goes wrong.

    Args:
        place: which request of all, counted from 0.
        lasting: whether all later requests of the same method and path go wrong as well.
    """

    def __init__(self, run: Rehearsal, fault: Fault, place: int, *, lasting: bool = False) -> None:
        self._sim = run.sim
        self._inner = run.sim.transport()
        self._fault, self._place, self._lasting = fault, place, lasting
        self._seen = 0
        self._like: tuple[str, str] | None = None
        run.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Hand one request on, or let it go wrong."""
        like = (request.method, request.url.path)
        hit = self._seen == self._place or (self._lasting and like == self._like)
        self._seen += 1
        if not hit:
            return self._inner.handler(request)
        self._like = like
        if self._fault.shape is not None:
            answer = self._inner.handler(request)
            data = self._fault.shape(json.loads(answer.content), request.url.path)
            headers = {name: answer.headers[name] for name in ("server", "date")}
            return httpx.Response(answer.status_code, headers=headers, json=data)
        self._sim.faults.add(Rule("the fault", request.method, request.url.path, **self._fault.rule))
        try:
            return self._inner.handler(request)
        finally:
            self._sim.faults.clear()
