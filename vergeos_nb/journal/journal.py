"""The journal: one JSON line per event, appended while the run happens, on disk before anything changes.

Lines hold ``n`` (counts from 1), ``at`` (UTC, ISO 8601) and ``event``. The events:

``run-opened``    who, what, where: everything known before the first call
``profile``       the system that was chosen: host, user, how its certificate is checked
``step-began``    a step starts to act
``exchange``      one API call with its answer, or with what went wrong
``alike``         the same, as what differs from an earlier call; `read_journal` gives an ``exchange``
``intent``        a changing call is about to be sent; on disk before the first byte leaves
``note``          what is going on during a wait
``parameters``    a person filled in or changed these while the run was going on
``consent``       what a person ticked and typed on the approval card
``resumed``       another process continues a run that was cut short
``step-ended``    the whole result of a step
``bug``           an exception that nobody foresaw, with its traceback
``interrupted``   a signal stopped the run inside a step, or its process died
``settled``       a later reading of the VM, for a call whose effect was unknown
``intent-kept``   an intent that this journal had lost, copied from the fleet's journal
``masked``        secrets in these lines were masked before the record was sealed
``vm-began``      a fleet run begins this VM; on disk before the VM's own journal exists
``vm-intent``     the VM's run is about to send this changing call; on disk before the first byte leaves
``vm-ended``      how the VM's run ended
``not-forwarded`` what was to be forwarded was not delivered yet, and why
``run-ended``     the run closed in order

An ``intent`` without a later ``exchange`` of the same call means that the call may have been sent. Without an
``intent`` it was not sent.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, iso
from vergeos_nb.errors import RecordError, Refused, can_pass
from vergeos_nb.files import sync_folder
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.alike import EVENT as ALIKE
from vergeos_nb.journal.alike import Earlier
from vergeos_nb.journal.lines import encoded, read_line, whole_line
from vergeos_nb.journal.locked_lines import LockedLines
from vergeos_nb.masking import masked_data
from vergeos_nb.shapes import MOST_OF_OURS, Unfit, content_of, opened
from vergeos_nb.vergeos.exchange import Exchange, Request

OnLine = Callable[[Mapping[str, Any]], None]
# Events that later decisions need: they are on disk before the run continues.
_DURABLE = frozenset(
    {"run-opened", "intent", "step-ended", "bug", "interrupted", "vm-began", "vm-intent", "run-ended"}
)
# These are written before anything has happened, so they may not use the space reserved for a call's effects.
_BEFORE = frozenset({"intent", "vm-intent"})


# Events that may be added after the run's process died. Only these may follow a line that was cut off.
_AFTER_DEATH = frozenset({"interrupted", "bug", "settled", "intent-kept", "masked"})
# The reason of an interruption without a signal. Recovery writes it.
DEATH = "the death of its process"
# How long a process that was killed may take until its files are closed.
DYING_S = 5.0


class RunJournal:
    """The journal of one run, open for appending.

    Args:
        resume: continue the existing journal; its intents stay sent.
        on_line: called with every line that this process writes.

    Raises:
        RecordError: from every method, if a line cannot be written.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        scrubber: Scrubber,
        *,
        resume: bool = False,
        on_line: OnLine | None = None,
    ) -> None:
        self.path = path
        self.on_line: OnLine = on_line or _unheard
        self._clock = clock
        self._scrubber = scrubber
        self._lock = threading.Lock()
        try:
            self._file = LockedLines(path, new=not resume)
            sync_folder(path.parent)
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            # Read while the file is locked, so that no other process can send something in between.
            earlier = _resumable(path) if resume else ()
        except RecordError:
            self._file.close()
            raise
        self._n = len(earlier)
        self._earlier = Earlier()
        self._intents = _intents_of(earlier)

    def write(self, event: str, /, **data: Any) -> None:
        """Append one event."""
        self._write(event, data)

    def _write(self, event: str, data: Mapping[str, Any]) -> int:
        """Append one event. Returns the number of its line."""
        with self._lock:
            line = {
                "n": self._n + 1,
                "at": iso(self._clock.now()),
                "event": event,
                **self._scrubber.data(dict(data)),
            }
            try:
                self._append(encoded(line), spare=event not in _BEFORE)
                # The line exists, even if `fsync` fails: no other line may get its number.
                self._n += 1
                if event in _DURABLE or data.get("changing"):
                    os.fsync(self._file.fileno())
            except OSError as error:
                raise _unwritable(self.path, error) from error
            except ValueError as error:
                raise RecordError(
                    f"writing the journal {self.path}",
                    "the run was closed, or its kernel is ending",
                    "nothing more is sent in this run; begin a new one, which reads the VM first",
                ) from error
        self.on_line(line)
        return int(line["n"])

    def _append(self, text: str, *, spare: bool) -> None:
        """Write a line. If the disk is full, use the reserved space."""
        try:
            self._file.write(text)
        except OSError as error:
            if not spare or error.errno not in disk_reserve.FULL or not disk_reserve.free(self.path.parent):
                raise
            self._file.write(text)

    def make_room(self) -> None:
        """Make sure that the effects of a changing call can be written down and sealed.

        Raises:
            RecordError: they cannot; do not send anything.
        """
        disk_reserve.take(self.path.parent)

    def intent(self, request: Request) -> None:
        """Write down that a changing call is about to be sent. It is on disk when this returns.

        Raises:
            Refused: this run has written the same intent before. A changing call is sent once, unless the
                platform refused it for a reason that can pass.
            RecordError: it cannot be written, or there is no disk space for its record.
        """
        self.make_room()
        if request.key in self._intents:
            asked = f"sending {request.method} {request.path}"
            raise Refused(
                asked,
                "it was sent in this run before",
                "it is not sent again; look at the VM, and begin a new run if something is left to do",
            )
        self._intents.add(request.key)
        disk_reserve.note(self.path.parent, self._write("intent", request.as_sent()))

    def exchange(self, exchange: Exchange) -> None:
        """Write down one API call."""
        call = self._scrubber.data(exchange.as_dict())
        if (short := self._earlier.shortened(call)) is not None:
            self._write(ALIKE, short)
        else:
            self._write("exchange", call)
            # Only now, because a later line must not refer to one that could not be written.
            self._earlier.written(call)
        if exchange.changing and can_pass(exchange.error):
            self._intents.discard(exchange.key)

    def close(self) -> None:
        """Close the file. Nothing more can be written."""
        self._file.close()


def _unheard(line: Mapping[str, Any]) -> None:
    """The default of `on_line`: do nothing."""


def _intents_of(lines: Sequence[Mapping[str, Any]]) -> set[str]:
    """The changing calls of these lines that are never sent again."""
    found: set[str] = set()
    for line in lines:
        if line["event"] in ("intent", "intent-kept"):
            found.add(_request_of(line).key)
        elif line["event"] == "exchange" and line["changing"] and can_pass(str(line["error"])):
            found.discard(_request_of(line).key)
    return found


def _request_of(line: Mapping[str, Any]) -> Request:
    return Request(line["method"], line["path"], line["body"])


def _resumable(path: Path) -> tuple[Mapping[str, Any], ...]:
    text = _whole(path)
    if text.torn or _content(path)[-1:] not in (b"", b"\n"):
        raise RecordError(
            f"continuing the journal {path}",
            "its last line was cut off when its process died",
            "finish it with `vergeos-nb audit recover`, and begin a new run",
        )
    if any(line["event"] == "run-ended" for line in text.lines):
        raise RecordError(
            f"continuing the journal {path}", "its run was closed", "begin a new run; nothing was sent"
        )
    return text.lines


@dataclass(frozen=True, slots=True)
class JournalText:
    """A journal as it was found on disk.

    Attributes:
        torn: whether the last line was cut off, because the writer was killed while it wrote.
    """

    lines: tuple[Mapping[str, Any], ...]
    torn: bool = False


def read_journal(path: Path) -> JournalText:
    """Read a journal, also one whose writer was killed.

    Raises:
        RecordError: there is no journal, or a line of it is damaged or in the wrong place. Only the last line
            that its writer wrote may have been cut off.
    """
    lines: list[Mapping[str, Any]] = []
    earlier = Earlier()
    torn = 0
    for number, raw in enumerate(io.BytesIO(_content(path)), start=1):
        if raw == b"\n":
            continue
        try:
            line = read_line(raw.removesuffix(b"\n"))
            line = line and whole_line(line, earlier)
        except Unfit as unfit:
            raise damaged(path, number, unfit.why) from None
        if line is not None and torn and line["event"] not in _AFTER_DEATH:
            raise damaged(path, torn, "it is not a line of a journal")
        if line is None and torn:
            raise damaged(path, torn, "neither it nor any later line is a line of a journal")
        if line is None:
            torn = number
            continue
        if wrong := _misplaced(line, lines):
            raise damaged(path, number, wrong)
        lines.append(line)
    return JournalText(tuple(lines), bool(torn))


def _whole(path: Path) -> JournalText:
    """Read a journal that is to be continued.

    Raises:
        RecordError: as `read_journal`; or it has fewer lines than when a changing request was sent.
    """
    text, noted = read_journal(path), disk_reserve.noted(path.parent)
    if noted > len(text.lines):
        why = f"it is gone, and line {noted} was there when a changing request was about to be sent"
        raise damaged(path, len(text.lines) + 1, why)
    return text


def opened_of(path: Path) -> Mapping[str, Any]:
    """The ``run-opened`` line of a journal, even if later lines are damaged; empty if it is lost."""
    try:
        with opened(path) as file:
            line = read_line(file.readline())
    except (OSError, Unfit):
        return {}
    return line if line is not None and line["event"] == "run-opened" else {}


def _content(path: Path) -> bytes:
    try:
        return content_of(path, MOST_OF_OURS)
    except Unfit as unfit:
        raise RecordError(f"reading the journal {path}", unfit.why, "give the folder of a record") from None


def _misplaced(line: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> str:
    """Why a line cannot follow those before it, or ""."""
    n, expected = line["n"], len(before) + 1
    # If two processes of an older version finished the same run at once, both wrote the same number.
    if n != expected and not (n == expected - 1 and line["event"] in _AFTER_DEATH):
        return f"it is number {n} of its run, where number {expected} belongs"
    if before and line["event"] == "run-opened":
        return "it opens another run"
    return ""


def damaged(path: Path, number: int, why: str) -> RecordError:
    """The error for a journal with a damaged line."""
    return RecordError(
        f"reading the journal {path}",
        f"line {number} is damaged: {why}",
        "the run cannot be finished from it: restore the file from a copy, or keep the folder as it is and "
        "look at the VM by hand",
    )


def append_after_death(
    path: Path, clock: Clock, event: str, /, *, at: float | None = None, **data: Any
) -> None:
    """Add one line to a journal whose process is gone. If the last line was cut off, begin a new line first.

    Args:
        at: when it happened, seconds since 1970; by default now.

    Raises:
        RecordError: it cannot be read or written, or another process has this run open.
    """
    try:
        file = LockedLines(path, new=False, within_s=DYING_S)
        try:
            # Then this journal has lost lines, which the fleet's journal still holds.
            vouched = event == "intent-kept"
            text = read_journal(path) if vouched else _whole(path)
            line = {
                "n": len(text.lines) + 1,
                "at": iso(clock.now() if at is None else at),
                "event": event,
                # The caller may not know the secrets of the run. Those of this process are masked.
                **masked_data(data),
            }
            # The last line may also lack only its line feed.
            file.write(("" if file.is_whole() else "\n") + encoded(line))
            os.fsync(file.fileno())
            if vouched:
                disk_reserve.note(path.parent, len(text.lines) + 1)
        finally:
            file.close()
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> RecordError:
    return RecordError(
        f"writing the journal {path}",
        error.strerror or str(error),
        "nothing more is sent without a journal; free space, or choose another folder with --outputs",
    )
