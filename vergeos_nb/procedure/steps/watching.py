"""Watching a VM after something was sent: read, judge, pause, and keep all that was read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from vergeos_nb.errors import ApiError, Refused, VergeNbError
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.evidence.verdict import Sample, judge, samples_table
from vergeos_nb.procedure.evidence.witnesses import counters_table, logs_table
from vergeos_nb.procedure.values.model import StepOutcome, Table, Verdict, VerdictValue
from vergeos_nb.vergeos.rows import LogLine, MachineStatus, VmNow

FIRST_PAUSE_S = 0.5
BACKOFF = 1.6


class Watch:
    """What was read since a point in time, and what it supports.

    A reading that fails does not end a watch: the network may be part of the incident. ``trouble`` says
    what kept the last one from succeeding.

    Args:
        forgets: judge by the latest readings alone, as far back as two readings must lie apart. A VM that is
            being switched off lived a moment ago. Otherwise any sign of life since the beginning counts.
    """

    def __init__(self, case: Case, *, forgets: bool = False) -> None:
        self.case = case
        self._forgets = forgets
        self.samples: list[Sample] = []
        self.logs: tuple[LogLine, ...] = ()
        self.trouble = "nothing could be read"
        self._start = case.clock.monotonic()
        self._began = case.server_clock(case.clock.now())
        self._pause_s = min(FIRST_PAUSE_S, case.options.poll_s)

    @property
    def elapsed(self) -> float:
        """Seconds since the watch began."""
        return self.case.clock.monotonic() - self._start

    @property
    def verdict(self) -> Verdict:
        """What the readings support; a trouble keeps off from being believed."""
        verdict = judge(self.judged(), logs=self.logs, vm_name=self.case.known_vm().name)
        if self.trouble and verdict.value is VerdictValue.OFF:
            return Verdict(VerdictValue.UNKNOWN, verdict.votes)
        return verdict

    def judged(self) -> list[Sample]:
        """The readings that the verdict is about."""
        if not self._forgets or len(self.samples) < 3:
            return self.samples
        since = self.samples[-1].read_at - self.case.options.sample_gap_s
        first = max((i for i, s in enumerate(self.samples[:-1]) if s.read_at <= since), default=0)
        return self.samples[first:]

    @property
    def last(self) -> MachineStatus | None:
        """The status row as it was read last."""
        return self.samples[-1].status if self.samples else None

    def read(self) -> str:
        """Take one sample. Returns who wants the run to stop, or "".

        Raises:
            AuthError: the platform does not let us read any more.
        """
        try:
            sample = self.case.sample()
            self.logs = tuple(self.case.platform.logs_since(self.case.machine(), self._began))
        except ApiError as error:
            self.trouble = f"the last reading failed: {error.came_back}"
            self.case.note(self.trouble)
        else:
            if self.samples:
                self.samples[-1] = _without_rows(self.samples[-1])
            self.samples.append(sample)
            self.trouble = ""
        return self.case.stop_wanted()

    def off(self) -> bool:
        """Whether the row says stopped and fresh evidence says dead."""
        last = self.last
        return (
            not self.trouble
            and last is not None
            and stopped(last)
            and last.machine == self.case.machine()
            and self.verdict.value is VerdictValue.OFF
        )

    def pause(self, text: str, wait_s: float) -> None:
        """Wait a little longer than the last time, but not beyond the whole wait; keep the lease."""
        says = f"row says {self.last.status}" if self.last else self.trouble
        self.case.note(f"{text}, {says}")
        self.case.clock.sleep(max(0.0, min(self._pause_s, wait_s - self.elapsed)))
        self._pause_s = min(self._pause_s * BACKOFF, self.case.options.poll_s)
        with suppress(Refused):
            # A lease that was lost is noticed before the next changing call; watching changes nothing.
            self.case.lease.renew()

    def draft(self, outcome: StepOutcome, summary: str, next_step: str = "", **facts: Any) -> Draft:
        """A draft that shows all that was read."""
        return Draft(outcome, summary, next_step, self.tables(), {"sent": True, **self.facts(), **facts})

    def ended_by(self, error: VergeNbError) -> Draft:
        """A draft for an error, with all that was read."""
        return ended_by(error, *self.tables(), sent=True, **self.facts())

    def facts(self) -> dict[str, Any]:
        """The verdict and the row as it was read last."""
        read_at = self.samples[-1].read_at if self.samples else 0.0
        return {
            "verdict": self.verdict.value.value,
            "verdict_at": read_at,
            "after": dict(self.last.row) if self.last else None,
        }

    def tables(self) -> tuple[Table, ...]:
        """Evidence, readings, counters and log lines."""
        tables = [self.verdict.table(), samples_table(self.samples)]
        readings = [s.counters for s in self.samples]
        if len(readings) > 1:
            tables.append(counters_table(readings))
        if self.logs:
            tables.append(logs_table(self.logs))
        return tuple(tables)


def _without_rows(sample: Sample) -> Sample:
    """A reading without the whole rows, which only the last one needs: a long watch takes thousands."""
    stats = sample.stats and replace(sample.stats, row={})
    return replace(sample, status=replace(sample.status, row={}), stats=stats)


def stopped(row: MachineStatus | VmNow) -> bool:
    """Whether a status row says what the vendor's procedure writes into it."""
    return not row.running and row.status == "stopped" and row.state == "offline"
