"""What a card shows while its step runs: the reason of the wait, the readings, and the run's picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as w

from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.cards.sparkline import points
from vergeos_nb.widgets.parts import column, says

PICTURE_EVERY_S = 2.0
MOST_READINGS = 120
# A wait of this length is worth a notification of the browser.
LONG_S = 10.0
WATCHED = ("status", "node", "cpu_pct", "ram_mb", "counted")


@dataclass(slots=True)
class _Heard:
    """What the journal has said about the step since it began."""

    note: str = ""
    wait: Mapping[str, Any] | None = None
    why: str = ""
    whole_s: float = 0.0
    readings: list[Mapping[str, Any]] = field(default_factory=list)
    picture_due: float = PICTURE_EVERY_S


class Waiting:
    """The part of a card that changes while its step runs, and is empty otherwise.

    The reason of a wait, its end and its readings come from the step, as a `WaitReport` in the journal.

    Args:
        now: the run's clock, in seconds since 1970.
        picture: the run so far as HTML. It is asked for every `PICTURE_EVERY_S` seconds.
        masked: takes the secrets out of a text.
    """

    def __init__(
        self, now: Callable[[], float], picture: Callable[[], str], masked: Callable[[str], str]
    ) -> None:
        self._now = now
        self._draw = picture
        self._masked = masked
        self.progress, self.wait, self.picture = w.HTML(), w.HTML(), w.HTML()
        self.heard_of, self.notice = w.HTML(), w.HTML()
        self.progress.add_class("vnb-progress")
        self.panel = column(self.progress, self.wait, self.notice, self.heard_of, self.picture)
        self._kept = _Heard()

    def begin(self) -> None:
        """Show that the step begins."""
        self._kept = _Heard()
        self.progress.value = _line("running …", 0)

    def end(self) -> None:
        """Show nothing."""
        for part in (self.progress, self.wait, self.notice, self.heard_of, self.picture):
            part.value = ""

    def heard(self, line: Mapping[str, Any]) -> None:
        """Take a new line of the run's journal."""
        if line["event"] == "intent":
            self._kept.note, self._kept.wait = f"sent {line['method']} {line['path']}", None
        elif line["event"] == "note":
            self._kept.note, self._kept.wait = str(line["text"]), line.get("wait")
            if self._kept.wait is not None:
                self._waits(self._kept.wait)

    def cancelling(self) -> None:
        """Show that the step was asked to end."""
        self._kept.note, self._kept.wait = "cancelling: it ends at its next wait", None

    def tick(self, seconds: float) -> None:
        """Show for how long the step has run."""
        wait = self._kept.wait
        # If there is a wait, its own words are shown instead of the note.
        note = f" · {self._kept.note}" if self._kept.note and wait is None else ""
        self.progress.value = _line(f"running for {seconds:.0f} s{note}", seconds)
        self.wait.value = "" if wait is None else self._masked(self._of(wait))
        if seconds >= self._kept.picture_due:
            self._kept.picture_due = seconds + PICTURE_EVERY_S
            try:
                self.picture.value = self._draw()
            except Exception as error:
                said = f"The picture of this wait cannot be drawn ({error!r}). The step itself goes on."
                self.picture.value = self._masked(says(said, alert=True))

    def _waits(self, wait: Mapping[str, Any]) -> None:
        """Take a reading of a wait, or a new wait."""
        if wait["read"]:
            self._kept.readings = [*self._kept.readings, wait["read"]][-MOST_READINGS:]
        if wait["why"] == self._kept.why:
            return
        self._kept.why = str(wait["why"])
        self._kept.whole_s = max(0.0, wait["ends_at"] - self._now())
        # A screen reader hears this once. The seconds are not read out.
        said = rendered("heard", text=f"{self._kept.whole_s:.0f} s: {self._kept.why}")
        self.heard_of.value = self._masked(said)
        if self._kept.whole_s >= LONG_S and not self.notice.value:
            self.notice.value = rendered("notice")

    def _of(self, wait: Mapping[str, Any]) -> str:
        """The wait as HTML, as it is now."""
        now, readings, whole_s = self._now(), self._kept.readings, self._kept.whole_s
        left = max(0.0, wait["ends_at"] - now)
        last = readings[-1] if readings else None
        still = now - _unchanged_since(readings) if len(readings) > 1 else 0.0
        return rendered(
            "waiting",
            left=f"{left:.0f} s" if left >= 0.5 else "now",
            why=self._kept.why,
            whole=f"{whole_s:.1f}",
            done=f"{max(0.0, whole_s - left):.1f}",
            last="" if last is None else _said_of(last, now),
            series=[] if last is None else _series(readings),
            still=f"{still:.0f} s" if still >= 1 else "",
        )


def _line(text: str, seconds: float) -> str:
    return rendered("running", text=text, seconds=f"{seconds:.0f}")


def _said_of(read: Mapping[str, Any], now: float) -> str:
    where = "no node" if read["node"] is None else f"node {read['node']}"
    return f"row says {read['status']}, {where}; {max(0.0, now - read['at']):.0f} s ago"


def _series(readings: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str], str]]:
    """Name, points of the lines, and the newest value, for CPU, RAM and counters."""
    counted = [read["counted"] for read in readings]
    moved = [
        None if one is None or before is None else one - before
        for before, one in zip(counted, counted[1:], strict=False)
    ]
    values: Mapping[str, tuple[list[float | None], str]] = {
        "CPU": ([read["cpu_pct"] for read in readings], "%"),
        "RAM in use": ([read["ram_mb"] for read in readings], "MB"),
        "Counters moved by": (moved or [None], ""),
    }
    return [
        (name, points(some), "not known yet" if some[-1] is None else f"{some[-1]:g} {unit}".strip())
        for name, (some, unit) in values.items()
    ]


def _unchanged_since(readings: Sequence[Mapping[str, Any]]) -> float:
    """Since when all readings have said the same, in seconds since 1970."""
    last = [readings[-1].get(name) for name in WATCHED]
    since = readings[-1]["at"]
    for read in reversed(readings):
        if [read.get(name) for name in WATCHED] != last:
            break
        since = read["at"]
    return float(since)
