"""The site's policy: do-not-touch list, maintenance windows, number of people. Pure: text in, policy out.

    stop_file = "/etc/vergeos-nb/stop"      # while this file exists nothing is changed

    [do_not_touch]
    names = ["dc-*", "erp-db01"]            # exact, or with * ? [abc]
    keys = [42]                             # of VMs, not of machines
    tags = ["hands-off"]

    [[window]]                              # when changes are allowed; no window means always
    days = ["fri", "sat"]                   # the days on which it opens
    from = "22:00"
    to = "04:00"                            # before `from`: on the day after
    timezone = "Europe/Berlin"

    [approval]
    two_people = true                       # the approver is not the operator

Upper and lower case are the same in names and tags: matching too much only stops a run, matching too little
could end somebody's domain controller. For the same reason an entry that is not understood is an error and is
never ignored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from vergeos_nb.errors import SettingsError
from vergeos_nb.shapes import Unfit, toml_of
from vergeos_nb.vergeos.rows import VmKey
from vergeos_nb.words import did_you_mean, nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHOLE_DAY = 24 * 60
# A window that opens once a week can fall into the hour that a clock leaves out, but not twice running.
_LOOK_AHEAD_MINUTES = 15 * _WHOLE_DAY

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::00)?")
_TOP = ("do_not_touch", "window", "approval", "stop_file")
_DO_NOT_TOUCH = ("names", "keys", "tags")
_WINDOW = ("days", "from", "to", "timezone")
_APPROVAL = ("two_people",)


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the week, by the wall clock of its time zone.

    An hour that the clock repeats in autumn counts both times. An hour that it skips in spring never comes.

    Attributes:
        days: the days on which it opens, Monday being 0.
        begins, ends: minutes after midnight; `ends` itself is outside. Where it is not after `begins` it is
            on the following day.
        timezone: IANA name.
    """

    days: tuple[int, ...]
    begins: int
    ends: int
    timezone: str

    def contains(self, epoch: float) -> bool:
        """Whether this moment, in seconds since 1970, is inside."""
        local = datetime.fromtimestamp(epoch, ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        if self.begins < self.ends:
            return local.weekday() in self.days and self.begins <= minute < self.ends
        if minute >= self.begins:
            return local.weekday() in self.days
        return minute < self.ends and (local.weekday() - 1) % 7 in self.days

    def __str__(self) -> str:
        days = "daily" if len(self.days) == 7 else ", ".join(DAYS[day] for day in self.days)
        return f"{days} {_clock(self.begins)}–{_clock(self.ends)} {self.timezone}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one site. Without any it forbids nothing.

    Attributes:
        names, keys, tags: VMs that are not touched.
        windows: when changes are allowed; none means always.
        two_people: whether the approver must not be the operator.
        stop_file: while it exists nothing is changed; "" for none. See `settings.stopped_by`.
        source: where this was read from, in words.
    """

    names: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    two_people: bool = False
    stop_file: str = ""
    source: str = ""

    def touching(self, name: str, key: VmKey, tags: Iterable[str]) -> str | None:
        """Why this VM is not to be touched, or None if it may be."""
        reasons = [f"its name is on it as {one!r}" for one in self.names if _matches(name, one)]
        if VmKey.number(key) in self.keys:
            reasons.append(f"its key {key} is on it")
        reasons += [
            f"its tag {tag!r} is on it as {one!r}"
            for tag in tags
            for one in self.tags
            if _matches(tag, one)
        ]  # fmt: skip
        if not reasons:
            return None
        return f"it is on the do-not-touch list of {self.source}: {'; '.join(reasons)}"

    def outside(self, epoch: float) -> str | None:
        """Why nothing may be changed at this moment, with the next opening, or None if changes are allowed.

        Args:
            epoch: seconds since 1970.
        """
        if not self.windows or self._open_at(epoch):
            return None
        minute = int(epoch // 60)
        opening = next(
            (60 * (minute + n) for n in range(1, _LOOK_AHEAD_MINUTES) if self._open_at(60 * (minute + n))),
            None,
        )
        when = f"the next opens at {_utc(opening)}" if opening else "none opens in the next two weeks"
        windows = "; ".join(str(window) for window in self.windows)
        return f"{_utc(epoch)} is outside the maintenance windows of {self.source} ({windows}); {when}"

    def _open_at(self, epoch: float) -> bool:
        return any(window.contains(epoch) for window in self.windows)


def parse_policy(text: str, source: str) -> Policy:
    """The policy in a TOML text.

    Args:
        source: the name of its place, for messages.

    Raises:
        SettingsError: it is not TOML, is empty, or has an invalid entry.
    """
    try:
        data = toml_of(text)
    except Unfit as unfit:
        raise _wrong(source, unfit.why, unfit.hint or "correct it.") from None
    if not data:
        raise _wrong(source, "it says nothing", "write down the rules, or remove the file to have none.")
    reader = _Reader(source)
    reader.known(data, _TOP, "at its top")
    listed = reader.table(data, "do_not_touch", _DO_NOT_TOUCH)
    approval = reader.table(data, "approval", _APPROVAL)
    return Policy(
        names=reader.texts(listed, "names"),
        keys=reader.keys(listed),
        tags=reader.texts(listed, "tags"),
        windows=reader.windows(data),
        two_people=reader.truth(approval, "two_people"),
        stop_file=reader.stop_file(data),
        source=source,
    )


class _Reader:
    """Values of one file, each checked; every error names the file."""

    def __init__(self, source: str) -> None:
        self._source = source

    def wrong(self, came_back: str, next_step: str) -> SettingsError:
        return _wrong(self._source, came_back, next_step)

    def known(self, table: Mapping[str, Any], words: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in words:
                raise self.wrong(f"nothing reads {key!r} {where}", did_you_mean(key, words))

    def table(self, data: Mapping[str, Any], name: str, words: tuple[str, ...]) -> Mapping[str, Any]:
        table = data.get(name, {})
        if not isinstance(table, dict):
            raise self.wrong(f"{name!r} is not a section", f"write it as a heading, [{name}].")
        self.known(table, words, f"in [{name}]")
        return table

    def texts(self, table: Mapping[str, Any], name: str) -> tuple[str, ...]:
        values = self._list(table, name, 'texts, such as ["dc-*"]')
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.wrong(
                    f"{value!r} in {name!r} is no text to compare with", f"write {name} as texts."
                )
        return tuple(values)

    def keys(self, table: Mapping[str, Any]) -> tuple[int, ...]:
        values = self._list(table, "keys", "numbers, such as [42]")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise self.wrong(f"{value!r} in 'keys' is no VM's key", "write whole numbers above zero.")
        return tuple(values)

    def truth(self, table: Mapping[str, Any], name: str) -> bool:
        value = table.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{name!r} is {value!r}", "write true or false, without quotes.")
        return value

    def stop_file(self, data: Mapping[str, Any]) -> str:
        value = data.get("stop_file")
        if value is None:
            return ""
        if not isinstance(value, str) or not (PurePath(value).is_absolute() or value.startswith("~/")):
            raise self.wrong(f"'stop_file' is {value!r}", "write the whole path of a file, from / or ~/ on.")
        return value

    def windows(self, data: Mapping[str, Any]) -> tuple[Window, ...]:
        tables = data.get("window", [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise self.wrong("'window' is no list of sections", "head each window with [[window]].")
        if "window" in data and not tables:
            raise self.wrong("'window' is empty", "leave it out where changes are always allowed.")
        return tuple(self._window(table, number) for number, table in enumerate(tables, 1))

    def _window(self, table: Mapping[str, Any], number: int) -> Window:
        where = f"in [[window]] number {number}"
        self.known(table, _WINDOW, where)
        for name in _WINDOW:
            if name not in table:
                raise self.wrong(f"{name!r} is missing {where}", f"a window needs {', '.join(_WINDOW)}.")
        begins, ends = (self._minutes(table[name], name, where) for name in ("from", "to"))
        if begins == ends:
            raise self.wrong(
                f"the window from {_clock(begins)} to {_clock(ends)} {where} has no length that can be told",
                "for a whole day write from 00:00 to 24:00.",
            )
        return Window(
            self._days(table["days"], where), begins, ends, self._timezone(table["timezone"], where)
        )

    def _days(self, value: Any, where: str) -> tuple[int, ...]:
        if not isinstance(value, list) or not value:
            raise self.wrong(f"'days' is {value!r} {where}", 'write a list of days, such as ["mon", "tue"].')
        found = set()
        for day in value:
            word = day.lower() if isinstance(day, str) else ""
            if word not in DAYS and word not in _LONG_DAYS:
                raise self.wrong(f"{day!r} is no day {where}", did_you_mean(str(day)[:3], DAYS))
            found.add(DAYS.index(word[:3]))
        return tuple(sorted(found))

    def _minutes(self, value: Any, name: str, where: str) -> int:
        if name == "to" and value == "24:00":
            return _WHOLE_DAY
        # TOML has times of its own: 22:00:00, without quotes.
        text = value.isoformat() if isinstance(value, time) else value
        found = _TIME.fullmatch(text) if isinstance(text, str) else None
        if not found:
            raise self.wrong(f"{name!r} is {value!r} {where}", 'write a time as "HH:MM", 00:00 to 23:59.')
        return int(found[1]) * 60 + int(found[2])

    def _timezone(self, value: Any, where: str) -> str:
        # "localtime" is whatever the machine happens to be set to.
        try:
            if not isinstance(value, str) or value == "localtime":
                raise ValueError
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            near = nearest(str(value), available_timezones())
            guess = f"Did you mean {near!r}? " if near else ""
            raise self.wrong(
                f"{value!r} is no time zone known to this machine {where}",
                f"{guess}Write an IANA name such as Europe/Berlin, America/New_York or UTC.",
            ) from None
        return value

    def _list(self, table: Mapping[str, Any], name: str, of: str) -> list[Any]:
        value = table.get(name, [])
        if not isinstance(value, list):
            raise self.wrong(f"{name!r} is {value!r}", f"write a list of {of}.")
        return value


def _wrong(source: str, came_back: str, next_step: str) -> SettingsError:
    return SettingsError(f"read the policy {source}", came_back, next_step)


def _matches(text: str, pattern: str) -> bool:
    text, pattern = _folded(text), _folded(pattern)
    # A name can hold * or [ itself, and is then meant by itself, too.
    return text == pattern or fnmatchcase(text, pattern)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _utc(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"
