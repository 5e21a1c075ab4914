"""Read the archive's files, which may be missing or long. A pipe in their place is refused."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from vergeos_nb import shapes


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
