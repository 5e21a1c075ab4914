"""A step result as one MIME bundle: HTML and plain text that say the same.

The HTML survives JupyterLab's sanitiser: inline styles only, no script, no SVG, colours always in pairs and
with a fallback, so that it reads well light, dark, printed, and where every style is stripped.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape
from msgspec.structs import replace

from vergeos_nb.clock import iso
from vergeos_nb.masking import masked, state_of_masking
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.badges import badge_of
from vergeos_nb.views.call_groups import CALL_GROUPS, call_groups
from vergeos_nb.views.cells import bars, grid
from vergeos_nb.views.in_short import in_short
from vergeos_nb.views.text import visible

if TYPE_CHECKING:
    import jinja2

# A run has about a dozen steps.
MOST_PAGES = 24
# The templates that a run renders at its end.
OF_EVERY_RECORD = ("step", "grid", "fold", "skipped", "summary", "defaults")
_PAGES: dict[tuple[bytes, int], dict[str, str]] = {}
_KEEPING = Lock()
_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\b")


def static_view(result: StepResult) -> dict[str, str]:
    """The step's bundle: ``text/html`` and ``text/plain``. It is made once for each recent result.

    A cell, its card and the record show the same page. The record reads the result again from the journal. So
    pages are cached by the result's content, and by the secrets that are masked at the time.
    """
    key = (_digest(result), state_of_masking())
    page = _PAGES.get(key)
    if page is None:
        page = {"text/html": _html(result), "text/plain": plain_view(result)}
        with _KEEPING:
            for oldest in list(_PAGES)[: max(0, len(_PAGES) + 1 - MOST_PAGES)]:
                del _PAGES[oldest]
            _PAGES[key] = page
    return dict(page)


def _digest(result: StepResult) -> bytes:
    """A hash of the whole result, a call at a time: a long watch has megabytes of them."""
    made = sha256()
    for part in (replace(result, exchanges=()), *result.exchanges):
        made.update(repr(part).encode("utf-8", "backslashreplace"))
    return made.digest()


def rendered(template: str, **values: Any) -> str:
    """A template of this room with these values, which are masked and escaped."""
    return _environment().get_template(f"{template}.html.j2").render(**values)


def prepare() -> None:
    """Compile the templates of every record. This is slow, and the same for each."""
    for template in OF_EVERY_RECORD:
        _environment().get_template(f"{template}.html.j2")


@cache
def _environment() -> jinja2.Environment:
    """Templates that mask and escape what is put into them.

    The filter ``seen`` makes hidden characters visible. ``timed`` does that too, and marks times in UTC: a
    live page shows them as the reader's local time. It is for text and not for attributes.
    """
    # Loads slowly, and a run's kernel makes no HTML.
    import jinja2

    env = jinja2.Environment(
        loader=jinja2.PackageLoader("vergeos_nb.views"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_masked,
    )
    env.filters["seen"] = visible
    env.filters["timed"] = timed
    return env


def timed(text: str, *, keep: str = "") -> Markup:
    """The text masked, visible and escaped, with each time in UTC in an element of its own."""
    safe = str(escape(masked(visible(text, keep=keep))))
    return Markup(_MOMENT.sub(r"<time>\g<0></time>", safe))


def _masked(value: Any) -> Any:
    """Mask a value that is put into a template. Values of type Markup are masked already."""
    return masked(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _html(result: StepResult) -> str:
    calls = grid(call_groups(result.exchanges))
    return rendered(
        "step",
        result=result,
        badge=badge_of(result),
        began=iso(result.began_at),
        seconds=f"{max(0.0, result.ended_at - result.began_at):.1f}",
        tables=[(table.schema, in_short(table), bars(table)) for table in result.tables],
        calls=calls,
        calls_caption=CALL_GROUPS.caption,
        count=len(result.exchanges),
    )


def plain_view(result: StepResult) -> str:
    """The step in plain text, which says the same."""
    step = f" (vendor's step {result.vendor_step})" if result.vendor_step else ""
    lines = [
        f"{result.title}{step}: {badge_of(result)}   [{visible(result.system)}]",
        visible(result.summary, keep="\n"),
    ]
    if result.next_step:
        lines.append(f"What to do: {visible(result.next_step, keep=chr(10))}")
    for table in result.tables:
        lines += ["", f"{table.schema.caption}:", in_short(table).plain()]
    if result.exchanges:
        lines += ["", f"API calls: {len(result.exchanges)}"]
        for times, _, _, call, answered, came in call_groups(result.exchanges).rows:
            lines.append(visible(f"  {times} × {call} → {answered} {came}".rstrip()))
    return "\n".join(lines)
