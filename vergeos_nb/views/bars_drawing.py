"""Counted things as one picture: a bar per node, day or VM, a piece per status, outcome or call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vergeos_nb.procedure.values.table import Table
from vergeos_nb.views.drawing import INK, Drawing, Rect, Shape, TextShape, width_of
from vergeos_nb.views.text import visible

WIDTH = 900
LEFT, RIGHT = 230.0, 840.0
ROW, BAR = 26.0, 18.0
# A fleet of hundreds of nodes has its largest ones drawn; the table beside holds all.
MOST_NODES = 40
MOST_VMS = 1_000_000
OTHER = "#b39ddb"


@dataclass(frozen=True, slots=True)
class Bars:
    """How a table of three columns is drawn: what has a bar, its pieces, and how many.

    Attributes:
        newest: whether the last bars are drawn where there are too many, and not the largest.
        no_bar, no_piece: what an empty name means.
    """

    colours: Mapping[str, str]
    no_bar: str = "none"
    no_piece: str = "none"
    newest: bool = False


# The tables that are drawn, by the name of their schema. Nothing is green: none of these words is a verdict.
DRAWN: Mapping[str, Bars] = {
    "fleet": Bars(
        {
            "running": "#bbdefb",
            "stopped": "#cfd8dc",
            "unresponsive": "#ffb74d",
            "stopping": "#fff176",
            "": "#ef9a9a",
        },
        "no node",
        "no status row",
    ),
    "outcomes": Bars(
        {
            "done": "#90caf9",
            "planned": "#e3f2fd",
            "nothing-to-do": "#cfd8dc",
            "refused": "#ffcc80",
            "failed": "#ef9a9a",
            "unknown": "#ce93d8",
            "interrupted": "#e1bee7",
        },
        newest=True,
    ),
    "often": Bars(
        {
            "poweroff": "#bbdefb",
            "kill": "#ffcc80",
            "override": "#ef9a9a",
            "restore": "#cfd8dc",
            "poweron": "#d1c4e9",
        }
    ),
}


def draw_bars(table: Table) -> Drawing:
    """The picture of a table whose schema is in `DRAWN`."""
    how = DRAWN[table.schema.name]
    nodes: dict[str, dict[str, int]] = {}
    for node, status, count in table.rows:
        nodes.setdefault(str(node or ""), {})[str(status or "")] = max(0, min(int(count or 0), MOST_VMS))
    largest = sorted(nodes, key=lambda node: (-sum(nodes[node].values()), node))
    chosen = sorted(nodes)[-MOST_NODES:] if how.newest else largest[:MOST_NODES]
    most = max((sum(nodes[node].values()) for node in chosen), default=0)
    most = max(most, 1)
    shapes: list[Shape] = []
    y = 14.0
    x = 12.0
    for status in sorted({status for node in chosen for status in nodes[node]}):
        shapes += [Rect(x, y - 6, 12, 12, _colour(status, how)), TextShape(x + 17, y, _said(status, how))]
        x += 17 + width_of(_said(status, how)) + 22
        if x > RIGHT:
            break
    for node in sorted(chosen):
        y += ROW
        shapes.append(TextShape(LEFT - 8, y, _named(node, how), anchor="end"))
        x = LEFT
        for status, count in sorted(nodes[node].items()):
            wide = (RIGHT - LEFT) * count / most
            shapes.append(Rect(x, y - BAR / 2, wide, BAR, _colour(status, how)))
            if width_of(str(count)) < wide:
                shapes.append(TextShape(x + wide / 2, y, str(count), 11, INK, "middle"))
            x += wide
        shapes.append(TextShape(x + 6, y, str(sum(nodes[node].values())), 11))
    said = "; ".join(
        f"{visible(node) or how.no_bar}: "
        + ", ".join(f"{count} {_said(status, how)}" for status, count in sorted(nodes[node].items()))
        for node in sorted(chosen)
    )
    return Drawing(WIDTH, int(y + ROW), table.schema.caption, said, tuple(shapes))


def _colour(status: str, how: Bars) -> str:
    return how.colours.get(status, OTHER)


def _said(status: str, how: Bars) -> str:
    return visible(status)[:24] or how.no_piece


def _named(node: str, how: Bars) -> str:
    shown = visible(node) or how.no_bar
    return shown if len(shown) <= 32 else f"{shown[:31]}…"
