"""What a record's page needs is loaded while the run's kernel works, not at its end."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from nbformat import v4

from tests.rehearsal import Rehearsal
from vergeos_nb.record import page
from vergeos_nb.views import bundle
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.timeline import Timeline


def test_the_end_of_a_run_compiles_no_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.prepare()
    bundle.prepare()
    compiled: list[str] = []
    compile_one = jinja2.Environment.compile

    def counted(self: jinja2.Environment, source: str, name: str | None = None, **options: object) -> object:
        compiled.append(str(name))
        return compile_one(self, source, name, **options)  # type: ignore[call-overload]

    run = Rehearsal("stuck", tmp_path)
    book = run.open()
    for step in book.engine.steps:
        book.engine.run(step.id)
    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    run.end(book)
    assert compiled == []


def cell_shown(*outputs: object) -> str:
    """A page's last cell, which is of a runbook of another package and has these outputs."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell("if a < 2: pass", id="last", outputs=list(outputs))])
    html = page.page(notebook, "id", b"<svg/>", Picture(Timeline("", "", "")))
    return html[html.index('<div id="cell-id=last"') : html.index("</main>")]


CODE = """<div id="cell-id=last" class="cell">
<div class="input_area">
<pre>if a &lt; 2: pass</pre>
</div>"""


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (v4.new_output("stream", text="a\x1b[31mred\x1b[0m <b>\n"), "<pre>ared &lt;b&gt;\n</pre>"),
        (v4.new_output("stream", text="10 %\r20 %\n"), "<pre>20 %\n</pre>"),
        (v4.new_output("stream", text="a\r\n1\r2\r\r\nb\r"), "<pre>a\n2\nb</pre>"),
        (v4.new_output("error", traceback=["\x1b[1mTrace\x1b[0m", "<is>"]), "<pre>Trace\n&lt;is&gt;</pre>"),
        (v4.new_output("display_data", {"text/plain": "no", "text/html": "<i>yes</i>"}), "<i>yes</i>"),
        (
            v4.new_output("display_data", {"text/plain": "no", "text/markdown": "**yes**"}),
            "<p><strong>yes</strong></p>\n",
        ),
        (v4.new_output("display_data", {"text/latex": "$x<y$"}), "<pre>$x&lt;y$</pre>"),
        (
            v4.new_output("display_data", {"image/png": "aGk="}, metadata={"image/png": {"width": 9}}),
            '<img src="data:image/png;base64,aGk=" alt="" width="9">',
        ),
        (
            v4.new_output("display_data", {"image/svg+xml": "<svg/>"}, metadata={"alt": "a <line>"}),
            '<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="a &lt;line&gt;">',
        ),
        (
            v4.new_output("display_data", {"image/png": "aGk="}, metadata={"image/png": ["width"]}),
            '<img src="data:image/png;base64,aGk=" alt="">',
        ),
    ],
)  # fmt: skip
def test_each_kind_of_output_is_shown_as_a_person_reads_it(output: object, shown: str) -> None:
    assert cell_shown(output) == f'{CODE}\n<div class="output_subarea">\n{shown}\n</div>\n</div>\n'


def test_parts_of_a_stream_are_joined_and_what_nobody_can_read_is_left_out() -> None:
    parts = [v4.new_output("stream", text=text) for text in ("one ", "line")]
    picture = v4.new_output("display_data", {"image/png": "aGk="}, metadata={"vergeos_nb": "timeline"})
    only_code = v4.new_output("display_data", {"application/javascript": "alert(1)"})
    told = f'{CODE}\n<div class="output_subarea">\n<pre>one line</pre>\n</div>\n</div>\n'
    assert cell_shown(*parts, picture, only_code) == told


def test_a_line_of_megabytes_is_shown_at_once() -> None:
    # Holds off: the search for what was written over began anew at each letter, for minutes.
    line = "a" * 2_000_000
    assert f"<pre>{line}</pre>" in cell_shown(v4.new_output("stream", text=line))


def test_notes_are_read_as_markdown_and_raw_cells_as_they_are() -> None:
    cells = [v4.new_markdown_cell("~~a~~ <b>x</b>", id="note"), v4.new_raw_cell("<raw>", id="raw")]
    html = page.page(v4.new_notebook(cells=cells), "id", b"<svg/>", Picture(Timeline("", "", "")))
    assert html[html.index('<div id="cell-id=note"') : html.index("</main>")] == (
        '<div id="cell-id=note" class="cell text_cell">\n<p><del>a</del> <b>x</b></p>\n\n</div>\n'
        '<div id="cell-id=raw" class="cell text_cell">\n<pre>&lt;raw&gt;</pre>\n</div>\n'
    )
