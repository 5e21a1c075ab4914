"""The file of the index: an SQLite database that follows the ledger, line by line.

It can be deleted, damaged or forged. A row only says where a line of the ledger is; the line is read again
and must say what the row says.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark, read_line, read_mark
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import RecordError
from vergeos_nb.files import after_last_line_feed, create

EXACT = ("vm", "vm_key", "operator", "approver", "ticket", "outcome", "verdict", "profile")
"""Columns that a query compares as they are; ``vm`` also with ``*`` and ``?``."""

_VERSION = 4
_COLUMNS = ("record", "start", "length", *EXACT, "opened", "path")
_OF_MARKS = ("record", "start", "length", "event", "path")
_TABLES = f"""
CREATE TABLE records ({", ".join(_COLUMNS)}, PRIMARY KEY (record)) WITHOUT ROWID;
CREATE INDEX by_vm ON records (vm);
CREATE INDEX by_opened ON records (opened);
CREATE INDEX by_end ON records (outcome, verdict);
CREATE INDEX by_path ON records (path);
CREATE TABLE marks ({", ".join(_OF_MARKS)}, PRIMARY KEY (record, event)) WITHOUT ROWID;
CREATE TABLE made_of (version, size, mtime_ns, last_start, last_hash, unread);
"""
_NAMES = ("records", "marks", "made_of")
Answer = TypeVar("Answer")


class Differs(Exception):  # noqa: N818 — it never leaves the index
    """The index was not made from this ledger."""


def ask(
    path: Path, ledger: IO[bytes], question: Callable[[sqlite3.Connection], Answer], *, anew: bool = False
) -> Answer:
    """The answer of an up-to-date index. If its file cannot be used, the index is made in memory.

    Args:
        path: of the index.
        question: can be asked several times. It may raise `Differs`; then the index is made anew.
        anew: do not use the file as it is.

    Raises:
        OSError: the ledger cannot be read.
        RecordError: no index can be made of it.
    """
    tries = ("anew", "memory") if anew else ("as it is", "anew", "memory")
    for one in tries:
        if one == "anew":
            # It is damaged, of another version, or does not fit the ledger. Nothing is lost.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        with contextlib.suppress(sqlite3.Error, Differs):
            return _asked("" if one == "memory" else str(path), ledger, question)
    raise RecordError(
        f"reading the ledger {ledger.name}", "no index can be made of it", "is this an archive's folder?"
    )


def _asked(path: str, ledger: IO[bytes], question: Callable[[sqlite3.Connection], Answer]) -> Answer:
    if path:
        # SQLite would let others read it.
        with contextlib.suppress(OSError):
            create(Path(path))
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        _bring_up_to_date(database, ledger)
        return question(database)


def entry_at(ledger: IO[bytes], row: Sequence[Any]) -> LedgerEntry:
    """The line from which a row of the index was made.

    Raises:
        Differs: the line is not there, or says something else.
    """
    entry = read_line(_line_at(ledger, row))
    if entry is None or row_of_index(entry, row[1], row[2]) != tuple(row):
        raise Differs
    return entry


def mark_at(ledger: IO[bytes], row: Sequence[Any]) -> Mark:
    """The same for a decision about a record.

    Raises:
        Differs: the line is not there, or says something else.
    """
    mark = read_mark(_line_at(ledger, row))
    if mark is None or _row_of_mark(mark, row[1], row[2]) != tuple(row):
        raise Differs
    return mark


def _line_at(ledger: IO[bytes], row: Sequence[Any]) -> bytes:
    if not all(isinstance(value, int) and 0 <= value < 2**40 for value in row[1:3]):
        raise Differs
    ledger.seek(row[1])
    return ledger.read(row[2])


def _row_of_mark(mark: Mark, start: int, length: int) -> tuple[Any, ...]:
    return (mark.record, start, length, mark.event.value, mark.path)


def row_of_index(entry: LedgerEntry, start: int, length: int) -> tuple[Any, ...]:
    """The index's row of a line of the ledger.

    Args:
        start: where the line begins, in bytes.
        length: of the line, in bytes, with its line feed.
    """
    fields: Mapping[str, Any] = entry.fields
    try:
        opened = from_iso(str(fields.get("opened_at")))
    except ValueError:
        opened = 0.0
    told = (fields.get(name) for name in EXACT)
    plain = (value if isinstance(value, str | int | None) else str(value) for value in told)
    return (entry.record, start, length, *plain, opened, entry.path)


def _bring_up_to_date(database: sqlite3.Connection, ledger: IO[bytes]) -> None:
    if _known(database) == _state(ledger):
        return
    database.execute("BEGIN IMMEDIATE")
    known, state = _known(database), _state(ledger)
    if known != state:
        start, unread = 0, 0
        if known and known[0] < state[0] and _is_prefix(database, ledger):
            start = known[0]
            (unread,) = database.execute("SELECT unread FROM made_of").fetchone()
        else:
            for name in _NAMES:
                database.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in _TABLES.split(";"):
                database.execute(statement)
        last, size, raw = start, start, b""
        for at, line in _whole_lines(ledger, start):
            last, size, raw = at, at + len(line), line
            unread += not _take_in(database, line, at)
        database.execute("DELETE FROM made_of")
        database.execute(
            "INSERT INTO made_of VALUES (?, ?, ?, ?, ?, ?)",
            (_VERSION, size, state[1], last, hashlib.sha256(raw).hexdigest(), unread),
        )
    database.execute("COMMIT")


def _take_in(database: sqlite3.Connection, line: bytes, at: int) -> bool:
    """Add a line to the index. Returns whether it could be read."""
    if entry := read_line(line):
        _put(database, "records", row_of_index(entry, at, len(line)))
    elif (mark := read_mark(line)) is None:
        return False
    elif mark.event is Event.RELEASED:
        database.execute("DELETE FROM marks WHERE record = ? AND event = ?", (mark.record, Event.HELD.value))
    else:
        _put(database, "marks", _row_of_mark(mark, at, len(line)))
        if mark.event is Event.REMOVED:
            database.execute("DELETE FROM records WHERE record = ?", (mark.record,))
    return True


def _put(database: sqlite3.Connection, table: str, row: Sequence[Any]) -> None:
    places = ", ".join("?" * len(row))
    database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)


def _known(database: sqlite3.Connection) -> tuple[int, int] | None:
    """Size and time of the ledger that the index was made from; None if there is no index yet."""
    try:
        row = database.execute("SELECT version, size, mtime_ns FROM made_of").fetchone()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return None
        raise
    return (row[1], row[2]) if row and row[0] == _VERSION else None


def _state(ledger: IO[bytes]) -> tuple[int, int]:
    """Size and time of the ledger's whole lines; a torn last line does not count."""
    status = os.fstat(ledger.fileno())
    return after_last_line_feed(ledger.fileno(), status.st_size), status.st_mtime_ns


def _is_prefix(database: sqlite3.Connection, ledger: IO[bytes]) -> bool:
    """Whether the ledger only grew: the last line that the index knows is where it was."""
    size, last, wanted = database.execute("SELECT size, last_start, last_hash FROM made_of").fetchone()
    ledger.seek(last)
    return hashlib.sha256(ledger.read(size - last)).hexdigest() == str(wanted)


def _whole_lines(ledger: IO[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    ledger.seek(start)
    for line in ledger:
        if not line.endswith(b"\n"):
            return
        yield start, line
        start += len(line)
