"""The messages of one journal. Each reading begins where the last one ended."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from msgspec import Struct

from vergeos_nb.forwarding.told_lines import Message, Teller, may_matter
from vergeos_nb.layout import JOURNAL
from vergeos_nb.shapes import Unfit, object_of_line, opened

MOST_READ = 1 << 20
"""Bytes of lines for one batch, so that a long journal is read in pieces."""


class Batch(Struct, frozen=True):
    """A part of the journal.

    Attributes:
        messages: the messages of its important lines.
        until: the number of its last line in the file.
        more: whether more lines may follow.
    """

    messages: tuple[Message, ...]
    until: int
    more: bool


class RunLines:
    """Reads a journal while it is written. An incomplete line is read the next time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._teller = Teller(folder)
        self._at = 0
        self._line = 0

    def at(self, folder: Path) -> RunLines:
        """The same reader for a folder that was renamed."""
        self._path = folder / JOURNAL
        return self

    def batch(self, done: int, most: int) -> Batch:
        """The next messages, without those of the first ``done`` lines.

        Raises:
            Unfit: there is no readable journal.
        """
        try:
            with opened(self._path) as file:
                return self._read(file, done, most)
        except OSError as error:
            raise Unfit(str(error.strerror)) from error

    def _read(self, file: IO[bytes], done: int, most: int) -> Batch:
        file.seek(self._at)
        messages: list[Message] = []
        read = 0
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            read += len(raw)
            self._at += len(raw)
            self._line += 1
            if (message := self._message(raw)) is not None and self._line > done:
                messages.append(message)
            if len(messages) >= most or read >= MOST_READ:
                return Batch(tuple(messages), self._line, more=True)
        return Batch(tuple(messages), self._line, more=False)

    def _message(self, raw: bytes) -> Message | None:
        if not may_matter(raw):
            return None
        try:
            return self._teller.message(object_of_line(raw))
        except Unfit:
            return None  # a line that was cut off because its writer died
