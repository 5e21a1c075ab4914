"""A run as a picture: steps, waits, the status row, API calls and verdicts over time.

A reader sees in five seconds what happened. Everything is shown in words and in colours, which come in pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.views.badges import Badge
from vergeos_nb.views.text import visible

GOING_ON = "going on"
# The picture's width, in pixels of an ordinary screen.
WIDTH = 1000


class Span(Struct, frozen=True):
    """A stretch of time, in seconds since 1970."""

    began: float
    ended: float


class StepBar(Struct, frozen=True):
    """A step that began.

    Attributes:
        outcome: how it ended; None if it is running, or if the run was cut short in it.
        found: its finding, if it ended.
        waits: the times in which it only waited.
    """

    title: str
    outcome: StepOutcome | None
    span: Span
    waits: tuple[Span, ...] = ()
    found: Badge | None = None


class StatusBar(Struct, frozen=True):
    """A time in which the status row said the same.

    Attributes:
        says: such as ``unresponsive, running``; "" if the row could not be read.
    """

    says: str
    span: Span


class VerdictMark(Struct, frozen=True):
    """The verdict of the evidence at this time."""

    value: str
    at: float


class ChangeMark(Struct, frozen=True):
    """A changing call.

    Attributes:
        request: method, path and body.
        answer: such as ``answered 200``.
    """

    request: str
    answer: str
    at: float


class Timeline(Struct, frozen=True):
    """The content of a run's picture.

    Attributes:
        subject: the VM, or another subject of the run.
        ended: how it ended, in words, or ``GOING_ON``.
        active: the stretches with events. The time between them is cut out.
    """

    subject: str
    system: str
    ended: str
    steps: tuple[StepBar, ...] = ()
    statuses: tuple[StatusBar, ...] = ()
    verdicts: tuple[VerdictMark, ...] = ()
    reads: tuple[float, ...] = ()
    failed_reads: tuple[float, ...] = ()
    changes: tuple[ChangeMark, ...] = ()
    active: tuple[Span, ...] = ()

    @property
    def whole(self) -> Span:
        """From the first to the last thing that happened."""
        return Span(self.active[0].began, self.active[-1].ended) if self.active else Span(0.0, 0.0)

    @property
    def quiet(self) -> tuple[Span, ...]:
        """The stretches that are cut out."""
        return tuple(Span(a.ended, b.began) for a, b in zip(self.active, self.active[1:], strict=False))


MOST_WORDS = 60
"""The most lines of one kind in the text alternative."""


def timeline_text(timeline: Timeline) -> str:
    """The content of the picture, in words."""
    start = timeline.whole.began
    lines = [headline(timeline), f"From {iso(start)}, {length(timeline.whole)} in all."]
    for bar in timeline.steps:
        sent = "".join(f", sent {n}" for n in _sent_in(bar, timeline))
        lines.append(f"  {clock(bar.span.began - start)}  {bar.title}: {outcome_words(bar, timeline)}{sent}")
    if timeline.statuses:
        lines.append("The status row said:")
        told = [f"  {clock(s.span.began - start)}  {s.says or 'not readable'}" for s in timeline.statuses]
        lines += _middle_out(told)
    if timeline.verdicts:
        lines.append("The evidence said:")
        lines += _middle_out([f"  {clock(v.at - start)}  {v.value}" for v in timeline.verdicts])
    lines.append(reads_words(timeline))
    lines += [f"  {told}" for told in changes_words(timeline)]
    if timeline.quiet:
        lines.append(quiet_words(timeline))
    return visible("\n".join(lines), keep="\n")


def headline(timeline: Timeline) -> str:
    """Subject and ending."""
    return f"{timeline.subject}: {timeline.ended}" if timeline.subject else timeline.ended


def reads_words(timeline: Timeline) -> str:
    """How many calls there were, in words."""
    failed = f", {len(timeline.failed_reads)} of them failed" if timeline.failed_reads else ""
    count = len(timeline.reads) + len(timeline.failed_reads)
    changes = f"{len(timeline.changes)} changing" if timeline.changes else "no changing call"
    return f"API calls: {count} reading{failed}; {changes}."


def changes_words(timeline: Timeline) -> list[str]:
    """Each changing call in words."""
    start = timeline.whole.began
    return [
        f"{number}.  {clock(change.at - start)}  {change.request}: {change.answer}"
        for number, change in enumerate(timeline.changes, start=1)
    ]


def quiet_words(timeline: Timeline) -> str:
    """How much of the time is cut out of the picture, in words, or ""."""
    if not timeline.quiet:
        return ""
    whole = Span(0.0, sum(span.ended - span.began for span in timeline.quiet))
    count = len(timeline.quiet)
    stretches = "1 quiet stretch" if count == 1 else f"{count} quiet stretches"
    return f"Grey: {stretches} cut out, {length(whole)} in all."


def _sent_in(bar: StepBar, timeline: Timeline) -> list[int]:
    """The numbers of the changing calls that a step sent."""
    return [
        number
        for number, change in enumerate(timeline.changes, start=1)
        if bar.outcome is not StepOutcome.SKIPPED and bar.span.began <= change.at <= bar.span.ended
    ]


def outcome_words(bar: StepBar, timeline: Timeline) -> str:
    """The finding of a step, and its duration."""
    if bar.outcome is StepOutcome.SKIPPED:
        return bar.outcome.value
    unended = "running" if timeline.ended == GOING_ON else "did not end"
    ended = bar.found.word if bar.found else unended
    return f"{ended}, {length(bar.span)}"


def length(span: Span) -> str:
    """A length of time, in two units at most."""
    seconds = max(0.0, span.ended - span.began)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{minutes // 60} h {minutes % 60} min" if seconds < 86_400 else f"{seconds / 86_400:.1f} days"


def clock(seconds: float, *, short: bool = False) -> str:
    """Time since the start, such as ``+0:12.3`` or ``+1:02:03``; ``short`` leaves out the tenths."""
    tenths = round(max(0.0, seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes < 60:
        return f"+{minutes}:{rest // 10:02d}" + ("" if short else f".{rest % 10}")
    return f"+{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}"


def _middle_out(lines: Sequence[str]) -> list[str]:
    if len(lines) <= MOST_WORDS:
        return list(lines)
    half = MOST_WORDS // 2
    return [*lines[:half], f"  … {len(lines) - 2 * half} more …", *lines[-half:]]
