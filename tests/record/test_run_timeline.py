"""The picture of a run: derived from its journal alone, for every ending, and for any prefix of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.clock import from_iso, iso
from vergeos_nb.journal.journal import DEATH, read_journal
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.views.timeline import Span, StatusBar, Timeline, timeline_text
from vergeos_nb.views.timeline_drawing import timeline_png, timeline_svg

SVG = "{http://www.w3.org/2000/svg}"


def lines_of(run: Rehearsal) -> Any:
    return read_journal(run.folder / "journal.jsonl").lines


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The journal of a run that went up the whole ladder."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("outputs"))
    run.approve(**LADDER)
    return lines_of(run)


def test_it_shows_the_steps_the_row_the_evidence_and_the_changing_calls(forced: Any) -> None:
    timeline = timeline_of(forced)
    start = timeline.whole.began
    assert (timeline.subject, timeline.ended) == ("web-01", "done, verdict off")
    assert [(bar.title, bar.outcome and bar.outcome.value) for bar in timeline.steps] == [
        ("Connect", "passed"), ("Locate the VM", "passed"), ("Get the status key", "passed"),
        ("Verify the machine status", "passed"), ("Is it alive?", "passed"), ("Plan and approve", "passed"),
        ("Power off", "failed"), ("Snapshot", "skipped"), ("Kill power", "failed"),
        ("Force power off", "passed"), ("Confirm", "passed"),
    ]  # fmt: skip
    assert [bar.says for bar in timeline.statuses] == ["unresponsive, running true", "stopped, running false"]
    assert [mark.value for mark in timeline.verdicts] == ["off"] * 5
    assert [(c.request, c.answer) for c in timeline.changes] == [
        ('POST vm_actions {"action": "poweroff", "vm": 41}', "answered 201"),
        ('POST vm_actions {"action": "kill", "vm": 41}', "answered 201"),
        (
            'PUT machine_status/46 {"migratable": true, "running": false, "state": "offline", '
            '"status": "stopped"}',
            "answered 200",
        ),
    ]
    reads = [line for line in forced if line["event"] == "exchange" and not line["changing"]]
    assert timeline.reads == tuple(line["sent_at"] for line in reads)
    (gap,) = timeline.steps[4].waits
    assert gap.ended - gap.began == pytest.approx(5.0, abs=0.1)
    (stretch,) = timeline.active
    assert (stretch.began, stretch.ended) == (start, pytest.approx(from_iso(forced[-1]["at"]), abs=0.01))


def test_one_journal_gives_one_picture_to_the_byte(forced: Any) -> None:
    timeline = timeline_of(forced)
    again = timeline_of(list(forced))
    assert timeline == again
    picture = timeline_png(timeline)
    assert picture == timeline_png(again)
    assert timeline_svg(timeline) == timeline_svg(again)
    assert [chunk for chunk in (b"tEXt", b"iTXt", b"zTXt", b"tIME", b"eXIf") if chunk in picture] == []


def test_a_run_can_be_drawn_at_every_line_of_its_journal(forced: Any) -> None:
    for count in range(0, len(forced) + 1, 7):
        timeline = timeline_of(forced[:count])
        assert ElementTree.fromstring(timeline_svg(timeline)).tag == f"{SVG}svg"
        assert timeline.ended == ("going on" if count < len(forced) else "done, verdict off")
    assert timeline_png(timeline_of(()))[1:4] == b"PNG"


def test_a_running_step_is_drawn_up_to_now(forced: Any) -> None:
    began = next(n for n, line in enumerate(forced) if line.get("title") == "Is it alive?")
    now = from_iso(forced[began]["at"]) + 3.0
    bar = timeline_of(forced[: began + 1], now=now).steps[-1]
    assert (bar.outcome, bar.span.ended) == (None, now)
    assert bar.waits == (Span(bar.span.began, now),)


def test_a_refused_run_shows_where_it_was_refused(rehearse: Callable[..., Rehearsal]) -> None:
    run = rehearse("twins")
    run.run()
    timeline = timeline_of(lines_of(run))
    assert timeline.ended == "refused, verdict unknown"
    assert [bar.outcome for bar in timeline.steps[:3]] == [
        StepOutcome.PASSED,
        StepOutcome.REFUSED,
        StepOutcome.SKIPPED,
    ]
    assert "no changing call" in timeline_text(timeline)


def test_an_unanswered_call_says_so(rehearse: Callable[..., Rehearsal]) -> None:
    run = rehearse("unanswered")
    run.approve()
    (change,) = timeline_of(lines_of(run)).changes
    assert change.answer.startswith("no answer (")


def test_the_hours_until_somebody_finishes_a_dead_run_are_cut_out(forced: Any) -> None:
    """Holds off a picture in which an hour of nothing leaves no room for the run."""
    began = next(n for n, line in enumerate(forced) if line.get("title") == "Kill power")
    killed = forced[: began + 3]
    late = from_iso(killed[-1]["at"]) + 7200
    found = {"n": 0, "at": iso(late), "event": "interrupted", "step": "kill", "by": DEATH}
    reading = next(line for line in forced if line["event"] == "exchange" and not line["changing"])
    confirm = next(line for line in reversed(forced) if line["event"] == "step-ended")["result"]
    settled = {
        "at": iso(late + 12), "event": "settled", "result": {**confirm, "exchanges": [900]},
        "exchanges": [{**reading, "number": 900, "sent_at": late + 1}],
    }  # fmt: skip
    timeline = timeline_of((*killed, found, settled))
    assert [span.ended - span.began < 60 for span in timeline.active] == [True, True]
    assert timeline.active[1].began == late + 1
    assert timeline.steps[-2].outcome is None
    assert timeline.steps[-2].span.ended < late - 7100
    assert (timeline.steps[-1].title, timeline.steps[-1].outcome) == (
        "Confirm (recovery)",
        StepOutcome.PASSED,
    )
    assert b"1 quiet stretch cut out, 2 h 0 min in all." in timeline_svg(timeline)


def test_a_read_that_fails_is_seen_as_such_and_the_row_as_not_readable() -> None:
    def exchange(at: float, status: int | None, says: str) -> dict[str, Any]:
        return {
            "event": "exchange", "at": iso(at), "number": int(at), "method": "GET", "query": {}, "body": None,
            "path": "/api/v4/machine_status/46", "changing": False, "attempt": 1, "sent_at": at,
            "server_time": None, "elapsed_s": 0.1, "status": status, "error": "",
            "answer": {"status": says, "running": True},
        }  # fmt: skip

    timeline = timeline_of([exchange(1, 200, "running"), exchange(2, 503, ""), exchange(4, None, "")])
    assert timeline.statuses == (
        StatusBar("running, running true", Span(1.0, 2.0)),
        StatusBar("", Span(2.0, 4.0)),
    )
    assert (timeline.reads, timeline.failed_reads) == ((1.0,), (2.0, 4.0))


def test_a_long_watch_stays_a_small_picture(forced: Any) -> None:
    """Holds off a tick, a word and a shape per reading of a week."""
    timeline = timeline_of(forced)
    start = timeline.whole.began
    week = replace(
        timeline,
        reads=tuple(start + n * 20 for n in range(30_000)),
        statuses=tuple(
            StatusBar(f"s{n % 2}", Span(start + n * 100, start + n * 100 + 100)) for n in range(900)
        ),
        active=(Span(start, start + 600_000),),
    )
    assert len(timeline_svg(week)) < 400_000
    assert len(timeline_png(week)) < 200_000
    assert len(timeline_text(week).splitlines()) < 100


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a\u202eb", "$x^2$", "ü 中 😀", "&#0;", "]]>"]
)
def test_a_hostile_name_is_text_in_the_picture_and_nothing_else(forced: Any, name: str) -> None:
    timeline = replace(timeline_of(forced), subject=name)
    root = ElementTree.fromstring(timeline_svg(timeline))
    kinds = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert kinds == {"svg", "title", "desc", "rect", "path", "text"}
    shown = name.replace("\u202e", "\\u202e")
    assert root.findtext(f"{SVG}title") == f"Timeline of the run: {shown}: done, verdict off"
    assert timeline_png(timeline)[1:4] == b"PNG"


def test_an_empty_timeline_has_a_picture() -> None:
    assert timeline_text(Timeline("", "", "going on")).startswith("going on")
    assert timeline_png(Timeline("", "", "going on"))[1:4] == b"PNG"
