"""The record as one HTML file: no network, no script, light, dark and print."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from vergeos_nb.nb import NotebookNode
from vergeos_nb.views.shown import Picture


def page(notebook: NotebookNode, title: str, drawn: bytes, picture: Picture) -> str:
    """The notebook as a page that needs nothing but itself.

    Args:
        drawn: the timeline as SVG, which stands at the top of the page and not where the run is closed.
        picture: the same as the notebook shows it.
    """
    timeline = {"src": f"data:image/svg+xml;base64,{b64encode(drawn).decode()}", "alt": repr(picture)}
    resources = {"metadata": {"name": title}, "timeline": timeline}
    html, _ = _exporter().from_notebook_node(notebook, resources=resources)
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
