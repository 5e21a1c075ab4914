"""The fleet by node and status as one picture: a bar per node, a piece per status."""

from __future__ import annotations

from collections.abc import Mapping

from vergeos_nb.procedure.model import Table
from vergeos_nb.views.drawing import INK, Drawing, Rect, Shape, Text, width_of
from vergeos_nb.views.text import visible

WIDTH = 900
LEFT, RIGHT = 170.0, 840.0
ROW, BAR = 26.0, 18.0
# A fleet of hundreds of nodes has its largest ones drawn; the table beside holds all.
MOST_NODES = 40
MOST_VMS = 1_000_000
OTHER = "#b39ddb"
COLOURS: Mapping[str, str] = {
    "running": "#a5d6a7",
    "stopped": "#cfd8dc",
    "unresponsive": "#ffb74d",
    "stopping": "#fff176",
    "": "#ef9a9a",
}


def draw_fleet(table: Table) -> Drawing:
    """The picture of a table ``fleet``: node, status, number of VMs."""
    nodes: dict[str, dict[str, int]] = {}
    for node, status, count in table.rows:
        nodes.setdefault(str(node or ""), {})[str(status or "")] = max(0, min(int(count or 0), MOST_VMS))
    chosen = sorted(nodes, key=lambda node: (-sum(nodes[node].values()), node))[:MOST_NODES]
    most = max((sum(nodes[node].values()) for node in chosen), default=0)
    most = max(most, 1)
    shapes: list[Shape] = []
    y = 14.0
    x = 12.0
    for status in sorted({status for node in chosen for status in nodes[node]}):
        shapes += [Rect(x, y - 6, 12, 12, _colour(status)), Text(x + 17, y, _said(status))]
        x += 17 + width_of(_said(status)) + 22
        if x > RIGHT:
            break
    for node in sorted(chosen):
        y += ROW
        shapes.append(Text(LEFT - 8, y, visible(node)[:24] or "no node", anchor="end"))
        x = LEFT
        for status, count in sorted(nodes[node].items()):
            wide = (RIGHT - LEFT) * count / most
            shapes.append(Rect(x, y - BAR / 2, wide, BAR, _colour(status)))
            if width_of(str(count)) < wide:
                shapes.append(Text(x + wide / 2, y, str(count), 11, INK, "middle"))
            x += wide
        shapes.append(Text(x + 6, y, str(sum(nodes[node].values())), 11))
    said = "; ".join(
        f"{visible(node) or 'no node'}: "
        + ", ".join(f"{count} {_said(status)}" for status, count in sorted(nodes[node].items()))
        for node in sorted(chosen)
    )
    return Drawing(WIDTH, int(y + ROW), "The fleet by node and status", said, tuple(shapes))


def _colour(status: str) -> str:
    return COLOURS.get(status, OTHER)


def _said(status: str) -> str:
    return visible(status)[:24] or "no status row"
