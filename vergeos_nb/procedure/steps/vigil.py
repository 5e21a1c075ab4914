"""Watch a VM for minutes to days. Only the readings that the verdict needs, and changes, are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vergeos_nb.clock import iso
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.evidence.sample import Sample
from vergeos_nb.procedure.evidence.verdict import judge
from vergeos_nb.procedure.evidence.witness import Evidence, when
from vergeos_nb.procedure.evidence.witnesses.machine_log import logs_table
from vergeos_nb.procedure.evidence.witnesses.moving_counters import counters_table
from vergeos_nb.procedure.evidence.witnesses.roll import samples_table
from vergeos_nb.procedure.evidence.witnesses.start_time import started_anew
from vergeos_nb.procedure.steps.watching import Readings, a_gap_before, stopped
from vergeos_nb.procedure.values.step_tables import FACTS
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import Verdict, VerdictValue
from vergeos_nb.vergeos.rows import LogLine, MachineStatus
from vergeos_nb.words import counted

# How far back the machine's log is copied into the record, because the platform deletes old lines.
LOG_HOURS = 24.0
LOG_LINES = 1000
# How many of the judged lines are kept, and how many are shown. The journal has all.
LINES_KEPT = 1000
LINES_SHOWN = 500
# Seconds between two checks for a stop file, whatever the time between two readings is.
STOP_LOOK_S = 5.0
NOTE_EVERY_S = 60.0
# A row that is changing is read more often, but not for ever.
QUICK_LOOKS = 12
# If there are more readings than this, all changes are shown, and every second one of the others.
MOST_SHOWN = 200


class Vigil(Readings):
    """The readings of a long watch: those that the verdict needs, and those to show.

    The first reading is that of Verify, so that everything since then counts.
    """

    def __init__(self, case: Case) -> None:
        assert case.first is not None
        # Only the readings that a verdict of off rests on.
        super().__init__(case, [case.first], case.first.read_at, "")
        self.first = case.first
        self.shown: list[Sample] = [case.first]
        self.lines: dict[LogLine, None] = {}
        self.lines_before = 0
        self._counted_before = 0
        self.lines_missing = False
        self.readings = 0
        self.doubtful = 0
        self.outages: list[tuple[float, float]] = []
        self._noted = -NOTE_EVERY_S
        self._unsettled = 0

    @property
    def row(self) -> MachineStatus:
        """The status row as it was read last."""
        return self.samples[-1].status

    @property
    def span(self) -> float:
        """Seconds between the readings that the verdict of off rests on."""
        return self.samples[-1].read_at - self.samples[0].read_at

    def evidence(self, samples: Sequence[Sample]) -> Evidence:
        """What the witnesses vote on, with these samples."""
        evidence = super().evidence(samples)
        return replace(evidence, watched_from=self.first.status, logs_before=self._counted_before)

    def counted_lines(self) -> Sequence[LogLine]:
        """Log lines since the first reading, by the platform's clock."""
        return [line for line in self.lines if line.at >= self._began]

    @property
    def verdict(self) -> Verdict:
        """Alive if there was any sign of life since the beginning; off by the latest readings alone."""
        ever = judge(self.evidence(self._since_first()))
        return ever if ever.value is VerdictValue.ALIVE else super().verdict

    @property
    def started_anew(self) -> bool:
        """Whether the row tells of another start than when the watch began."""
        return started_anew(self.first.status, self.row)

    @property
    def hurries(self) -> bool:
        """Whether the state is changing now, so that the next reading should come soon."""
        return self.span < self.case.gap_s or 0 < self._unsettled <= QUICK_LOOKS

    def read(self) -> None:
        """Take one reading and the new log lines. A reading that fails does not end the watch.

        Raises:
            AuthError: the platform does not let us read any more.
        """
        now, troubled = self.case.clock.now(), bool(self.trouble)
        if self._read() is not None:
            # Successive failures are one outage.
            began = self.outages.pop()[0] if troubled and self.outages else now
            self.outages.append((began, self.case.clock.now()))
            return
        self._unsettled = 0 if stopped(self.row) else self._unsettled + 1
        if self.readings > 1 and self.span >= self.case.gap_s and not self.off():
            self.doubtful += 1

    def pause(self, seconds: float) -> str:
        """Wait this long. If somebody wants the run to stop, return at once with who it is; else "".

        It takes no lease, because a run that only watches must not stop another run from acting.
        """
        end = self.case.clock.monotonic() + seconds
        while not (stop := self.case.stop_wanted()):
            left = end - self.case.clock.monotonic()
            if left <= 0:
                break
            self.case.clock.sleep(min(left, STOP_LOOK_S))
        return stop

    def note(self, wait_s: float) -> None:
        """Report progress from time to time."""
        if self.elapsed - self._noted >= max(NOTE_EVERY_S, wait_s / 60):
            self._noted = self.elapsed
            says = self.trouble or f"row says {self.row.status}"
            self.case.note(f"watched for {self.elapsed / 60:.0f} of {wait_s / 60:g} min, {says}")

    def tables(self) -> tuple[Table, ...]:
        """What was watched, the evidence, readings, counters and log lines."""
        facts = FACTS.table(
            ("watched", f"{self.elapsed / 60:.1f} min, {counted(self.readings, 'reading')}"),
            ("not readable", "; ".join(f"{iso(a)} to {iso(b)}" for a, b in self.outages) or "never"),
            ("readings without evidence of death", str(self.doubtful)),
            ("node", f"{node_of(self.first.status)} at first, {node_of(self.row)} at last"),
            ("started", f"{when(self.first.status.started)} at first, {when(self.row.started)} at last"),
            ("log", self._log_in_short()),
        )  # fmt: skip
        lines = self._newest_first()[:LINES_SHOWN]
        return (
            facts,
            self.verdict.table(),
            samples_table(self.shown),
            counters_table(self.first.counters, self.samples[-1].counters),
            logs_table(lines),
        )

    def facts(self) -> dict[str, Any]:
        """The verdict, the row as it was read last, and how much was read."""
        return {**super().facts(), "readings": self.readings, "outages": len(self.outages)}

    def _log_in_short(self) -> str:
        count = self.lines_before + len(self.lines)
        shown = f", the newest {LINES_SHOWN} are shown" if count > LINES_SHOWN else ""
        missing = ", older ones may be missing" if self.lines_missing else ""
        return f"{counted(count, 'line')} of the last {LOG_HOURS:g} h and since{shown}{missing}"

    def _newest_first(self) -> list[LogLine]:
        return sorted(self.lines, key=lambda line: line.at, reverse=True)

    def _since_first(self) -> list[Sample]:
        return self.samples if self.samples[0] is self.first else [self.first, *self.samples]

    def _took(self, sample: Sample) -> None:
        self.readings += 1
        self.samples = [*self.samples[a_gap_before(self.samples, sample, self.case) :], sample]
        self.shown.append(sample)
        if len(self.shown) > MOST_SHOWN:
            self.shown = _thinned(self.shown)
        self._read_log()

    def _read_log(self) -> None:
        newest = max((line.at for line in self.lines), default=self._began - LOG_HOURS * 3600)
        lines = self.case.platform.logs_since(self.case.machine(), newest, LOG_LINES)
        self.lines_missing = self.lines_missing or len(lines) >= LOG_LINES
        self._forget_old_lines()
        self.lines |= dict.fromkeys(lines)

    def _forget_old_lines(self) -> None:
        """Keep the newest lines. Those that are here were judged: a start in one of them ends the watch."""
        old = self._newest_first()[LINES_KEPT:]
        self.lines_before += len(old)
        self._counted_before += sum(line.at >= self._began for line in old)
        for line in old:
            del self.lines[line]


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    """The first and the last reading, all changes, and every second one of the others."""
    kept = []
    for number, sample in enumerate(samples):
        before = samples[number - 1].status
        same = (sample.status.status, sample.status.node, sample.status.started) == (
            before.status, before.node, before.started,
        )  # fmt: skip
        if number % 2 == 0 or not same or number == len(samples) - 1:
            kept.append(sample)
    return kept


def node_of(row: MachineStatus) -> str:
    """The node that a row names, in words."""
    return "none" if row.node is None else str(row.node)
