"""The record as one HTML file: no network, no script, light, dark and print."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode


def page(notebook: NotebookNode, title: str) -> str:
    """The notebook as a page that needs nothing but itself."""
    html, _ = _exporter().from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return str(html)


@cache
def _exporter() -> Any:
    # Slow to import, and only a run's end needs it.
    from nbconvert.exporters.html import HTMLExporter

    exporter = HTMLExporter(
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        template_name="record",
    )
    exporter.exclude_input_prompt = True
    exporter.exclude_output_prompt = True
    exporter.exclude_anchor_links = True
    return exporter
