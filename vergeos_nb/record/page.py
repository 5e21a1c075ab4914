"""The record as one HTML file: no network, no script, light, dark and print.

Its template is ours. nbconvert would do the same, but it takes as long to load as papermill and the kernel
together, and its page would be parsed once more to leave out most of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import jinja2
from markupsafe import Markup

from vergeos_nb.nb import NotebookNode
from vergeos_nb.views import bundle
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.text import visible
from vergeos_nb.views.timeline import Timeline

# As in the template of tables, and in the page's style sheet.
CELL = "text-align:left;vertical-align:top;padding:.1em .6em"
# Of an output with several kinds of content, the first one of these is shown.
KINDS = (
    "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain",
)  # fmt: skip
# Colours of a terminal, which a page that is read in light, dark and print cannot have.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


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
    html = _template().render(
        cells=notebook.cells,
        title=title,
        heading=visible(heading),
        digest=digest,
        drawn=f"data:image/svg+xml;base64,{_base64(drawn)}",
        alt=repr(picture),
    )
    # A notebook needs this style in each cell. The page has a style sheet, so a sixth of it can go.
    return html.replace(f' style="{CELL}"', "")


@cache
def prepare() -> None:
    """Compile the templates of a page, and load what draws its picture. This is slow, and needed once."""
    _template()
    bundle.prepare()
    Picture(Timeline("", "", ""))


@cache
def _template() -> jinja2.Template:
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("vergeos_nb.record"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    # A cell's HTML is not escaped, as in JupyterLab. The page's policy lets nothing in it run or load.
    env.filters |= {
        "as_it_is": Markup, "base64": _base64, "markdown": _markdown, "printed": _printed, "shown": _shown,
    }  # fmt: skip
    return env.get_template("page.html.j2")


def _shown(outputs: Sequence[NotebookNode]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Of each output its kind, its content, and its metadata. Parts of one stream are joined."""
    for stream, group in groupby(outputs, lambda output: output.get("name", "")):
        if stream:
            yield "text/plain", "".join(output.text for output in group), {}
            continue
        for output in group:
            if output.output_type == "error":
                yield "text/plain", "\n".join(output.traceback), {}
            elif output.metadata.get("vergeos_nb") != "timeline":
                yield from _best(output)


def _best(output: NotebookNode) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    kind = next((kind for kind in KINDS if kind in output.data), "")
    if kind:
        own = output.metadata.get(kind)
        # The format of notebooks allows anything there.
        about = {**output.metadata, **(own if isinstance(own, Mapping) else {})}
        yield "text/plain" if kind == "text/latex" else kind, output.data[kind], about


def _printed(text: str) -> str:
    """What a terminal would show, without colours, and without what a progress bar has written over."""
    return "\n".join(_last_state(line) for line in _ANSI.sub("", text).split("\n"))


def _last_state(line: str) -> str:
    # No pattern: on a line of a megabyte, as programs print, it would search from each letter on.
    return line.rstrip("\r").rpartition("\r")[2]


def _base64(content: str | bytes) -> str:
    return b64encode(
        content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    ).decode()


def _markdown(text: str) -> Markup:
    # Few records have any.
    import mistune

    return Markup(mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url"])(text))
