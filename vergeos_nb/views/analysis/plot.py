"""A picture of numbers over time, one line below the other. No matplotlib is needed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from vergeos_nb.clock import iso
from vergeos_nb.errors import UsageError
from vergeos_nb.views.drawing import Drawing, LineShape, Rect, Shape, TextShape, png
from vergeos_nb.views.shown import Shown
from vergeos_nb.views.text import visible
from vergeos_nb.words import counted, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

WIDTH, LEFT, RIGHT, ROW, HIGH, TOP = 1000, 190.0, 880.0, 64.0, 44.0, 34.0
MOST_LINES = 24
LINE, GRID, GREY = "#0b57b0", "#d9d9d9", "#595959"
NUMBERS = ("Int64", "Float64", "boolean")
NO_MEASUREMENTS = ("number", "call", "machine", "node", "port")


class PlotLine(Struct, frozen=True):
    """One line: points of time, in seconds since 1970, and value."""

    label: str
    points: Sequence[tuple[float, float]]


class Plot(Shown):
    """Lines over one time axis, as PNG and in words. Each has its own scale."""

    def __init__(self, title: str, lines: Sequence[PlotLine]) -> None:
        self.lines = tuple(line for line in lines if line.points)
        words = _words(title, self.lines)
        super().__init__({"text/plain": words})
        if self.lines:
            self.bundle["image/png"] = b64encode(png(_drawn(title, words, self.lines))).decode()
            self.metadata = {"image/png": {"alt": words, "width": WIDTH}}


def lines_of(data: pd.DataFrame, name: str, wanted: Sequence[str] = ()) -> Sequence[PlotLine]:
    """The lines of a frame: one for each column, and for each device where the rows name one.

    Raises:
        UsageError: the frame has no time, or no such column of numbers.
    """
    numbers = [column for column in data.columns if str(data[column].dtype) in NUMBERS]
    times = [column for column in data.columns if str(data[column].dtype).startswith("datetime64")]
    asked = f"drawing {name}"
    for column in wanted:
        if column not in numbers:
            raise UsageError(asked, f"it has no numbers {column!r}", did_you_mean(column, numbers))
    if not times:
        raise UsageError(asked, "its rows have no time", "choose a frame with a column of times")
    measured = wanted or [c for c in numbers if not c.startswith("$") and c not in NO_MEASUREMENTS]
    parts = dict(list(data.groupby("name"))) if "name" in data and data["name"].nunique() > 1 else {"": data}
    lines = [
        PlotLine(" ".join([*filter(None, [str(part)]), column]), _points(rows, times[0], column))
        for part, rows in parts.items()
        for column in measured
    ]
    return lines[:MOST_LINES]


def _points(rows: pd.DataFrame, time: str, column: str) -> Sequence[tuple[float, float]]:
    there = rows[[time, column]].dropna()
    return [(at.timestamp(), float(value)) for at, value in there.itertuples(index=False)]


def _words(title: str, lines: Sequence[PlotLine]) -> str:
    if not lines:
        return f"{title}: nothing was read"
    said = [
        f"{visible(line.label)}: {_number(line.points[0][1])} → {_number(line.points[-1][1])}, "
        f"{counted(len(line.points), 'reading')}"
        for line in lines
    ]
    return f"{title}. {'; '.join(said)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"


def _drawn(title: str, words: str, lines: Sequence[PlotLine]) -> Drawing:
    began = min(at for line in lines for at, _ in line.points)
    ended = max(at for line in lines for at, _ in line.points)
    height = TOP + ROW * len(lines) + 24
    shapes: list[Shape] = [TextShape(8, 16, title, 13)]
    for index, line in enumerate(lines):
        shapes += _row(line, TOP + ROW * index, began, max(ended - began, 0.001))
    low = height - 12
    shapes.append(TextShape(LEFT, low, f"{iso(began)}", 11, GREY))
    shapes.append(TextShape(RIGHT, low, f"+{ended - began:.0f} s", 11, GREY, "end"))
    return Drawing(WIDTH, round(height), title, words, tuple(shapes))


def _row(line: PlotLine, top: float, began: float, seconds: float) -> Sequence[Shape]:
    values = [value for _, value in line.points]
    low, high = min(values), max(values)
    base = top + HIGH
    # A line that does not move lies in the middle: it has no scale.
    half = HIGH / 2
    dots = [
        (
            LEFT + (at - began) / seconds * (RIGHT - LEFT),
            base - (half if high == low else (value - low) / (high - low) * HIGH),
        )
        for at, value in line.points
    ]
    return [
        LineShape(LEFT, base, RIGHT, base, GRID),
        TextShape(LEFT - 10, top + half, visible(line.label)[:28], 12, anchor="end"),
        *(LineShape(*a, *b, LINE, 2.0) for a, b in zip(dots, dots[1:], strict=False)),
        *(Rect(x - 2, y - 2, 4, 4, LINE) for x, y in dots),
        TextShape(RIGHT + 10, top if high != low else top + half, _number(high), 11, GREY),
        *([TextShape(RIGHT + 10, base, _number(low), 11, GREY)] if high != low else []),
    ]
