"""The archive's index: an SQLite file made of the ledger, for finding records among many.

It can be deleted. It only selects lines of the ledger, and a record's values are read from its line again.
So a damaged or forged index never shows wrong values. A forged index can leave records out, and count
wrongly. `verify` does not read it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from vergeos_nb.archive.index_file import EXACT, Answer, Differs, ask, entry_at, mark_at, row_of_index
from vergeos_nb.archive.ledger.disk import opened
from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark, read_line
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import RecordError, RecordNotFound, UsageError
from vergeos_nb.files import disk_errors
from vergeos_nb.layout import ArchiveLayout, archive_of

Line = TypeVar("Line", LedgerEntry, Mark)
_DAY_S = 86_400
_NAMED = 5
# A whole id, its beginning, or its part after a hyphen; never a pattern.
_IDS = (
    "record = ?1",
    "substr(record, 1, length(?1)) = ?1",
    "substr(record, -length(?1) - 1) = '-' || ?1",
)


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
        UsageError: it is no time.
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
        """The newest line of each record that matches, the oldest run first.

        Raises:
            RecordError: the ledger cannot be read.
        """
        where, values = _where(query)
        return self._found(f"SELECT * FROM records{where} ORDER BY opened, record", values)

    def newest(self, query: Query, count: int) -> list[LedgerEntry]:
        """The newest records that match, the oldest of these first.

        Raises:
            RecordError: the ledger cannot be read.
        """
        where, values = _where(query)
        statement = f"SELECT * FROM records{where} ORDER BY opened DESC, record DESC LIMIT ?"
        return self._found(statement, [*values, count])[::-1]

    def each(self, query: Query) -> Iterator[LedgerEntry]:
        """The records that `find` returns, one by one. Holds 24 bytes of each, and no lock.

        Raises:
            RecordError: the ledger cannot be read.
        """
        where, values = _where(query)
        statement = f"SELECT * FROM records{where} ORDER BY opened, record"
        with self._opened() as ledger:
            if ledger is None:
                return
            given: set[int] = set()
            for anew in (False, True):
                rows = ask(self._path, ledger, lambda known: _packed(known, statement, values), anew=anew)
                with contextlib.suppress(Differs):
                    for entry, start in _unpacked(ledger, rows, given):
                        given.add(start)
                        yield entry
                    return
            raise _unreadable(self._ledger, "it changes while it is read")

    def ends(self, query: Query) -> Counter[tuple[str, str]]:
        """The number of matching records, by outcome and verdict; "" stands for none.

        Raises:
            RecordError: the ledger cannot be read.
        """
        where, values = _where(query)
        statement = f"SELECT outcome, verdict, count(*) FROM records{where} GROUP BY 1, 2"
        counted: Counter[tuple[str, str]] = Counter()
        rows: list[Any] = self._asked(lambda database: database.execute(statement, values).fetchall(), [])
        for outcome, verdict, count in rows:
            counted[str(outcome or ""), str(verdict or "")] += count
        return counted

    def paths(self) -> tuple[frozenset[str], frozenset[str]]:
        """The folders of all sealed records that are still there, and of all removed ones, as ``DAY/RECORD``.

        Raises:
            RecordError: the ledger cannot be read.
        """
        nothing: frozenset[str] = frozenset()
        return self._asked(_paths, (nothing, nothing))

    def hold_of(self, record: str) -> Mark | None:
        """The hold of the record with this whole id; None if it is not on hold.

        Raises:
            RecordError: the ledger cannot be read.
        """
        held = self._marks("event = ? AND record = ?", (Event.HELD.value, record))
        return held[0] if held else None

    def removals(self) -> list[Mark]:
        """The tombstones of all removed records, in the ledger's order.

        Raises:
            RecordError: the ledger cannot be read.
        """
        return self._marks("event = ?", (Event.REMOVED.value,))

    def unread(self) -> int:
        """How many lines of the ledger are damaged. No record of theirs is found.

        Raises:
            RecordError: the ledger cannot be read.
        """
        statement = "SELECT unread FROM made_of"
        return int(self._asked(lambda database: database.execute(statement).fetchone()[0], 0))

    def by_id(self, record: str) -> LedgerEntry:
        """The newest line of the record with this id.

        Args:
            record: the id; or its beginning or its last parts, if no other has the same; or a path to the
                record's folder or a file in it.

        Raises:
            RecordNotFound: there is none, or more than one, or it was removed.
            RecordError: the ledger cannot be read.
        """
        wanted = self._id_of(record)
        for fits in _IDS if wanted else ():
            found = self._found(f"SELECT * FROM records WHERE {fits} ORDER BY record", [wanted])
            if len(found) > 1:
                fit = ", ".join(entry.record for entry in found[:_NAMED])
                raise RecordNotFound(
                    f"finding the record {record!r}",
                    f"{len(found)} records fit",
                    f"name one of them: {fit}{', …' if len(found) > _NAMED else ''}",
                )
            if found:
                return found[0]
        for fits in _IDS if wanted else ():
            for gone in self._marks(f"{fits} AND event = ?2", (wanted, Event.REMOVED.value)):
                raise RecordNotFound(
                    f"finding the record {gone.record}",
                    f"{gone.by} removed it at {gone.sealed_at}: {gone.reason}",
                    "see `vergeos-nb audit list --removed`",
                )
        raise RecordNotFound(
            f"finding the record {record!r}", "no sealed record has this id", "see `vergeos-nb audit list`"
        )

    def _id_of(self, record: str) -> str:
        if len(Path(record).parts) < 2 and not Path(record).exists():
            return record
        folder = Path(record).absolute()
        folder = folder.parent if folder.is_file() else folder
        archive, here = archive_of(folder).outputs, self._ledger.parent
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
        return self.ends(Query()).total()

    def _found(self, statement: str, values: Sequence[Any]) -> list[LedgerEntry]:
        return self._lines(entry_at, statement, values)

    def _marks(self, fits: str, values: Sequence[str]) -> list[Mark]:
        return self._lines(mark_at, f"SELECT * FROM marks WHERE {fits} ORDER BY start", values)

    def _lines(
        self, at: Callable[[IO[bytes], Sequence[Any]], Line], statement: str, values: Sequence[Any]
    ) -> list[Line]:
        """The lines of the ledger to which these rows of the index point."""
        with self._opened() as ledger:
            if ledger is None:
                return []
            return ask(
                self._path,
                ledger,
                lambda database: [at(ledger, row) for row in database.execute(statement, values)],
            )

    def _asked(self, question: Callable[[sqlite3.Connection], Answer], default: Answer) -> Answer:
        with self._opened() as ledger:
            return default if ledger is None else ask(self._path, ledger, question)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[IO[bytes] | None]:
        """The ledger; None if there is none."""
        if not self._ledger.exists():
            yield None
            return
        try:
            with opened(self._ledger) as ledger:
                yield ledger
        except OSError as error:
            raise _unreadable(self._ledger, str(error.strerror)) from error


def _paths(database: sqlite3.Connection) -> tuple[frozenset[str], frozenset[str]]:
    found = (
        frozenset(str(path) for (path,) in database.execute(f"SELECT path FROM {table}"))
        for table in ("records", f"marks WHERE event = '{Event.REMOVED.value}'")
    )
    return next(found), next(found)


def _packed(database: sqlite3.Connection, statement: str, values: Sequence[Any]) -> array[int]:
    """Three numbers of each row: where its line is, how long it is, and the hash of the row."""
    packed = array("q")
    for row in database.execute(statement, values):
        try:
            packed.extend((row[1], row[2], hash(tuple(row))))
        except (TypeError, OverflowError):
            raise Differs from None
    return packed


def _unpacked(ledger: IO[bytes], rows: array[int], but: Collection[int]) -> Iterator[tuple[LedgerEntry, int]]:
    """The lines of these rows, with where they begin.

    Raises:
        Differs: a line does not say the same as its row.
    """
    for at in range(0, len(rows), 3):
        start, length, told = rows[at : at + 3]
        if start in but:
            continue
        if not (0 <= start < 2**40 and 0 <= length < 2**40):
            raise Differs
        ledger.seek(start)
        entry = read_line(ledger.read(length))
        if entry is None or hash(row_of_index(entry, start, length)) != told:
            raise Differs
        yield entry, start


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


def _unreadable(path: Path, why: str) -> RecordError:
    return RecordError(f"reading the ledger {path}", why, "give an archive's folder with --outputs")
