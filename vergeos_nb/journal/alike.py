"""Readings of a long watch, written as the values that differ from an earlier reading. Nothing is lost.

A watch of a week makes ten thousand readings, and nearly all values of a reading are those of the last one.
So after `WHOLE_LINES` readings of one path, a line holds the number of an earlier call and the values that
differ. `Earlier.whole` makes a whole line of it again. The earlier call's line is always whole, so a line
never depends on more than one other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.shapes import Unfit

EVENT = "alike"
WHOLE_LINES = 50
"""The first readings of a path are written whole. A run without a long wait has no others."""

_OWN = ("n", "at", "event", "number")


class Earlier:
    """The calls of one journal that later lines can refer to."""

    def __init__(self) -> None:
        self._by_number: dict[int, dict[str, Any]] = {}
        self._newest: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._count: dict[tuple[str, str], int] = {}

    def shortened(self, call: Mapping[str, Any]) -> dict[str, Any] | None:
        """The fields of a line with only the values that differ; None if the call must be written whole.

        A changing call is always whole.

        Args:
            call: the fields of an ``exchange`` line, without those of every line.
        """
        like = self._newest.get(_way(call))
        if call["changing"] or like is None or self._count[_way(call)] < WHOLE_LINES:
            return None
        short = {"number": call["number"], "like": like["number"], "differs": []}
        _compare(_without_number(like), _without_number(call), (), short["differs"])
        return short if 2 * len(json.dumps(short)) < len(json.dumps(call)) else None

    def written(self, call: Mapping[str, Any]) -> None:
        """Remember that this call was written whole."""
        self._newest[_way(call)] = call
        self._count[_way(call)] = self._count.get(_way(call), 0) + 1

    def whole(self, line: dict[str, Any]) -> dict[str, Any]:
        """The line as an ``exchange`` line, if it says only what differs; any other line as it is.

        Parts that do not differ are the same objects, so thousands of lines need little memory.

        Raises:
            Unfit: it refers to a call that no earlier line holds whole, or to a value that is not there.
        """
        if line["event"] == "exchange":
            self._by_number[line["number"]] = line
        if line["event"] != EVENT:
            return line
        if (like := self._by_number.get(line["like"])) is None:
            raise Unfit(f"no earlier line holds call {line['like']}, which this one is like")
        found: Any = {**like, **{name: line[name] for name in _OWN}, "event": "exchange"}
        for *place, value in line["differs"]:
            try:
                found = _with(found, place, value)
            except (LookupError, TypeError):
                raise Unfit(f"call {line['like']}, which this one is like, has nothing at {place}") from None
        whole: dict[str, Any] = found
        return whole


def sharing(was: Any, now: Any) -> Any:
    """The second value. Parts that equal the first value become the same objects, which saves memory."""
    if was is now or type(was) is not type(now):
        return now
    if isinstance(was, dict) and was.keys() == now.keys():
        shared = {name: sharing(was[name], now[name]) for name in was}
        return was if all(shared[name] is was[name] for name in was) else shared
    if isinstance(was, list) and len(was) == len(now):
        members = [sharing(before, after) for before, after in zip(was, now, strict=True)]
        return was if all(one is other for one, other in zip(members, was, strict=True)) else members
    return was if was == now else now


def _way(call: Mapping[str, Any]) -> tuple[str, str]:
    return call["method"], call["path"]


def _without_number(call: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name != "number"}


def _compare(was: Any, now: Any, place: tuple[str | int, ...], differs: list[list[Any]]) -> None:
    """Add each value that differs, with its place."""
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for name in was:
            _compare(was[name], now[name], (*place, name), differs)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for at, (before, after) in enumerate(zip(was, now, strict=True)):
            _compare(before, after, (*place, at), differs)
    elif type(was) is not type(now) or was != now:  # 1, 1.0 and true are equal to Python
        differs.append([*place, now])


def _with(value: Any, place: Sequence[Any], instead: Any) -> Any:
    """The value with another one at this place. All other parts are shared with the original."""
    if not place:
        return instead
    if not isinstance(value, dict | list):
        raise LookupError
    first, *rest = place
    copied = value.copy()
    copied[first] = _with(value[first], rest, instead)
    return copied
