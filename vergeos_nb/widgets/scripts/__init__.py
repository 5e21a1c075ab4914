"""The scripts and styles that run in the page. They are files of this package, so no network is asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def page_file(name: str) -> str:
    """The text of a script or style of this folder."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
