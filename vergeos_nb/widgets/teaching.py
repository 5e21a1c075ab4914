"""The words of a card, from the text before its cell: the notebook holds them, once.

A step's text in a notebook has paragraphs, such as ``**Look at:** …`` and ``**Stop when** …``. One
that begins with ``**Headless`` is not for a person at a card, and is left out.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from vergeos_nb.errors import UsageError
from vergeos_nb.masking import masked
from vergeos_nb.procedure.runbooks.catalog import notebook_of

_STEP = "step:"
_HEADLESS = "**Headless"
# The vendor's step has a place of its own on a card.
_VENDOR = re.compile(r"^\*(The )?[Vv]endor's [^*]*\*\s*")
_MARKS = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*(.+?)\*"), r"<em>\1</em>"),
    (re.compile(r"`(.+?)`"), r"<code>\1</code>"),
)


@dataclass(frozen=True, slots=True)
class Teaching:
    """What a card says of its step, as paragraphs of HTML."""

    paragraphs: tuple[Markup, ...] = ()


NOT_TAUGHT = Teaching()


@cache
def teaching(runbook: str) -> Mapping[str, Teaching]:
    """The words of each step's card, by the step's id; ``close`` has those of the closing card."""
    try:
        path = notebook_of(runbook)
    except UsageError:
        # Another package left its notebook out. Its steps say why they are there themselves.
        return {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    told: dict[str, Teaching] = {}
    for before, cell in zip(cells, cells[1:], strict=False):
        tags = cell.get("metadata", {}).get("tags", [])
        ids = [tag.removeprefix(_STEP) for tag in tags if tag.startswith(_STEP) or tag == "close"]
        if before["cell_type"] == "markdown" and ids:
            told[ids[0]] = Teaching(tuple(_paragraphs(_text(before))))
    return told


def _text(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _paragraphs(text: str) -> list[Markup]:
    told = []
    for paragraph in text.split("\n\n"):
        words = _VENDOR.sub("", paragraph.strip())
        if not words or words.startswith(("#", _HEADLESS)):
            continue
        # Each kind of mark within a paragraph; "**Stop when** …" begins a line of its own.
        lines = re.sub(r" (?=\*\*Stop when)", "\n", words).split("\n")
        told += [_marked(line) for line in lines if line.strip()]
    return told


def _marked(line: str) -> Markup:
    escaped = html.escape(masked(line), quote=False)
    for mark, tag in _MARKS:
        escaped = mark.sub(tag, escaped)
    return Markup(escaped)
