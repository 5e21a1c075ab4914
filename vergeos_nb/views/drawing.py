"""A small drawing of rectangles, lines and texts, written as PNG and as SVG.

It uses Pillow and plain SVG. matplotlib takes longer to import than the whole picture takes here, and every
run draws one at its end. The same drawing gives the same bytes.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

from msgspec import Struct

# The PNG has more pixels than the drawing has units, so that it is sharp on fine screens.
SCALE = 1.5
FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
PAPER = "#ffffff"
INK = "#1a1a1a"

Anchor = Literal["start", "middle", "end"]


class Rect(Struct, frozen=True):
    """A filled rectangle from the upper left corner."""

    x: float
    y: float
    width: float
    height: float
    fill: str


class LineShape(Struct, frozen=True):
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.0


class TextShape(Struct, frozen=True):
    """A line of text; ``y`` is its middle."""

    x: float
    y: float
    text: str
    size: float = 12.0
    colour: str = INK
    anchor: Anchor = "start"


Shape = Rect | LineShape | TextShape


class Drawing(Struct, frozen=True):
    """Shapes on white paper, drawn in their order.

    Attributes:
        title: the picture's title, a few words.
        described: the content in words, for people who cannot see it.
    """

    width: int
    height: int
    title: str
    described: str
    shapes: tuple[Shape, ...]


def svg(drawing: Drawing) -> bytes:
    """The drawing as an SVG file of its own: no script, no style sheet, nothing from elsewhere."""
    w, h = drawing.width, drawing.height
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        'aria-labelledby="title desc" font-family="DejaVu Sans, Verdana, sans-serif">',
        f'<title id="title">{_xml(drawing.title)}</title>',
        f'<desc id="desc">{_xml(drawing.described)}</desc>',
        f'<rect width="{w}" height="{h}" fill="{PAPER}"/>',
        *(_svg(shape) for shape in drawing.shapes),
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _svg(shape: Shape) -> str:
    match shape:
        case Rect(x, y, width, height, fill):
            return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'
        case LineShape(x1, y1, x2, y2, colour, width):
            return (
                f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'
            )
        case TextShape(x, y, text, size, colour, anchor):
            # With this width, texts do not overlap in another font.
            wide = f'textLength="{width_of(text, size):.0f}" lengthAdjust="spacingAndGlyphs" ' if text else ""
            return (
                f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}" '
                f'{wide}dominant-baseline="central" xml:space="preserve">{_xml(text)}</text>'
            )


def _xml(text: str) -> str:
    # Characters that XML cannot hold were made visible before.
    return escape(text)


def png(drawing: Drawing) -> bytes:
    """The drawing as a PNG file, without a date or a program's name in it."""
    from PIL import Image, ImageDraw

    size = (round(drawing.width * SCALE), round(drawing.height * SCALE))
    image = Image.new("RGB", size, PAPER)
    canvas = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        _paint(canvas, shape)
    file = io.BytesIO()
    # The drawing has a few dozen colours. A palette makes the file a third of the size, and faster to write.
    image = image.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(file, "PNG", compress_level=7)
    return file.getvalue()


def _paint(canvas: Any, shape: Shape) -> None:
    match shape:
        case Rect(x, y, width, height, fill):
            # Never thinner than a pixel, so that short events are seen.
            right, low = max(x + width - 1 / SCALE, x), max(y + height - 1 / SCALE, y)
            canvas.rectangle([_px(x), _px(y), _px(right), _px(low)], fill=fill)
        case LineShape(x1, y1, x2, y2, colour, width):
            ends = [_px(x1), _px(y1), _px(x2), _px(y2)]
            canvas.line(ends, fill=colour, width=max(1, round(width * SCALE)))
        case TextShape(x, y, text, size, colour, anchor):
            where = {"start": "lm", "middle": "mm", "end": "rm"}[anchor]
            canvas.text((_px(x), _px(y)), covered(text), font=_font(size), fill=colour, anchor=where)


def _px(units: float) -> int:
    return round(units * SCALE)


def width_of(text: str, size: float = 12.0) -> float:
    """How wide a text is drawn, in the drawing's units."""
    return float(_font(size).getlength(covered(text))) / SCALE


@cache
def _font(size: float) -> Any:
    from PIL import ImageFont

    # A font of this package, because Pillow's own has only ASCII, and the machine may have none.
    return ImageFont.truetype(str(FONT), size * SCALE)


def covered(text: str) -> str:
    """The text, with characters that the font lacks as ``\\uXXXX``, so that names can be told apart."""
    if text.isascii():
        return text
    return "".join(c if _has_glyph(c) else c.encode("unicode_escape").decode() for c in text)


@cache
def _has_glyph(character: str) -> bool:
    font = _font(12.0)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffd"))
