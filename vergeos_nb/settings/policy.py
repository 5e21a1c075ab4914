"""The site's policy: do-not-touch list, maintenance windows, number of people. Reads no file.

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
    two_people_over_assumed_life = true     # at least where a person answers for a row that looks alive

Names and tags match without regard to case. A match too many only stops a run; a match too few could end
somebody's domain controller. For the same reason an unknown entry is an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from vergeos_nb.errors import SettingsError
from vergeos_nb.shapes import Unfit, fit, toml_of
from vergeos_nb.vergeos.rows import VmKey
from vergeos_nb.words import did_you_mean, nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WHOLE_DAY = 24 * 60
# A weekly window can fall into the hour that the clock skips in spring, but not in two weeks in a row.
_LOOK_AHEAD_MINUTES = 15 * _WHOLE_DAY

# The file's word `from` is a keyword of Python.
_WRITTEN = {"begins": "from"}
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::00)?")


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window, by the wall clock of its time zone.

    In autumn the repeated hour counts both times. In spring the skipped hour does not exist.

    Attributes:
        days: the days on which it opens; Monday is 0.
        begins, ends: minutes after midnight. `ends` itself is outside the window. If `ends` is not after
            `begins`, the window ends on the following day.
        timezone: IANA name.
    """

    days: tuple[int, ...]
    begins: int
    ends: int
    timezone: str

    def contains(self, epoch: float) -> bool:
        """True if this moment, in seconds since 1970, is inside the window."""
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
    """The rules of one site. An empty policy forbids nothing.

    Attributes:
        names, keys, tags: VMs that are never changed.
        windows: times in which changes are allowed. If there are none, every time is allowed.
        two_people: True if the approver must not be the operator.
        two_people_over_assumed_life: the same, but only for plans over life that is only assumed.
        stop_file: while this file exists, nothing is changed; "" for none. See `settings.stopped_by`.
        source: where the policy was read from, in words.
    """

    names: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    two_people: bool = False
    two_people_over_assumed_life: bool = False
    stop_file: str = ""
    source: str = ""

    def touching(self, name: str, key: VmKey, tags: Iterable[str]) -> str | None:
        """Why this VM must not be changed, or None if it may be."""
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
        """Why changes are not allowed at this moment, and when they are next; None if they are allowed.

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
        source: the file's name, for messages.

    Raises:
        SettingsError: the text is not TOML, is empty, or has an invalid entry.
    """
    try:
        data = toml_of(text)
        if not data:
            raise Unfit("it is empty", "write the rules, or remove the file to have none")
        if isinstance(data.get("window"), dict):
            raise Unfit("'window' is no list of sections", "head each window with [[window]]")
        file = fit(data, _file())
        return Policy(
            names=_patterns(file.do_not_touch.names, "names"),
            keys=file.do_not_touch.keys,
            tags=_patterns(file.do_not_touch.tags, "tags"),
            windows=tuple(_window(one, number) for number, one in enumerate(file.window, 1)),
            two_people=file.approval.two_people,
            two_people_over_assumed_life=file.approval.two_people_over_assumed_life,
            stop_file=_stop_file(file.stop_file),
            source=source,
        )
    except Unfit as unfit:
        raise SettingsError(
            f"reading the policy {source}", _as_headed(unfit.why), unfit.hint or "correct it"
        ) from None


def _as_headed(why: str) -> str:
    """The error, with sections named as in the file."""
    why = re.sub(r"in 'window\[(\d+)\]'", lambda found: f"in [[window]] number {int(found[1]) + 1}", why)
    return re.sub(r"in '(do_not_touch|approval)'", r"in [\1]", why)


@cache
def _file() -> Any:
    """The shape of the file. It is built when a policy is first read, because msgspec loads slowly."""
    from msgspec import Meta, defstruct

    def section(name: str, fields: Sequence[Any]) -> Any:
        return defstruct(name, fields, frozen=True, forbid_unknown_fields=True, rename=_WRITTEN)

    listed = section(
        "DoNotTouch",
        [("names", tuple[str, ...], ()), ("keys", tuple[Annotated[int, Meta(gt=0)], ...], ()),
         ("tags", tuple[str, ...], ())],
    )  # fmt: skip
    # A time is text, or TOML's own type for a time: 22:00:00 without quotes.
    window = section("Window", [("days", list[str]), ("begins", Any), ("to", Any), ("timezone", str)])
    approval = section(
        "Approval", [("two_people", bool, False), ("two_people_over_assumed_life", bool, False)]
    )
    windows = Annotated[list[window], Meta(min_length=1)]  # type: ignore[valid-type]
    return section(
        "PolicyFile",
        [("do_not_touch", listed, listed()), ("window", windows, ()), ("approval", approval, approval()),
         ("stop_file", str | None, None)],
    )  # fmt: skip


def _patterns(texts: tuple[str, ...], name: str) -> tuple[str, ...]:
    for text in texts:
        if not text.strip():
            raise Unfit(
                f"{text!r} in {name!r} is empty", f"write a name or pattern, or leave it out of {name}"
            )
    return texts


def _stop_file(path: str | None) -> str:
    if path is not None and not (PurePath(path).is_absolute() or path.startswith("~/")):
        raise Unfit(f"'stop_file' is {path!r}", "write the full path of a file; it begins with / or ~/")
    return path or ""


def _window(told: Any, number: int) -> Window:
    where = f"in [[window]] number {number}"
    begins, ends = _minutes(told.begins, "from", where), _minutes(told.to, "to", where)
    if begins == ends:
        raise Unfit(
            f"the window from {_clock(begins)} to {_clock(ends)} {where} ends when it begins",
            "for a whole day write from 00:00 to 24:00",
        )
    return Window(_days(told.days, where), begins, ends, _timezone(told.timezone, where))


def _days(words: Sequence[str], where: str) -> tuple[int, ...]:
    if not words:
        raise Unfit(f"'days' is [] {where}", 'write a list of days, such as ["mon", "tue"]')
    for word in words:
        if word.lower() not in (*DAYS, *_LONG_DAYS):
            raise Unfit(f"{word!r} is no day {where}", did_you_mean(word[:3], DAYS))
    return tuple(sorted({DAYS.index(word.lower()[:3]) for word in words}))


def _minutes(value: Any, name: str, where: str) -> int:
    if name == "to" and value == "24:00":
        return _WHOLE_DAY
    text = value.isoformat() if isinstance(value, time) else value
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Unfit(f"{name!r} is {value!r} {where}", 'write a time as "HH:MM", 00:00 to 23:59')
    return int(found[1]) * 60 + int(found[2])


def _timezone(name: str, where: str) -> str:
    try:
        if name == "localtime":  # depends on the machine
            raise ValueError
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = nearest(name, available_timezones())
        guess = f"Did you mean {near!r}? " if near else ""
        raise Unfit(
            f"{name!r} is no time zone known to this machine {where}",
            f"{guess}Write an IANA name such as Europe/Berlin, America/New_York or UTC.",
        ) from None
    return name


def _matches(text: str, pattern: str) -> bool:
    text, pattern = _folded(text), _folded(pattern)
    # A name can contain * or [. Then the entry also matches as plain text.
    return text == pattern or fnmatchcase(text, pattern)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _utc(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"
