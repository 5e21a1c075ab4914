"""The picture of a run at any pace and any length: no text lies over another one or beyond the paper."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chromium import needs_chromium
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.views.badges import LOOKS, Badge
from vergeos_nb.views.drawing import Drawing, TextShape, width_of
from vergeos_nb.views.timeline import (
    ChangeMark,
    Span,
    StatusBar,
    StepBar,
    Timeline,
    VerdictMark,
    timeline_text,
)
from vergeos_nb.views.timeline_drawing import draw, timeline_svg

Box = tuple[float, float, float, float]
DAY = 86_400.0
# Text and box of each text in an SVG; the room above and below its letters is no part of it.
TEXTS = """() => [...document.querySelectorAll('text')].map(text => {
  const box = text.getBBox(), cut = box.height / 8;
  return [text.textContent, [box.x, box.y + cut, box.x + box.width, box.y + box.height - cut]];
})"""


def box_of(shape: TextShape) -> Box:
    width, height = width_of(shape.text, shape.size), shape.size
    left = shape.x - {"start": 0.0, "middle": width / 2, "end": width}[shape.anchor]
    return left, shape.y - height / 2, left + width, shape.y + height / 2


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    boxes = [(shape.text, box_of(shape)) for shape in drawing.shapes if isinstance(shape, TextShape)]
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if meet(one, other)]


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def outside(drawing: Drawing) -> list[str]:
    boxes = [(shape.text, box_of(shape)) for shape in drawing.shapes if isinstance(shape, TextShape)]
    return [
        text
        for text, (left, top, right, low) in boxes
        if left < 0 or top < 0 or right > drawing.width or low > drawing.height
    ]


def paced(outputs: Path, pause_s: float) -> Timeline:
    """A run by hand, with a pause before each step."""
    run = Rehearsal("stuck", outputs)
    before = {step.id: (lambda: run.clock.sleep(pause_s)) for step in STEPS}
    digest = run.run(**LADDER).fact("plan_digest")
    run.run(before=before, approve=digest, **LADDER)
    return timeline_of(read_journal(run.folder / "journal.jsonl").lines)


def lasting(pauses: list[float], lengths: list[float], changes: int, name: str) -> Timeline:
    """A run of such steps with such pauses between them."""
    at, bars, active = 1_790_000_000.0, [], []
    sign, background, colour = LOOKS[next(iter(LOOKS))]
    for n, (pause, length) in enumerate(zip(pauses, lengths, strict=True)):
        at += pause
        badge = Badge(sign, "approved · OFF", background, colour)
        bars.append(StepBar(f"{name} {n}", StepOutcome.PASSED, Span(at, at + length), found=badge))
        active.append(Span(at, at + length))
        at += length
    start, end = active[0].began, active[-1].ended
    marks = [start + (end - start) * n / max(1, changes) for n in range(changes)]
    return Timeline(
        subject=name * 9,
        system=f"SIMULATED {name * 9}",
        ended="done, verdict off",
        steps=tuple(bars),
        statuses=tuple(StatusBar("unresponsive, running true", bar.span) for bar in bars),
        verdicts=tuple(VerdictMark("unknown", bar.span.ended) for bar in bars),
        reads=tuple(bar.span.began for bar in bars),
        changes=tuple(ChangeMark(f"POST {name}", "answered 201", at) for at in marks),
        active=tuple(active),
    )


RUNS = {
    "3 seconds": lasting([0.0] * 11, [0.3] * 11, 3, "Verify"),
    "4 minutes": lasting(
        [20.0] * 11, [0.1, 0.1, 0.2, 0.1, 5.0, 0.1, 13.0, 0.0, 13.0, 0.1, 31.0], 3, "Verify"
    ),
    "a week": lasting([5.0, 9.0, 600.0], [1.0, 7 * DAY, 30.0], 1, "Watch"),
    "a week of looks": lasting([3600.0] * 16, [600.0] * 16, 2, "Look"),
    "100 VMs": lasting([60.0] * 16, [1.0] * 16, 100, "A name of a VM that is long enough for trouble"),
}


@pytest.mark.parametrize("which", RUNS)
def test_no_text_lies_over_another_one(which: str) -> None:
    """The lengths of the gaps lay over each other in every run at a person's pace."""
    drawing = draw(RUNS[which])
    assert (overlapping(drawing), outside(drawing)) == ([], [])


@pytest.mark.parametrize("pause_s", [0.0, 1.0, 14.0, 900.0])
def test_a_whole_run_at_any_pace_has_no_text_over_another_one(tmp_path: Path, pause_s: float) -> None:
    drawing = draw(paced(tmp_path, pause_s))
    assert (overlapping(drawing), outside(drawing)) == ([], [])


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e5)), min_size=1, max_size=16),
    st.integers(0, 30),
    st.text(max_size=20),
)
def test_no_run_that_there_can_be_has_text_over_text(
    spans: list[tuple[float, float]], changes: int, name: str
) -> None:
    pauses, lengths = [pause for pause, _ in spans], [length for _, length in spans]
    drawing = draw(lasting(pauses, lengths, changes, name))
    assert overlapping(drawing) == []


def test_the_words_say_which_step_sent_what_and_how_long_nothing_happened(tmp_path: Path) -> None:
    lines = timeline_text(paced(tmp_path, 60.0)).splitlines()
    (kill,) = [line for line in lines if "Kill power:" in line]
    assert kill.endswith(", sent 2")
    assert [line.split()[0] for line in lines if "answered" in line] == ["1.", "2.", "3."]
    assert lines[-1].startswith("Grey: 11 quiet stretches cut out, 11 min 0 s")


@needs_chromium
def test_a_browser_with_other_fonts_shows_no_text_over_another_one(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "timeline.svg"
    file.write_bytes(timeline_svg(RUNS["4 minutes"]))
    page = browser.new_page()
    page.goto(file.as_uri())
    boxes = page.evaluate(TEXTS)
    assert len(boxes) > 40
    assert [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if meet(one, other)] == []
