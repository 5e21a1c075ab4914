"""Files that are on disk whole, or not at all."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BLOCK = 1 << 16


def put(path: Path, content: bytes, draft: Path) -> None:
    """Put a file there whole, on disk when this returns.

    Args:
        draft: where it is written first. It is beside the ledger and not in the record's folder, where a
            process that dies would leave it; whoever holds the lock is the only one to use it.
    """
    draft.unlink(missing_ok=True)
    _write(draft, content, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.replace(draft, path)  # noqa: PTH105 — its one name in the sealing path, which tests make fail
    sync_folder(path.parent)


def append(path: Path, content: bytes) -> None:
    """Add to a file what is whole and on disk when this returns, or nothing when it raises."""
    _write(path, content, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _write(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def content_of(path: Path) -> bytes | None:
    """A file's bytes; None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def mapped(file: Any) -> Iterator[Any]:
    """A file's bytes, without reading all of them."""
    if not os.fstat(file.fileno()).st_size:
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def after_last_line_feed(descriptor: int, end: int) -> int:
    """The place after the last line feed before ``end``; 0 where there is none."""
    while end > 0:
        start = max(0, end - _BLOCK)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
