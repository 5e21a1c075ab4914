"""The archive's index: an SQLite file made of the ledger, for finding records among many.

It can be deleted. It only selects lines of the ledger, and the values are read from those lines again. So a
damaged or forged index cannot show anything false.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vergeos_nb.archive.ledger.disk import opened
from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, read_line, read_mark
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import RecordError, RecordNotFound, UsageError
from vergeos_nb.files import after_last_line_feed, create, disk_errors
from vergeos_nb.layout import ArchiveLayout

EXACT = ("vm", "vm_key", "operator", "approver", "ticket", "outcome", "verdict", "profile")
"""What can be asked for as it is; of ``vm`` also with ``*`` and ``?``."""

_DAY_S = 86_400
_NAMED = 5
# A whole id, the beginning of one, and all that follows one of its hyphens; never a pattern.
_IDS = (
    "record = ?1",
    "substr(record, 1, length(?1)) = ?1",
    "substr(record, -length(?1) - 1) = '-' || ?1",
)
_VERSION = 2
_COLUMNS = ("record", "start", "length", *EXACT, "opened")
_TABLES = f"""
CREATE TABLE records ({", ".join(_COLUMNS)}, PRIMARY KEY (record)) WITHOUT ROWID;
CREATE INDEX by_vm ON records (vm);
CREATE INDEX by_opened ON records (opened);
CREATE TABLE made_of (version, size, mtime_ns, last_start, last_hash);
"""


@dataclass(frozen=True, slots=True)
class Query:
    """The search; None means any value.

    Attributes:
        since: seconds since 1970; runs opened then or later.
        until: runs opened before.
    """

    vm: str | None = None
    vm_key: int | None = None
    operator: str | None = None
    approver: str | None = None
    ticket: str | None = None
    outcome: str | None = None
    verdict: str | None = None
    profile: str | None = None
    since: float | None = None
    until: float | None = None


def moment(told: str | None, option: str, *, end: bool = False) -> float | None:
    """A time as people give it: a day, or a day and a time, in UTC where no zone is said.

    Args:
        end: a day alone means its end.

    Raises:
        UsageError: it is none.
    """
    if told is None:
        return None
    try:
        return from_iso(told) + (_DAY_S if end and len(told) <= len("2026-10-01") else 0)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"reading {option}", f"{told!r} is not a time", "write it as 2026-10-01 or 2026-10-01T12:00:00Z"
        ) from error


class Index:
    """The index of an archive, updated at every query.

    If its file cannot be written, it is made in memory.
    """

    def __init__(self, outputs: Path) -> None:
        self._ledger = ArchiveLayout(outputs).ledger
        self._path = ArchiveLayout(outputs).index

    def find(self, query: Query) -> list[LedgerEntry]:
        """The newest line of each record that fits, the oldest run first.

        Raises:
            RecordError: the ledger cannot be read.
        """
        where, values = _where(query)
        return self._ask(f"SELECT * FROM records{where} ORDER BY opened, record", values)

    def by_id(self, record: str) -> LedgerEntry:
        """The newest line of the record with this id.

        Args:
            record: the id; or its beginning or its last parts, if no other has the same; or a path to the
                record's folder or a file in it.

        Raises:
            RecordNotFound: there is none, or more than one.
            RecordError: the ledger cannot be read.
        """
        wanted = self._id_of(record)
        for fits in _IDS if wanted else ():
            found = self._ask(f"SELECT * FROM records WHERE {fits} ORDER BY record", [wanted])
            if len(found) > 1:
                fit = ", ".join(entry.record for entry in found[:_NAMED])
                raise RecordNotFound(
                    f"finding the record {record!r}",
                    f"{len(found)} records fit",
                    f"name one of them: {fit}{', …' if len(found) > _NAMED else ''}",
                )
            if found:
                return found[0]
        raise RecordNotFound(
            f"finding the record {record!r}", "no sealed record has this id", "see `vergeos-nb audit list`"
        )

    def _id_of(self, record: str) -> str:
        if len(Path(record).parts) < 2 and not Path(record).exists():
            return record
        folder = Path(record).absolute()
        folder = folder.parent if folder.is_file() else folder
        archive, here = folder.parent.parent, self._ledger.parent
        if folder.exists() and archive.resolve() != here.resolve():
            other = ArchiveLayout(archive).ledger.exists()
            raise RecordNotFound(
                f"finding the record {record!r}",
                f"it is not in the archive {here}",
                f"add --outputs {archive}" if other else "see `vergeos-nb audit list` for those that are",
            )
        return folder.name

    def rebuild(self) -> int:
        """Rebuild the index. Returns the number of its records.

        Raises:
            RecordError: the ledger cannot be read, or the index cannot be written.
        """
        with disk_errors(f"making {self._path}"):
            self._path.unlink(missing_ok=True)
        return len(self._ask("SELECT * FROM records", []))

    def _ask(self, statement: str, values: Sequence[Any]) -> list[LedgerEntry]:
        if not self._ledger.exists():
            return []
        try:
            with opened(self._ledger) as ledger:
                for path in (str(self._path), ""):
                    with contextlib.suppress(sqlite3.Error, _Differs):
                        return self._asked(path, ledger, statement, values)
                    if path:
                        # It is damaged, of another version, or does not fit the ledger. Rebuild it; nothing
                        # is lost.
                        with contextlib.suppress(OSError):
                            self._path.unlink(missing_ok=True)
                        with contextlib.suppress(sqlite3.Error, _Differs):
                            return self._asked(path, ledger, statement, values)
        except OSError as error:
            raise _unreadable(self._ledger, str(error.strerror)) from error
        raise _unreadable(self._ledger, "no index can be made of it")

    def _asked(
        self, path: str, ledger: IO[bytes], statement: str, values: Sequence[Any]
    ) -> list[LedgerEntry]:
        if path:
            # SQLite would let others read it.
            with contextlib.suppress(OSError):
                create(Path(path))
        with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = OFF")
            _bring_up_to_date(database, ledger)
            return [_read(ledger, row) for row in database.execute(statement, values)]


class _Differs(Exception):  # noqa: N818 — it never leaves this module
    """The index is not made of this ledger."""


def _where(query: Query) -> tuple[str, list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    for name in EXACT:
        wanted = getattr(query, name)
        if wanted is None:
            continue
        pattern = name == "vm" and ("*" in wanted or "?" in wanted)
        terms.append(f"{name} GLOB ?" if pattern else f"{name} = ?")
        values.append(wanted.replace("[", "[[]") if pattern else wanted)
    for term, moment in (("opened >= ?", query.since), ("opened < ?", query.until)):
        if moment is not None:
            terms.append(term)
            values.append(moment)
    return (" WHERE " + " AND ".join(terms) if terms else ""), values


def _bring_up_to_date(database: sqlite3.Connection, ledger: IO[bytes]) -> None:
    if _known(database, ledger) == _state(ledger):
        return
    database.execute("BEGIN IMMEDIATE")
    known, state = _known(database, ledger), _state(ledger)
    if known != state:
        start = 0
        if known and known[0] < state[0] and _is_prefix(database, ledger):
            start = known[0]
        else:
            for name in ("records", "made_of"):
                database.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in _TABLES.split(";"):
                database.execute(statement)
        last, size, raw = start, start, b""
        marks = ", ".join("?" * len(_COLUMNS))
        for at, line in _whole_lines(ledger, start):
            last, size, raw = at, at + len(line), line
            if (mark := read_mark(line)) is not None:
                if mark.event is Event.REMOVED:
                    database.execute("DELETE FROM records WHERE record = ?", (mark.record,))
            elif entry := read_line(line):
                database.execute(
                    f"INSERT OR REPLACE INTO records VALUES ({marks})", _row(entry, at, len(line))
                )
        database.execute("DELETE FROM made_of")
        database.execute(
            "INSERT INTO made_of VALUES (?, ?, ?, ?, ?)",
            (_VERSION, size, state[1], last, hashlib.sha256(raw).hexdigest()),
        )
    database.execute("COMMIT")


def _known(database: sqlite3.Connection, ledger: IO[bytes]) -> tuple[int, int] | None:
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


def _row(entry: LedgerEntry, start: int, length: int) -> tuple[Any, ...]:
    fields: Mapping[str, Any] = entry.fields
    try:
        opened = from_iso(str(fields.get("opened_at")))
    except ValueError:
        opened = 0.0
    told = (fields.get(name) for name in EXACT)
    plain = (value if isinstance(value, str | int | None) else str(value) for value in told)
    return (entry.record, start, length, *plain, opened)


def _read(ledger: IO[bytes], row: Sequence[Any]) -> LedgerEntry:
    if not all(isinstance(value, int) and 0 <= value < 2**40 for value in row[1:3]):
        raise _Differs
    ledger.seek(row[1])
    entry = read_line(ledger.read(row[2]))
    if entry is None or _row(entry, row[1], row[2]) != tuple(row):
        raise _Differs
    return entry


def _unreadable(path: Path, why: str) -> RecordError:
    return RecordError(f"reading the ledger {path}", why, "is this an archive's folder?")
