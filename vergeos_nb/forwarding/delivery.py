"""Deliver undelivered messages to the target: each run's lines in order, and then its seal."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from vergeos_nb.clock import Clock, SystemClock, iso
from vergeos_nb.errors import RecordError, SettingsError
from vergeos_nb.forwarding.collector import send_to_collector
from vergeos_nb.forwarding.delivery_mark import (
    HeldMark,
    Outage,
    held,
    note_outage,
    outage,
    sealed_as_it_is,
    waiting,
)
from vergeos_nb.forwarding.run_lines import RunLines
from vergeos_nb.forwarding.syslog import send_to_syslog
from vergeos_nb.forwarding.target import ForwardTarget, read_target
from vergeos_nb.forwarding.told_lines import Message, sealed_message
from vergeos_nb.layout import pattern_of_run
from vergeos_nb.masking import masked
from vergeos_nb.settings import Secret
from vergeos_nb.shapes import Unfit
from vergeos_nb.version import __version__

LIMIT_S = 3.0
"""Seconds for one batch, from the connection to the answer."""
BATCH = 100
DOUBT_S = 1.0
"""Seconds. A longer attempt counts as an outage until it succeeds."""
RETRY_S = 5.0
"""Seconds until a target in an outage is tried again."""

_LATER = "nothing is lost: the next run or `vergeos-nb audit forward` delivers it"


class Forwarded(Struct, frozen=True):
    """The result of delivering everything that waits.

    Attributes:
        messages: how many were sent.
        runs: how many runs are not delivered to their end, because they still go on.
    """

    messages: int
    runs: int


class Delivery:
    """Delivers runs of one archive to one target."""

    def __init__(self, outputs: Path, url: Secret, clock: Clock | None = None) -> None:
        self._outputs = outputs.absolute()
        self._url = url
        self._clock = clock or SystemClock()
        self._target: ForwardTarget | None = None
        self._reading: dict[str, RunLines] = {}

    def run(self, run: str, *, within_s: float = 0.0) -> int:
        """Deliver the present lines of this run, unless another process does. Returns how many were sent.

        Args:
            within_s: how long to wait for the other process.

        Raises:
            RecordError: the target does not accept them, or the mark cannot be written.
        """
        with held(self._outputs, run, within_s) as mark:
            if mark is None:
                return 0
            folder = _folder_of(self._outputs, run)
            if folder is None:
                mark.drop()  # the record was removed
                return 0
            try:
                return self._lines(run, mark, folder) + self._seal(run, mark, folder)
            except OSError as error:
                self._reading.pop(run, None)
                raise RecordError(
                    "noting what was forwarded", error.strerror or str(error), "make the archive writable"
                ) from error
            except Unfit:
                return 0  # there is no journal yet
            except RecordError:
                # What was read but not accepted is read again.
                self._reading.pop(run, None)
                raise

    def all(self) -> Forwarded:
        """Deliver everything that waits, the oldest run first.

        Raises:
            RecordError: as in `run`.
        """
        sent = sum(self.alone(run) for run in waiting(self._outputs))
        return Forwarded(sent, len(waiting(self._outputs)))

    def alone(self, run: str) -> int:
        """Deliver the present lines of a run, and remember nothing about it. Raises errors as `run` does."""
        try:
            return self.run(run)
        finally:
            self.forget(run)

    def forget(self, run: str) -> None:
        """Remember nothing about this run. It can still be delivered."""
        self._reading.pop(run, None)

    def in_doubt(self) -> Outage | None:
        """The outage that this or another process noted; None if the target accepts messages."""
        found = outage(self._outputs, self._fingerprint())
        return found if found and (found.why or self._clock.now() - found.since > DOUBT_S) else None

    def is_too_early(self) -> bool:
        """Whether the target fails and was tried a moment ago."""
        found = self.in_doubt()
        return found is not None and 0 <= self._clock.now() - found.tried < RETRY_S

    def _fingerprint(self) -> str:
        try:
            return self._where().fingerprint
        except SettingsError:
            return ""

    def _where(self) -> ForwardTarget:
        self._target = self._target or read_target(self._url)
        return self._target

    def _lines(self, run: str, mark: HeldMark, folder: Path) -> int:
        reading = self._reading.setdefault(run, RunLines(folder))
        sent = 0
        while True:
            batch = reading.at(folder).batch(mark.mark.lines, BATCH)
            if batch.messages:
                self._send(batch.messages)
                sent += len(batch.messages)
                mark.put(lines=batch.until)
            if not batch.more:
                return sent

    def _seal(self, run: str, mark: HeldMark, folder: Path) -> int:
        manifest = sealed_as_it_is(folder)
        if manifest is None:
            return 0
        is_new = manifest.place.count > mark.mark.sealed
        if is_new:
            self._send((sealed_message(folder, manifest),))
            mark.put(sealed=manifest.place.count)
        mark.drop()
        self.forget(run)
        return int(is_new)

    def _send(self, messages: tuple[Message, ...]) -> None:
        """Send a batch, and note for other processes whether the target accepts messages.

        Raises:
            RecordError: the target does not accept it.
        """
        asked = "forwarding what happens (VERGEOS_NB_FORWARD)"
        try:
            target = self._where()
        except SettingsError as error:
            raise RecordError(asked, error.came_back, error.next_step) from None
        before, now = outage(self._outputs, target.fingerprint), self._clock.now()
        trying = Outage(
            target.fingerprint, before.since if before else now, now, before.why if before else ""
        )
        note_outage(self._outputs, trying)
        if why := failure_of(target, messages):
            note_outage(self._outputs, Outage(trying.target, trying.since, now, why))
            raise RecordError(f"forwarding to {target}", why, _LATER)
        note_outage(self._outputs, None)


def failure_of(target: ForwardTarget, messages: tuple[Message, ...]) -> str:
    """Send a batch. Returns why the target did not accept it, or "" if it did."""
    send = send_to_collector if target.way == "http" else send_to_syslog
    try:
        send(target, messages, LIMIT_S)
    except SettingsError as error:
        return masked(f"{error.came_back}; {error.next_step}")
    except (OSError, UnicodeError) as error:
        return masked(str(getattr(error, "strerror", "") or error or type(error).__name__))
    return ""


def try_out(url: Secret, host: str, clock: Clock | None = None) -> tuple[str, str]:
    """Send one message of the event ``test``. Returns the target, and why it did not accept it, or "".

    Raises:
        SettingsError: the URL is not a valid target.
    """
    target = read_target(url)
    now = (clock or SystemClock()).now()
    message = {"id": f"test-{now:.3f}", "run": "-", "at": iso(now), "event": "test", "on_host": host}
    return str(target), failure_of(target, ({**message, "version": __version__},))


def _folder_of(outputs: Path, run: str) -> Path | None:
    """The record's folder, also after it was renamed; None if it was removed."""
    # Twice, because one search can miss a folder that is just being renamed.
    for _ in range(2):
        if found := next(outputs.glob(pattern_of_run(run)), None):
            return found
    return None
