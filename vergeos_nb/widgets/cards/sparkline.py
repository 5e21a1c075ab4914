"""A few measurements as a small line in the text, as SVG. It is drawn in the colour of the text."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT = 120, 20
MARGIN = 2.0


def points(values: Sequence[float | None]) -> list[str]:
    """The lines through these values, each as the points of an SVG polyline. A gap begins a new line.

    The bottom is 0, or the lowest value if that is less.
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(0.0, *known), max(known)
    if high == low or len(values) < 2:
        at = _y(0.0 if high == low else 0.5)
        return [f"{_x(0, 2)},{at} {_x(1, 2)},{at}"]
    lines: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{_x(number, len(values))},{_y((value - low) / (high - low))}")
    # A single point would be no line.
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]


def _x(number: int, of: int) -> str:
    return f"{MARGIN + number * (WIDTH - 2 * MARGIN) / (of - 1):.1f}"


def _y(share: float) -> str:
    return f"{HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN):.1f}"
