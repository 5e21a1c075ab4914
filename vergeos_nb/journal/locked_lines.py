"""The file of a journal: one line at a time, each whole or not at all, and no second writer."""

from __future__ import annotations

import os
from pathlib import Path

from vergeos_nb.errors import RecordError
from vergeos_nb.files import Busy, lock, opener


class LockedLines:
    """A file of lines, locked while it is open. Each line is written whole or not at all.

    Raises:
        RecordError: another process has it open.
    """

    def __init__(self, path: Path, *, new: bool, within_s: float = 0.0) -> None:
        mode = "xb" if new else "r+b"
        self._raw = open(path, mode, buffering=0, opener=opener)  # noqa: SIM115 — open as long as the run
        try:
            lock(self._raw.fileno(), within_s)
        except Busy:
            self._raw.close()
            raise RecordError(
                f"writing the journal {path}",
                "another process has this run open",
                "nothing was sent; continue where it is open, or close it there",
            ) from None
        except OSError:
            # A file system without locks. The lease is checked before every changing call anyway.
            pass
        self._raw.seek(0, os.SEEK_END)

    def write(self, text: str) -> None:
        """Append a line."""
        # JSON from a platform can hold half of a surrogate pair. It is written as its JSON escape.
        rest, size = memoryview(text.encode(errors="backslashreplace")), self._raw.tell()
        try:
            while rest:
                rest = rest[self._raw.write(rest) :]
        except OSError:
            self._raw.truncate(size)
            self._raw.seek(size)
            raise

    def is_whole(self) -> bool:
        """Whether the last line is complete."""
        size = self._raw.tell()
        return not size or os.pread(self._raw.fileno(), 1, size - 1) == b"\n"

    def fileno(self) -> int:
        """The descriptor, for `os.fsync`."""
        return self._raw.fileno()

    def close(self) -> None:
        """Nothing more can be written."""
        self._raw.close()
