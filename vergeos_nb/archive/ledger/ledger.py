"""The ledger: one line per sealed record, each holding the hash of the line before.

``ledger.jsonl`` is only appended to. One exception: if a writer was killed in the middle of the last line,
the next writer moves the torn line to ``ledger.torn``. ``ledger.head`` holds ``COUNT:HASH`` of the newest
line, for people to note elsewhere. ``ledger.lock`` is locked while a record is sealed, and is never removed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vergeos_nb.archive.ledger.disk import content_of, lines_of, mapped, opened
from vergeos_nb.archive.ledger.ledger_lines import ChainedLine, LedgerEntry, hash_of, read_line
from vergeos_nb.archive.ledger.strays import ATTRIBUTES_SAY
from vergeos_nb.canonical import canonical
from vergeos_nb.errors import RecordError
from vergeos_nb.files import Busy, after_last_line_feed, append, disk_errors, locked, put, sync_folder
from vergeos_nb.layout import ArchiveLayout

ZEROS = "0" * 64
LOCK_WAIT_S = 30.0
SEAL_LATER = (
    "the record's files are complete and stay; make the folder writable and free space, then run "
    "`vergeos-nb audit recover`"
)
"""The way on if the disk does not let a record be sealed."""
_HEAD = re.compile(r"(0|[1-9][0-9]{0,14}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of a ledger: how many there are, and the hash of the last."""

    count: int
    hash: str

    def __str__(self) -> str:
        return f"{self.count}:{self.hash}"


EMPTY = Head(0, ZEROS)


def read_head(told: str) -> Head | None:
    """The head in a text; None if it holds none."""
    match = _HEAD.fullmatch(told)
    return Head(int(match[1]), match[2]) if match else None


@dataclass(frozen=True, slots=True)
class OpenLedger:
    """The ledger's files as they were at one moment, without its lines.

    Attributes:
        descriptor: the file of the lines; None if there is none.
        end: where its last whole line ends.
        torn: the text after the last line feed.
        head: the head file's text without its line feed, or None if there is no such file.
        set_aside: the size of ``ledger.torn``.
    """

    descriptor: int | None = field(compare=False)
    end: int
    torn: bytes
    head: str | None
    set_aside: int

    def lines(self) -> Iterator[bytes]:
        """The whole lines as they were then, one by one, each with its line feed.

        Raises:
            OSError: the disk fails.
        """
        return iter(()) if self.descriptor is None else lines_of(self.descriptor, self.end)


class LedgerLockError(RecordError):
    """Another process holds the ledger's lock."""


@dataclass(frozen=True, slots=True)
class End:
    """Where the ledger ends, unverified.

    Attributes:
        count: the number of its last whole line; 0 without one.
        head: the content of the head file, or None.
        changed_ends: whether that line ends as lines do on Windows.
    """

    count: int
    head: str | None
    changed_ends: bool


class Ledger:
    """The ledger of one archive.

    Raises:
        RecordError: from every method, if the disk fails.
    """

    def __init__(self, outputs: Path) -> None:
        self.paths = ArchiveLayout(outputs)

    def whole_lines(self) -> Iterator[bytes]:
        """Every whole line, each with its line feed, one by one."""
        with contextlib.ExitStack() as held:
            held.enter_context(_readable(self.paths.ledger))
            held.enter_context(contextlib.suppress(FileNotFoundError))
            ledger = held.enter_context(opened(self.paths.ledger))
            yield from (line for line in ledger if line.endswith(b"\n"))

    @contextlib.contextmanager
    def opened(self) -> Iterator[OpenLedger]:
        """Open it to read its lines one by one. While it is read, further records can be sealed."""
        with contextlib.ExitStack() as held:
            with _readable(self.paths.ledger), self._shared():
                descriptor, end, torn = None, 0, b""
                with contextlib.suppress(FileNotFoundError):
                    descriptor = held.enter_context(opened(self.paths.ledger)).fileno()
                    size = os.fstat(descriptor).st_size
                    end = after_last_line_feed(descriptor, size)
                    torn = os.pread(descriptor, size - end, end)
                head = _head_text(content_of(self.paths.head))
                aside = self.paths.torn.stat().st_size if self.paths.torn.exists() else 0
            with _readable(self.paths.ledger):
                yield OpenLedger(descriptor, end, torn, head, aside)

    def end(self) -> End:
        """Where the ledger ends. Reads only its last line and its head."""
        with _readable(self.paths.ledger), self._shared():
            head = content_of(self.paths.head)
            raw = self._last_line()
        return End(self._count_of(raw), _head_text(head), raw.endswith(b"\r\n"))

    def _last_line(self) -> bytes:
        try:
            file = opened(self.paths.ledger)
        except FileNotFoundError:
            return b""
        with file:
            return _last_whole_line(file.fileno())[1]

    def _count_of(self, raw: bytes) -> int:
        """The number of a line, also of one that is damaged."""
        line = ChainedLine.read(raw)
        return line.count if line else (content_of(self.paths.ledger) or b"").count(b"\n")

    @contextlib.contextmanager
    def locked(self, wait_s: float | None = None) -> Iterator[None]:
        """Hold the lock; another process waits meanwhile.

        Args:
            wait_s: the longest wait, in seconds; None for `LOCK_WAIT_S`.
        """
        wait_s = LOCK_WAIT_S if wait_s is None else min(wait_s, LOCK_WAIT_S)
        with contextlib.ExitStack() as held:
            try:
                with _usable(self.paths.lock):
                    held.enter_context(locked(self.paths.lock, wait_s))
            except Busy:
                raise LedgerLockError(
                    "sealing the record",
                    f"another process has kept {self.paths.lock} locked for {wait_s:g} s",
                    "see whether a run hangs on this machine, then `vergeos-nb audit recover`",
                ) from None
            yield

    @contextlib.contextmanager
    def _shared(self) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            # A copy may have no lock, or lie on a file system without locks.
            with contextlib.suppress(OSError, Busy):
                held.enter_context(locked(self.paths.lock, LOCK_WAIT_S, kind=fcntl.LOCK_SH))
            yield

    # The following methods are called with the lock held.

    def newest(self) -> tuple[Head, bytes]:
        """The newest whole line and its head. A torn line after it is set aside first."""
        with _usable(self.paths.ledger):
            try:
                descriptor = os.open(self.paths.ledger, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return EMPTY, b""
            try:
                size = os.fstat(descriptor).st_size
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "it is no plain file")
                end, raw = _last_whole_line(descriptor)
                if end < size:
                    self._set_aside(os.pread(descriptor, size - end, end))
                    os.ftruncate(descriptor, end)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            return (Head(self._count_of(raw), hash_of(raw)), raw) if raw else (EMPTY, b"")

    def _set_aside(self, torn: bytes) -> None:
        known = content_of(self.paths.torn) or b""
        # A process that died between copying these bytes and cutting them off has left both.
        if not known.endswith(torn + b"\n"):
            append(self.paths.torn, torn + b"\n")

    def head_that_does_not_fit(self, newest: Head, raw: bytes) -> str | None:
        """The head file's content if it does not fit the end of the ledger; otherwise None.

        If a writer died between line and head, the head is one line behind. This fits, too, and the head is
        updated, so that it is never behind by more than one.
        """
        with _usable(self.paths.head):
            told = _head_text(content_of(self.paths.head))
        head = EMPTY if told is None else read_head(told)
        if head == newest:
            return None
        place = ChainedLine.read(raw)
        if head and place and (head.count, head.hash) == (newest.count - 1, place.previous):
            self.put_head(newest)
            return None
        return "missing" if told is None else told[:100].encode("utf-8", "backslashreplace").decode()

    def sealed_before(self, record: str) -> LedgerEntry | None:
        """The newest line of this record, or None."""
        with self._mapped() as content:
            at = content.rfind(b'"record":' + canonical(record))
            return (
                read_line(content[content.rfind(b"\n", 0, at) + 1 : content.find(b"\n", at) + 1])
                if at >= 0
                else None
            )

    def was_removed(self, record: str) -> bool:
        """Whether a tombstone says that it was removed."""
        mark = b'"of":' + canonical(record)
        with self._mapped() as content:
            at = content.find(mark)
            while at >= 0:
                if b'"event":"removed"' in content[content.rfind(b"\n", 0, at) + 1 : at]:
                    return True
                at = content.find(mark, at + 1)
        return False

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[Any]:
        """The ledger's bytes, without reading all of them; empty if there is no ledger."""
        with contextlib.ExitStack() as held:
            with _usable(self.paths.ledger):
                try:
                    content = held.enter_context(mapped(held.enter_context(opened(self.paths.ledger))))
                except FileNotFoundError:
                    content = b""
            yield content

    def append(self, line: bytes) -> None:
        """Add a line. When this returns, the line is on disk. When this raises, the ledger is unchanged."""
        new = not self.paths.ledger.exists()
        with _usable(self.paths.ledger):
            append(self.paths.ledger, line)
            if new:
                sync_folder(self.paths.outputs)
                self._keep_from_git()

    def _keep_from_git(self) -> None:
        """Tell git, in a new archive, not to change sealed files."""
        path = self.paths.attributes
        # Sealing does not need this file, so errors are ignored.
        with contextlib.suppress(OSError):
            if not path.exists():
                put(path, ATTRIBUTES_SAY, self.paths.draft)

    def put_head(self, head: Head) -> None:
        """Replace the head file."""
        with _usable(self.paths.head):
            put(self.paths.head, f"{head}\n".encode(), self.paths.draft)


def _usable(path: Path) -> AbstractContextManager[None]:
    return disk_errors("sealing the record", SEAL_LATER, where=path)


def _readable(path: Path) -> AbstractContextManager[None]:
    return disk_errors("reading the ledger", "make it readable, then do the same again", where=path)


def _head_text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace").removesuffix("\n")


def _last_whole_line(descriptor: int) -> tuple[int, bytes]:
    """Where the last whole line ends, and that line; ``(0, b"")`` if there is none."""
    end = after_last_line_feed(descriptor, os.fstat(descriptor).st_size)
    start = after_last_line_feed(descriptor, end - 1) if end else 0
    return end, os.pread(descriptor, end - start, start)
