"""The lines of a ledger in its file. Of each line only its place, hash and number are held in memory.

An archive has hundreds of thousands of lines, and a verification needs most of them once. The content is
read again where it is needed, and must then equal the content that was read first.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from vergeos_nb.archive.ledger.disk import lines_of
from vergeos_nb.archive.ledger.ledger import ZEROS
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, Mark, read_any
from vergeos_nb.archive.ledger.strays import with_unix_ends
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import LEDGER

_HASH = 32


@dataclass(frozen=True, slots=True, eq=False)
class LedgerLine:
    """A line as it stands in the file.

    Attributes:
        at: its number in the file, from 1.
        hash: its SHA-256, with its line feed.
        count: its own number, as it has it; 0 if it is damaged.
        previous: the hash of the line before, as this line has it; "" if it is damaged.
    """

    at: int
    hash: str
    count: int
    previous: str
    _file: LineFile

    @property
    def entry(self) -> LedgerEntry | Mark | None:
        """Its content, read again; None if it is damaged."""
        return self._file.entry(self.at)

    @property
    def where(self) -> str:
        """How it is named in a finding."""
        return line_name(self.at)


def line_name(at: int) -> str:
    """How the line with this number in the file is named in a finding."""
    return f"{LEDGER} line {at}"


class LineFile:
    """The whole lines of a ledger's file. It is only appended to, so they stay where they are.

    Attributes:
        linked: whether each line has the next number, and the hash of the line before.
        changed_ends: whether a line ends as lines do on Windows.
        sealed: the SHA-256 of the manifest that the newest seal of each path names.

    Args:
        descriptor: the file, which stays open as long as this is used; None if there is none.
        end: where the last whole line ends.
        unix_ends: read the lines as if their ends had never been changed.

    Raises:
        RecordError: from every method, if a line is not as it was read first.
        OSError: likewise, if the disk fails.
    """

    def __init__(self, descriptor: int | None, end: int, *, unix_ends: bool = False) -> None:
        self._descriptor = descriptor
        self._end = end
        self._unix_ends = unix_ends
        self._starts = array("Q", [0])
        self._hashes = bytearray()
        self.linked = True
        self.changed_ends = False
        self.sealed: dict[str, bytes] = {}
        previous = ZEROS
        for at, raw in enumerate(self._raws(), start=1):
            content = self._as_ours(raw)
            digest, entry = hashlib.sha256(content), read_any(content)
            self._starts.append(self._starts[-1] + len(raw))
            self._hashes += digest.digest()
            self.changed_ends = self.changed_ends or raw.endswith(b"\r\n")
            if entry is None or (entry.count, entry.previous) != (at, previous):
                self.linked = False
            if isinstance(entry, LedgerEntry):
                self.sealed[entry.path] = bytes.fromhex(entry.manifest)
            previous = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def hash_at(self, at: int) -> str:
        """The hash of a line, by its number in the file."""
        return self.digest_at(at).hex()

    def digest_at(self, at: int) -> bytes:
        """The same, as bytes."""
        return bytes(self._hashes[(at - 1) * _HASH : at * _HASH])

    def raw(self, at: int) -> bytes:
        """A line with its line feed, by its number in the file."""
        start = self._starts[at - 1]
        assert self._descriptor is not None
        return self._checked(at, os.pread(self._descriptor, self._starts[at] - start, start))

    def entry(self, at: int) -> LedgerEntry | Mark | None:
        """The content of a line, by its number in the file; None if it is damaged."""
        return read_any(self.raw(at))

    def read(self) -> Iterator[tuple[LedgerLine, LedgerEntry | Mark | None]]:
        """Each line with its content, which is None if it is damaged."""
        last = ZEROS
        for at, raw in zip(range(1, len(self) + 1), self._raws(), strict=True):
            entry = read_any(self._checked(at, raw))
            previous = entry.previous if entry else ""
            # Nearly always the same text, which then is there only once.
            previous = last if previous == last else previous
            last = self.hash_at(at)
            yield LedgerLine(at, last, entry.count if entry else 0, previous, self), entry

    def _checked(self, at: int, raw: bytes) -> bytes:
        raw = self._as_ours(raw)
        if hashlib.sha256(raw).hexdigest() != self.hash_at(at):
            raise RecordError(
                "reading the ledger",
                f"{line_name(at)} was changed while it was read",
                "find out who writes to it, and verify it again",
            )
        return raw

    def _as_ours(self, raw: bytes) -> bytes:
        return with_unix_ends(raw) if self._unix_ends else raw

    def _raws(self) -> Iterator[bytes]:
        """Each line as it stands there."""
        return iter(()) if self._descriptor is None else lines_of(self._descriptor, self._end)
