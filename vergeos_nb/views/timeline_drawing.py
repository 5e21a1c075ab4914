"""The layout of a run's picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from vergeos_nb.clock import iso
from vergeos_nb.procedure.values.finding import of_verdict
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.views.badges import badge
from vergeos_nb.views.drawing import (
    INK,
    PAPER,
    Drawing,
    LineShape,
    Rect,
    Shape,
    TextShape,
    png,
    svg,
    width_of,
)
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import (
    WIDTH,
    Span,
    StepBar,
    Timeline,
    changes_words,
    clock,
    headline,
    length,
    outcome_words,
    quiet_words,
    reads_words,
    timeline_text,
)

LEFT, RIGHT = 190.0, 985.0
ROW, LANE = 20.0, 26.0
MOST_STEPS = 40
MOST_PAUSES = 100
GREY, GRID, SOFT = "#595959", "#d9d9d9", "#eeeeee"
RUNNING = "#0b57b0"
CHANGING = "#9b1c1c"
# The axis has a gap of this width for each stretch of time that is cut out.
GAP = 26.0
# The rows below the axis with the lengths that are cut out, and the height of a row.
GAP_ROWS, GAP_ROW = 3, 13.0
MOST_CHANGES = 20

# The row's status → (background, text). Other words are grey. None is green, because a row proves nothing.
STATUS_LOOKS: Mapping[str, tuple[str, str]] = {
    "running": ("#bbdefb", INK),
    "stopped": ("#cfd8dc", INK),
    "unresponsive": ("#ffcc80", INK),
}
# Seconds between two ticks.
PACES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Axis:
    """Time from left to right. Between two stretches there is a gap of fixed width."""

    def __init__(self, active: Sequence[Span]) -> None:
        self.stretches = active or (Span(0.0, 1.0),)
        self.start = self.stretches[0].began
        total = sum(span.ended - span.began for span in self.stretches)
        room = RIGHT - LEFT - GAP * (len(self.stretches) - 1)
        # Even a run of a few milliseconds needs a length.
        self.per_second = room / max(total, 0.001)
        self.pace = next((pace for pace in PACES if pace * self.per_second >= 80), PACES[-1])
        self.lefts = []
        x = LEFT
        for span in self.stretches:
            self.lefts.append(x)
            x += (span.ended - span.began) * self.per_second + GAP

    def x(self, at: float) -> float:
        """The position of a moment. A moment within a gap is at its left end."""
        for span, left in zip(reversed(self.stretches), reversed(self.lefts), strict=True):
            if at >= span.began:
                return left + (min(at, span.ended) - span.began) * self.per_second
        return LEFT

    def gaps(self) -> Iterator[tuple[float, float, Span]]:
        """Left and right end of every gap, and the time that is cut out."""
        for before, after, right in zip(self.stretches, self.stretches[1:], self.lefts[1:], strict=False):
            yield right - GAP, right, Span(before.ended, after.began)

    def ticks(self) -> list[tuple[float, float]]:
        """Place and time of ticks that are round numbers since the start."""
        found: list[tuple[float, float]] = []
        for span in self.stretches:
            first = math.ceil((span.began - self.start) / self.pace - 1e-9)
            last = math.floor((span.ended - self.start) / self.pace + 1e-9)
            # A very long stretch gets 200 ticks at most.
            for n in range(first, min(last, first + 200) + 1):
                x = self.x(self.start + n * self.pace)
                if not found or x - found[-1][0] >= 70:
                    found.append((x, n * self.pace))
        return found


def draw(timeline: Timeline) -> Drawing:
    """The picture."""
    axis = Axis(timeline.active)
    began = f"began {iso(axis.start)}"
    room = RIGHT - width_of(began, 11) - 40
    shapes: list[Shape] = [
        TextShape(12, 20, _short(visible(headline(timeline)), room, 16), 16),
        TextShape(RIGHT, 20, began, 11, GREY, "end"),
        TextShape(12, 42, _short(visible(timeline.system), WIDTH - 24), 12, GREY),
    ]
    top = 62.0
    y = top
    steps = timeline.steps[-MOST_STEPS:]
    if len(timeline.steps) > MOST_STEPS:
        left_out = f"{len(timeline.steps) - MOST_STEPS} earlier attempts are left out"
        shapes.append(TextShape(LEFT, y + ROW / 2, left_out, 11, GREY))
        y += ROW
    body: list[Shape] = []
    rows: list[tuple[float, float]] = []
    for bar in steps:
        body += _step(bar, timeline, axis, y)
        rows.append((bar.span.began, y))
        y += ROW
    y += 6
    for label, lane, shown in (
        ("status row said", _statuses, timeline.statuses),
        ("evidence said", _verdicts, timeline.verdicts),
        ("API calls, reading", _reads, True),
        ("changing calls", _changes, True),
    ):
        if not shown:
            continue
        body.append(LineShape(12, y, RIGHT, y, GRID))
        body.append(TextShape(LEFT - 10, y + LANE / 2, label, 12, INK, "end"))
        body += lane(timeline, axis, y)
        y += LANE
    bottom = y
    shapes += _grid(axis, top, bottom)
    for change in timeline.changes:
        # The line begins at its step, so that it does not cross the words of earlier steps.
        x, high = axis.x(change.at), max((y for began, y in rows if began <= change.at), default=top)
        shapes.append(LineShape(x, high, x, bottom, CHANGING, 1.5))
    shapes += body
    y = bottom + 30
    if timeline.quiet:
        lengths, rows_used = _lengths(axis, bottom + 27)
        shapes += lengths
        y += rows_used * GAP_ROW
    for told in changes_words(timeline)[:MOST_CHANGES]:
        shapes.append(TextShape(12, y, _short(visible(told), WIDTH - 24), 12))
        y += 18
    legend = f"{reads_words(timeline)} Pale part of a bar: waiting. {quiet_words(timeline)}".strip()
    shapes.append(TextShape(12, y, _short(legend, WIDTH - 24, 11), 11, GREY))
    return Drawing(
        width=WIDTH,
        height=round(y + 18),
        title=visible(f"Timeline of the run: {headline(timeline)}"),
        described=timeline_text(timeline),
        shapes=tuple(shapes),
    )


def _grid(axis: Axis, top: float, bottom: float) -> Iterator[Shape]:
    free = 0.0
    for x, seconds in axis.ticks():
        yield LineShape(x, top - 4, x, bottom, GRID)
        told = clock(seconds, short=axis.pace >= 1)
        width = width_of(told, 11)
        left = min(max(x - width / 2, LEFT), RIGHT - width)
        if left > free:
            yield TextShape(left, bottom + 12, told, 11, GREY)
            free = left + width + 6
    yield LineShape(LEFT, bottom, RIGHT, bottom, GREY)
    for left, right, _ in axis.gaps():
        yield Rect(left + 3, top - 4, right - left - 6, bottom - top + 4, SOFT)
        yield TextShape((left + right) / 2, top - 7, "⋯", 11, GREY, "middle")


def _lengths(axis: Axis, y: float) -> tuple[list[Shape], int]:
    """How much time each gap stands for, in rows, and how many rows. A length without room is left out."""
    free = [0.0] * GAP_ROWS
    shapes: list[Shape] = []
    used = 0
    for left, right, cut in axis.gaps():
        told = length(cut)
        width = width_of(told, 10)
        start = min(max((left + right - width) / 2, 12.0), RIGHT - width)
        row = next((row for row, taken in enumerate(free) if taken < start), None)
        if row is not None:
            shapes.append(TextShape(start, y + row * GAP_ROW, told, 10, GREY))
            free[row], used = start + width + 6, max(used, row + 1)
    return shapes, used


def _step(bar: StepBar, timeline: Timeline, axis: Axis, y: float) -> Iterator[Shape]:
    yield TextShape(LEFT - 10, y + ROW / 2, _short(visible(bar.title), LEFT - 22), 12, INK, "end")
    left = axis.x(bar.span.began)
    width = max(axis.x(bar.span.ended) - left, 2.0)
    colour = bar.found.background if bar.found else RUNNING
    sign = bar.found.sign if bar.found else "…"
    if bar.outcome is not StepOutcome.SKIPPED:
        yield Rect(left, y + 4, width, ROW - 8, colour)
    for a, b in _pauses(bar, axis):
        yield Rect(a, y + 6, b - a, ROW - 12, _pale(colour))
    # Most fonts lack this sign.
    words = f"{'' if sign == '⊘' else sign + ' '}{outcome_words(bar, timeline)}"
    room = width_of(words, 11) + 8
    if left + width + room <= RIGHT:
        start = left + width + 2
    elif left - room >= LEFT:
        start = left - room - 2
    else:
        start = min(max(left + (width - room) / 2, LEFT), RIGHT - room)
    # On a white background, so that no line of a changing call runs through the words.
    yield Rect(start, y + 3, room, ROW - 6, PAPER)
    yield TextShape(start + 4, y + ROW / 2, words, 11)


def _pauses(bar: StepBar, axis: Axis) -> Iterator[tuple[float, float]]:
    """Left and right end of each visible pause. A long watch with short readings is one pause."""
    waited = sum(wait.ended - wait.began for wait in bar.waits)
    if len(bar.waits) > MOST_PAUSES and waited > (bar.span.ended - bar.span.began) / 2:
        yield axis.x(bar.span.began) + 2, axis.x(bar.span.ended) - 2
        return
    for wait in bar.waits:
        left, right = axis.x(wait.began), axis.x(wait.ended)
        if right - left >= 2:
            yield left, right


def _statuses(timeline: Timeline, axis: Axis, y: float) -> Iterator[Shape]:
    for bar in timeline.statuses:
        left = axis.x(bar.span.began)
        width = max(axis.x(bar.span.ended) - left, 2.0)
        word = bar.says.partition(",")[0]
        background, colour = STATUS_LOOKS.get(word, ("#e0e0e0", INK)) if bar.says else ("#ffffff", "#9b1c1c")
        yield Rect(left, y + 4, width, LANE - 8, background)
        says = visible(bar.says) or "not readable"
        for told in (says, says.partition(",")[0]):
            if width_of(told, 11) + 6 <= width:
                yield TextShape(left + 3, y + LANE / 2, told, 11, colour)
                break
        yield LineShape(left, y + 3, left, y + LANE - 3, GREY)


def _verdicts(timeline: Timeline, axis: Axis, y: float) -> Iterator[Shape]:
    marks = [(axis.x(mark.at), badge(of_verdict(mark.value))) for mark in timeline.verdicts]
    for x, found in marks:
        yield LineShape(x, y + 3, x, y + LANE - 3, found.background, 2)
    # Words over the lines, from the last to the first, so that none covers the words of a later one.
    free = RIGHT
    for x, found in reversed(marks):
        width = width_of(found.word, 11) + 10
        left = min(x, free - width)
        if left >= LEFT:
            yield Rect(left, y + 5, width, LANE - 10, found.background)
            yield TextShape(left + 5, y + LANE / 2, found.word, 11, found.colour)
            free = left - 3


def _reads(timeline: Timeline, axis: Axis, y: float) -> Iterator[Shape]:
    for moments, colour, low in ((timeline.reads, GREY, 9.0), (timeline.failed_reads, "#9b1c1c", 4.0)):
        # Thousands of calls share the pixels that there are.
        for left, right in _near(sorted({round(axis.x(at)) for at in moments})):
            yield Rect(left, y + low, right - left + 1, LANE - 2 * low, colour)


def _near(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours as one stretch."""
    began = before = None
    for x in places:
        if began is None or before is None or x - before > 1:
            if began is not None and before is not None:
                yield began, before
            began = x
        before = x
    if began is not None and before is not None:
        yield began, before


def _changes(timeline: Timeline, axis: Axis, y: float) -> Iterator[Shape]:
    free = LEFT
    for number, change in enumerate(timeline.changes, start=1):
        x = axis.x(change.at)
        told = f"{number}"
        width = width_of(told, 12) + 10
        left = min(max(x, free), RIGHT - width)
        if left < free:
            continue  # its line is drawn, and the text below names it
        yield Rect(left, y + 4, width, LANE - 8, CHANGING)
        yield TextShape(left + 5, y + LANE / 2, told, 12, "#ffffff")
        free = left + width + 2
    if not timeline.changes:
        yield TextShape(LEFT, y + LANE / 2, "none was sent", 11, GREY)


def _pale(colour: str) -> str:
    """A quarter of the colour on white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - part) // 4:02x}" for part in parts)


def _short(text: str, room: float, size: float = 12.0) -> str:
    """The text, cut off at the end of its room."""
    if width_of(text, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(text[:middle] + "…", size) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low] + "…"


def timeline_svg(timeline: Timeline) -> bytes:
    """The picture as an SVG file. The same timeline gives the same bytes."""
    return svg(draw(timeline))


def timeline_png(timeline: Timeline) -> bytes:
    """The picture as a PNG file. The same timeline gives the same bytes."""
    return png(draw(timeline))
