"""Make folders and files: readable for user and group only, completely or not at all, and with locks.

The umask can take rights from the group, as always. Other users get no rights, whatever the umask is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.errors import RecordError

if TYPE_CHECKING:
    # Loads slowly, and help does without.
    from pathlib import Path

FOLDER_MODE = 0o770
FILE_MODE = 0o660
OWNERS_FOLDER = 0o700
OWNERS_FILE = 0o600
_LOCK_STEP_S = 0.005
_BLOCK = 1 << 16


class Busy(Exception):  # noqa: N818 — a state; the caller decides what it means
    """Another process kept the lock until the deadline."""


def keep_others_out() -> None:
    """Give other users no rights to files that this process and its children create from now on.

    For our own programs, before they start threads. A library must not change the umask of its process.
    """
    os.umask(os.umask(0o077) | 0o007)


def make_folder(path: Path, *, exist_ok: bool = True, mode: int = FOLDER_MODE) -> None:
    """Make a folder and the missing folders above it. Existing folders are not changed.

    Args:
        mode: the rights of this folder. Folders above it get rights for user and group.

    Raises:
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode)
    except FileNotFoundError:
        if path.parent == path or path.parent.is_dir():
            # A file system such as /proc takes no new folders, and says that the path is missing.
            raise
        make_folder(path.parent)
        make_folder(path, exist_ok=exist_ok, mode=mode)
    except FileExistsError:
        if not exist_ok or not path.is_dir():
            raise


def create(path: Path) -> None:
    """Make an empty private file if it is missing, before a library makes it with other rights.

    Raises:
        OSError: it cannot be made.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))


def opener(path: str, flags: int) -> int:
    """An ``opener`` for ``open``, so that new files are private."""
    return os.open(path, flags, FILE_MODE)


def draft_of(path: Path) -> Path:
    """The path beside a file where its new content is written first."""
    return path.with_name(f"{path.name}.part")


def put(path: Path, content: bytes, draft: Path | None = None, *, mode: int = FILE_MODE) -> None:
    """Write a whole file. It is on disk when this returns. Readers see the old content or the new one.

    Args:
        draft: where the content is written first, on the same file system. By default this is beside the
            file. Two processes must not use the same draft at the same time.

    Raises:
        OSError: the disk refuses it. The old file is unchanged, and the draft is removed.
    """
    draft = draft or draft_of(path)
    draft.unlink(missing_ok=True)
    try:
        _write(draft, content, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        os.replace(draft, path)  # noqa: PTH105 — its one name in the sealing path, which tests make fail
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append(path: Path, content: bytes) -> None:
    """Append to a file: completely and on disk when this returns, or nothing when it raises.

    Raises:
        OSError: the disk refuses it.
    """
    _write(path, content, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)


def _write(path: Path, content: bytes, flags: int, mode: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC, mode)
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
    """Write a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors(asked: str, hint: str = "", *, where: object = "") -> Iterator[None]:
    """Turn an `OSError` of this block into a `RecordError`.

    Args:
        where: what the message names if the error itself names no file.

    Raises:
        RecordError: the block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise RecordError(asked, f"{error.filename or where}: {why}" if where else why, hint) from error


@contextlib.contextmanager
def locked(
    path: Path, within_s: float, clock: Clock | None = None, kind: int = fcntl.LOCK_EX
) -> Iterator[None]:
    """Hold a lock between processes in this block. The lock's file is made if needed, and is not removed.

    Args:
        within_s: how long to wait for another process; 0 tries once.
        kind: ``fcntl.LOCK_EX``, or ``fcntl.LOCK_SH``, which several readers can hold. Then the file must
            exist.

    Raises:
        Busy: another process kept it for that long.
        OSError: the file cannot be made or opened, or its file system has no locks.
    """
    descriptor = _opened(path, kind)
    try:
        lock(descriptor, within_s, clock, kind)
        yield
    finally:
        os.close(descriptor)


def lock(descriptor: int, within_s: float, clock: Clock | None = None, kind: int = fcntl.LOCK_EX) -> None:
    """Lock an open file between processes, until it is closed.

    Raises:
        Busy: another process kept it for that long.
        OSError: its file system has no locks.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + within_s
    while not _taken(descriptor, kind):
        if clock.monotonic() >= deadline:
            raise Busy(descriptor)
        clock.sleep(_LOCK_STEP_S)


def _opened(path: Path, kind: int) -> int:
    if kind == fcntl.LOCK_EX:
        with contextlib.suppress(PermissionError):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    # Another user may have made the file. The right to read it is enough for a lock on this machine.
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return False
    return True


def after_last_line_feed(descriptor: int, end: int) -> int:
    """The position after the last line feed before ``end``; 0 if there is none."""
    while end > 0:
        start = max(0, end - _BLOCK)
        at = os.pread(descriptor, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
