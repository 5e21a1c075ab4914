"""The content of a run's picture, from the journal alone. The journal may be whole, cut short or growing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from vergeos_nb.client.rows_behind_vm import asks_for_rows_behind, status_rows_in
from vergeos_nb.clock import from_iso
from vergeos_nb.journal.journal import DEATH, JournalText
from vergeos_nb.journal.run_state import ChangingCall, run_state_of
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.views.badges import badge_of_line
from vergeos_nb.views.timeline import GOING_ON, ChangeMark, Span, StatusBar, StepBar, Timeline, VerdictMark

STATUS_ROWS = "/api/v4/machine_status/"
# Seconds. A longer pause between two calls counts as waiting.
WAIT_S = 0.5
MOST_CHARACTERS = 60
# Events that are closer together than this share of the whole are drawn as one.
APART = 0.1
APART_S = 5.0
# Each gap takes room from the picture. Of more stretches, the nearest are drawn as one.
MOST_STRETCHES = 16


def timeline_of(lines: Sequence[Mapping[str, Any]], *, now: float | None = None) -> Timeline:
    """The picture's content.

    Args:
        lines: the journal's lines so far, in order.
        now: for a run that is going on: the time up to which its running step is drawn.
    """
    account = run_state_of(JournalText(tuple(lines)))
    seen = _Seen()
    for line in lines:
        seen.take(line)
    seen.end(now)
    opened = account.opened
    parameters = opened.get("parameters") or {}
    over = account.in_order or account.interrupted_by or account.bug
    told = account.outcome.value
    if account.over_vm:
        told += f", verdict {account.verdict.value}"
    return Timeline(
        subject=str(parameters.get("vm_name") or opened.get("runbook") or ""),
        system=account.results[-1].system if account.results else "",
        ended=told if over else GOING_ON,
        steps=tuple(seen.steps),
        statuses=tuple(seen.statuses),
        verdicts=tuple(seen.verdicts),
        reads=tuple(seen.reads),
        failed_reads=tuple(seen.failed),
        changes=tuple(_mark(call) for call in account.changing_calls),
        active=tuple(_joined(seen.stretches)),
    )


class _Seen:
    """The state after the lines so far."""

    def __init__(self) -> None:
        self.steps: list[StepBar] = []
        self.statuses: list[StatusBar] = []
        self.verdicts: list[VerdictMark] = []
        self.reads: list[float] = []
        self.failed: list[float] = []
        self.stretches: list[Span] = []
        self._running = False
        # The pauses of the running step, kept apart while they grow: a watch has thousands.
        self._waits: list[Span] = []
        self._span = Span(0.0, 0.0)
        self._busy_until = 0.0

    def take(self, line: Mapping[str, Any]) -> None:
        """Take the next line."""
        at = from_iso(line["at"])
        match line["event"]:
            case "step-began":
                self._stop()
                self._begin(line["title"], at)
            case "exchange":
                self._call(line)
                self._pass(at)
            case "step-ended":
                self._pass(at)
                self._end(line["result"], at)
            case "interrupted" if line["by"] == DEATH:
                self._stop()
            case "interrupted" | "bug":
                self._pass(at)
                self._stop()
            case "settled":
                self._stop()
                self._settle(line, at)
            case _:
                self._pass(at)

    def end(self, now: float | None) -> None:
        """The last line was read. A running step is drawn up to now, if the time is known."""
        if self._running and now is not None:
            self._pass(now)
        self._stop()

    def _begin(self, title: str, at: float) -> None:
        self.steps.append(StepBar(title, None, Span(at, at)))
        self._running, self._waits, self._span, self._busy_until = True, [], Span(at, at), at

    def _pass(self, at: float) -> None:
        """Draw the time up to here, in the running step or between steps."""
        if not self._running:
            self.stretches.append(Span(at, at))
            self._busy_until = at
            return
        if at - self._busy_until >= WAIT_S:
            self._waits.append(Span(self._busy_until, at))
        self._busy_until = max(self._busy_until, at)
        if at > self._span.ended:
            self._span = Span(self._span.began, at)

    def _stop(self) -> None:
        if self._running:
            self.steps[-1] = replace(self.steps[-1], span=self._span, waits=tuple(self._waits))
            self.stretches.append(self._span)
        self._running = False

    def _call(self, line: Mapping[str, Any]) -> None:
        sent, ended = float(line["sent_at"]), float(line["sent_at"]) + float(line["elapsed_s"])
        self._pass(sent)
        self._busy_until = max(self._busy_until, ended)
        if line["changing"]:
            return
        good = line["status"] is not None and line["status"] < 400
        (self.reads if good else self.failed).append(sent)
        if line["path"].startswith(STATUS_ROWS):
            self._status(_says(line["answer"]) if good else "", sent)
        elif asks_for_rows_behind(line["path"], line["query"]):
            rows = status_rows_in(line["answer"]) if good else ()
            self._status(_says(rows[0]) if rows else "", sent)

    def _status(self, says: str, at: float) -> None:
        if self.statuses:
            last = self.statuses[-1]
            self.statuses[-1] = replace(last, span=Span(last.span.began, max(last.span.began, at)))
            if last.says == says:
                return
        self.statuses.append(StatusBar(says, Span(at, at)))

    def _end(self, result: Mapping[str, Any], at: float) -> None:
        if not self._running:
            self._begin(result["title"], at)
        self._stop()
        self.steps[-1] = replace(
            self.steps[-1], outcome=StepOutcome(result["outcome"]), found=badge_of_line(result)
        )
        facts = result["facts"]
        if "verdict" in facts:
            self.verdicts.append(VerdictMark(str(facts["verdict"]), float(facts.get("verdict_at") or at)))

    def _settle(self, line: Mapping[str, Any], at: float) -> None:
        """The evidence that another process read after the run's process had died."""
        result = line["result"]
        began = min((float(call["sent_at"]) for call in line["exchanges"]), default=at)
        self._begin(f"{result['title']} (recovery)", began)
        for call in line["exchanges"]:
            self._call(call)
        self._pass(at)
        self._end(result, at)


def _says(row: Any) -> str:
    if not isinstance(row, Mapping) or "status" not in row:
        return ""
    # The platform's words; a picture has no room for many.
    return f"{row['status']}, running {str(row.get('running')).lower()}"[:MOST_CHARACTERS]


def _mark(call: ChangingCall) -> ChangeMark:
    request = Request(call.method, call.table_path, call.body)
    return ChangeMark(str(request), call.answered, from_iso(call.intended_at))


def _joined(stretches: Sequence[Span]) -> list[Span]:
    """The stretches in order, those near each other as one."""
    joined: list[Span] = []
    for span in sorted(stretches, key=lambda span: (span.began, span.ended)):
        if joined and span.began <= joined[-1].ended:
            joined[-1] = Span(joined[-1].began, max(joined[-1].ended, span.ended))
        else:
            joined.append(span)
    near = max(APART_S, APART * sum(span.ended - span.began for span in joined))
    merged: list[Span] = []
    for span in joined:
        if merged and span.began - merged[-1].ended <= near:
            merged[-1] = Span(merged[-1].began, span.ended)
        else:
            merged.append(span)
    while len(merged) > MOST_STRETCHES:
        gaps = [after.began - before.ended for before, after in zip(merged, merged[1:], strict=False)]
        at = gaps.index(min(gaps))
        merged[at : at + 2] = [Span(merged[at].began, merged[at + 1].ended)]
    return merged
