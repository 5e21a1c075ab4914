"""Read the archive's files, which may be missing or long. A pipe in their place is refused."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from vergeos_nb import shapes

_PIECE = 1 << 18


def content_of(path: Path) -> bytes | None:
    """A file's bytes; None if there is no such file.

    Raises:
        OSError: it cannot be read, or is not a plain file.
    """
    try:
        return shapes.content_of(path, shapes.MOST_OF_OURS)
    except shapes.Unfit as unfit:
        if unfit.missing:
            return None
        raise _as_os_error(path, unfit) from unfit.__cause__


def content_unless_linked(path: str) -> bytes | None:
    """A plain file's bytes; nothing for a link, and None if there is no such file or it cannot be read.

    Faster than `content_of`. A verification reads one file of each record in this way.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        return b"" if error.errno == errno.ELOOP else None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > shapes.MOST_OF_OURS:
            return None
        content = os.read(descriptor, status.st_size + 1)
        while more := os.read(descriptor, _PIECE):
            content += more
        return content
    except OSError:
        return None
    finally:
        os.close(descriptor)


def sha256_of(descriptor: int, size: int) -> str:
    """The SHA-256 of an open file, read to its end.

    Args:
        size: how many bytes are expected.

    Raises:
        OSError: it cannot be read.
    """
    content = os.read(descriptor, min(size, _PIECE) + 1)
    if len(content) == size:
        # One more byte was asked for, so the file ends here.
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    while content:
        digest.update(content)
        content = os.read(descriptor, _PIECE)
    return digest.hexdigest()


def lines_of(descriptor: int, end: int) -> Iterator[bytes]:
    """Each line of an open file up to this position, with its line feed. Fewer if the file became shorter.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        while end > 0 and (raw := file.readline(end)):
            end -= len(raw)
            yield raw


def opened(path: Path) -> IO[bytes]:
    """A plain file, open for reading.

    Raises:
        OSError: it is missing, cannot be opened, or is not a plain file.
    """
    try:
        return shapes.opened(path)
    except shapes.Unfit as unfit:
        raise _as_os_error(path, unfit) from unfit.__cause__


def _as_os_error(path: Path, unfit: shapes.Unfit) -> OSError:
    cause = unfit.__cause__
    # The number decides which kind of OSError this makes.
    number = cause.errno if isinstance(cause, OSError) and cause.errno else errno.EINVAL
    return OSError(number, unfit.why, str(path))


@contextlib.contextmanager
def mapped(file: Any) -> Iterator[Any]:
    """A file's bytes, without reading all of them."""
    if not os.fstat(file.fileno()).st_size:
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content
