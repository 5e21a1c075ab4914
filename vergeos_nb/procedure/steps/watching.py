"""Watch a VM: read, judge, pause, and keep what was read.

`Readings` is what every watch shares. `Watch` follows a change of this run for seconds to minutes;
`vergeos_nb.procedure.steps.vigil` watches for minutes to days.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from vergeos_nb.errors import ApiError, Refused, VergeNbError
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.evidence.sample import STATS, STATUS, Sample
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import Evidence
from vergeos_nb.procedure.evidence.witnesses.machine_log import logs_table
from vergeos_nb.procedure.evidence.witnesses.moving_counters import counters_table
from vergeos_nb.procedure.evidence.witnesses.roll import samples_table
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.procedure.values.wait_report import WaitReport
from vergeos_nb.vergeos.rows import LogLine, MachineStatus, VmNow

FIRST_PAUSE_S = 1.0
BACKOFF = 2.0


class Readings(ABC):
    """The readings of a VM since a point in time, and the verdict on them.

    A failed reading does not end a watch, because the network may be part of the incident. ``trouble`` says
    why the last reading failed.

    Args:
        samples: the samples from before the watch.
        began_at: log lines count from this time on, by our clock.
        trouble: why a verdict of off does not count before the first reading.
    """

    def __init__(self, case: Case, samples: Sequence[Sample], began_at: float, trouble: str) -> None:
        self.case = case
        self.samples = list(samples)
        self.trouble = trouble
        self._start = case.clock.monotonic()
        self._began = case.server_clock(began_at)

    @property
    def elapsed(self) -> float:
        """Seconds since the watch began."""
        return self.case.clock.monotonic() - self._start

    @property
    def last(self) -> MachineStatus | None:
        """The status row of the last sample."""
        return self.samples[-1].status if self.samples else None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the readings. While there is trouble, it is never off."""
        verdict = judge(self.evidence(self.judged()))
        if self.trouble and verdict.value is VerdictValue.OFF:
            return Verdict(VerdictValue.UNKNOWN, verdict.votes)
        return verdict

    def judged(self) -> Sequence[Sample]:
        """The readings that the verdict is about."""
        return self.samples

    @abstractmethod
    def counted_lines(self) -> Sequence[LogLine]:
        """The log lines that the verdict is about."""

    def evidence(self, samples: Sequence[Sample]) -> Evidence:
        """What the witnesses vote on, with these samples."""
        return Evidence(
            samples,
            self.counted_lines(),
            self.case.known_vm().name,
            knowledge=self.case.knowledge,
            silence_s=self.case.silence_s,
        )

    def off(self) -> bool:
        """Whether the row says stopped and fresh evidence says dead."""
        last = self.last
        return (
            last is not None
            and stopped(last)
            and self.ours()
            and not self.trouble
            and self.verdict.value is VerdictValue.OFF
        )

    def ours(self) -> bool:
        """Whether the last status row is still the VM's machine's."""
        return self.last is not None and self.last.machine == self.case.machine()

    def foreign(self) -> str:
        """A sentence: the row is no longer the VM's machine's."""
        return f"the status row is of machine {self.last.machine if self.last else None} now"

    def facts(self) -> dict[str, Any]:
        """The verdict and the last status row."""
        return {
            **self.verdict.facts(),
            "verdict_at": self.samples[-1].read_at if self.samples else 0.0,
            "after": dict(self.last.row) if self.last else None,
        }

    def _read(self) -> ApiError | None:
        """Take one sample. Returns the error if this failed, otherwise None."""
        try:
            self._took(self.case.sample())
        except ApiError as error:
            self.trouble = f"the last reading failed: {error.came_back}"
            return error
        self.trouble = ""
        return None

    @abstractmethod
    def _took(self, sample: Sample) -> None:
        """Keep a sample."""


class Watch(Readings):
    """The readings since this run sent something.

    The log alone never ends a wait. So it is not read with every sample, but before a decision, by `off` and
    `rest`.

    Args:
        forgets: judge only by the latest readings, as far back as silence needs, because a VM that is being
            switched off lived a moment ago. Otherwise any sign of life since the beginning counts.
        own_order: the log's words for this run's own action, which are no sign of life.
        wrote_row: whether this run wrote the status row itself, so that it is no evidence of the process.
        answered_for: whether a named person answers for a status row that keeps being written.
    """

    def __init__(
        self,
        case: Case,
        *,
        forgets: bool = False,
        own_order: str = "",
        wrote_row: bool = False,
        answered_for: bool = False,
    ) -> None:
        super().__init__(case, (), case.clock.now(), "nothing could be read")
        self._forgets = forgets
        self._own_order = own_order
        self._wrote_row = wrote_row
        self._answered_for = answered_for
        self.logs: tuple[LogLine, ...] = ()
        self._log_asked = False
        self._pause_s = min(FIRST_PAUSE_S, case.options.poll_s)

    def judged(self) -> Sequence[Sample]:
        """The readings that the verdict is about."""
        if not self._forgets or len(self.samples) < 3:
            return self.samples
        return self.samples[a_gap_before(self.samples[:-1], self.samples[-1], self.case) :]

    def may_show_life_before_the_order(self) -> bool:
        """Whether it is called alive by the first reading, which the order's effect may have come after.

        So it is in a wait shorter than silence needs, or when readings failed. One more reading, a gap later,
        shows whether the process lives now.
        """
        return self.verdict.value is VerdictValue.ALIVE and self.judged()[0] is self.samples[0]

    def counted_lines(self) -> Sequence[LogLine]:
        """The log's lines since the watch began, without those of this run's own action."""
        return [line for line in self.logs if not self._own_order or self._own_order not in line.text]

    def off(self) -> bool:
        """Whether the row says stopped and fresh evidence says dead, with the log up to now."""
        if not super().off():
            return False
        self.rest()
        return super().off()

    def rest(self) -> None:
        """Read the log, which samples leave out, if there are enough samples for a decision.

        Raises:
            AuthError: the platform does not let us read any more.
        """
        if self._log_asked or len(self.samples) < 2:
            return
        try:
            self.logs = tuple(self.case.platform.logs_since(self.case.machine(), self._began))
            self._log_asked = True
        except ApiError as error:
            self.trouble = self.trouble or f"the log could not be read: {error.came_back}"

    def read(self) -> str:
        """Take one sample. Returns who wants the run to stop, or "".

        Raises:
            AuthError: the platform does not let us read any more.
        """
        if self._read() is not None:
            self.case.note(self.trouble)
        return self.case.stop_wanted()

    def pause(self, text: str, wait_s: float, why: str, ends_s: float) -> None:
        """Wait a little longer than the last time, but not beyond the whole wait, and keep the lease.

        Args:
            text: the progress, for the journal.
            wait_s: the whole wait.
            why: what the run waits for, for people.
            ends_s: when this wait ends if nothing changes, in seconds since the watch began.
        """
        says = f"row says {self.last.status}" if self.last else self.trouble
        ends_at = self.case.clock.now() + max(0.0, min(ends_s, wait_s) - self.elapsed)
        read = self.samples[-1].in_short() if self.samples else {}
        self.case.note(f"{text}, {says}", WaitReport(why, wait_s, ends_at, read))
        self.case.clock.sleep(max(0.0, min(self._pause_s, wait_s - self.elapsed)))
        self._pause_s = min(self._pause_s * BACKOFF, self.case.options.poll_s)
        with suppress(Refused):
            # Watching changes nothing. The next changing call will notice that the lease is lost.
            self.case.lease.renew()

    def draft(self, outcome: StepOutcome, summary: str, next_step: str = "", **facts: Any) -> Draft:
        """A draft with all that was read."""
        return Draft(outcome, summary, next_step, self.tables(), {"sent": True, **self.facts(), **facts})

    def ended_by(self, error: VergeNbError) -> Draft:
        """A draft for this error, with all that was read."""
        return ended_by(error, *self.tables(), sent=True, **self.facts())

    def tables(self) -> tuple[Table, ...]:
        """Evidence, readings, counters and log lines."""
        tables = [self.verdict.table(), samples_table(self.samples)]
        if len(self.samples) > 1:
            tables.append(counters_table(self.samples[0].counters, self.samples[-1].counters))
        if self.logs:
            tables.append(logs_table(self.logs))
        return tuple(tables)

    def evidence(self, samples: Sequence[Sample]) -> Evidence:
        """What the witnesses vote on, with these samples."""
        evidence = super().evidence(samples)
        return replace(evidence, wrote_row=self._wrote_row, answered_for=self._answered_for)

    def _took(self, sample: Sample) -> None:
        self._log_asked = False
        if self.samples:
            self.samples[-1] = _without_rows(self.samples[-1])
        self.samples.append(sample)


def a_gap_before(samples: Sequence[Sample], last: Sample, case: Case) -> int:
    """The position of the first reading that counts for the present: the latest one a gap before the last."""
    since = last.read_at - case.gap_s
    return max((at for at, sample in enumerate(samples) if sample.read_at <= since), default=0)


def _without_rows(sample: Sample) -> Sample:
    """The sample without whole rows. Only the last sample needs them, and a long watch takes thousands."""
    read = {**sample.read, STATUS.name: replace(sample.status, row={})}
    if sample.stats:
        read[STATS.name] = replace(sample.stats, row={})
    return replace(sample, read=read)


def stopped(row: MachineStatus | VmNow) -> bool:
    """Whether a status row has the values that the vendor's procedure writes."""
    return not row.running and row.status == "stopped" and row.state == "offline"
