"""The record as one HTML file: no network, no script, light, dark and print."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.views import bundle
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import Timeline

# The exporter has state, and runs that end at the same time in one process share it.
_ONE_AT_A_TIME = Lock()
# The others of nbconvert's do nothing here, and after each of them the notebook is checked once more.
_PREPROCESSORS = ("CoalesceStreamsPreprocessor", "HighlightMagicsPreprocessor")
# As in the template of tables, and in the page's style sheet.
CELL = "text-align:left;vertical-align:top;padding:.1em .6em"


def page(
    notebook: NotebookNode, title: str, drawn: bytes, picture: Picture, *, heading: str = "", digest: str = ""
) -> str:
    """The notebook as a page that needs nothing but itself.

    Args:
        title: the record's id.
        heading: what the record is about.
        digest: the SHA-256 of its journal. It is printed on each page.
        drawn: the timeline as SVG. It is shown at the top of the page, and not where the run is closed.
        picture: the timeline as the notebook shows it.
    """
    timeline = {"src": f"data:image/svg+xml;base64,{b64encode(drawn).decode()}", "alt": repr(picture)}
    resources = {
        "metadata": {"name": title},
        "timeline": timeline,
        "heading": visible(heading),
        "digest": digest,
    }
    with _ONE_AT_A_TIME:
        html, _ = _exporter().from_notebook_node(notebook, resources=resources)
    # A notebook needs this style in each cell. The page has a style sheet, so a sixth of it can go.
    return str(html).replace(f' style="{CELL}"', "")


@cache
def prepare() -> None:
    """Load the modules of a page and its picture, and compile the templates. Slow, and needed once."""
    Picture(Timeline("", "", ""))
    timeline = {"src": "", "alt": ""}
    resources = {"metadata": {"name": ""}, "timeline": timeline, "heading": "", "digest": ""}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    with _ONE_AT_A_TIME:
        _exporter().from_notebook_node(notebook, resources=resources)
    bundle.prepare()


@cache
def _exporter() -> Any:
    # Slow to import, and only a run's end needs it.
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters.highlight import Highlight2HTML
    from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

    class Exporter(HTMLExporter):  # type: ignore[misc]  # nbconvert ships no types
        """An HTML exporter that trusts its template.

        Its base class parses the finished page once more, to mark elements that our template does not have,
        and images without a description, of which we have none. That takes longer than all the rest.
        """

        def from_notebook_node(
            self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
        ) -> tuple[str, dict[str, Any]]:
            self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="python", parent=self))
            chosen = WidgetsDataTypeFilter(notebook_metadata=nb.metadata, parent=self, resources=resources)
            self.register_filter("filter_data_type", chosen)
            made: tuple[str, dict[str, Any]] = TemplateExporter.from_notebook_node(
                self, nb, resources, **options
            )
            return made

    exporter = Exporter(
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        template_name="record",
        default_preprocessors=[f"nbconvert.preprocessors.{name}" for name in _PREPROCESSORS],
    )
    exporter.exclude_input_prompt = True
    exporter.exclude_output_prompt = True
    exporter.exclude_anchor_links = True
    return exporter
