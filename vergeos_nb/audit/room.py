"""Room on disk for what comes of a changing call, taken before the call and given back for the record.

Free space that is only looked at can be gone a moment later, and quotas do not show in it. So a run that is
about to change something takes what its record will need, as a file in its folder.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from vergeos_nb.errors import RecordError
from vergeos_nb.files import OWNERS_FILE

NAME = "room.reserved"
NEEDED = 8 << 20
"""Bytes. A record of the longest ladder takes about one million, and the journal of a long wait a few."""
FULL = (errno.ENOSPC, errno.EDQUOT)
# File systems without it; there only the free space can be looked at.
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_ASKED = "making sure that the record can be kept"


def take(folder: Path) -> None:
    """Make sure that a run's record can be written and sealed, and keep room for it. Can be repeated.

    Args:
        folder: the record's, two levels below the archive's.

    Raises:
        RecordError: the disk is full, or the folder or the ledger cannot be written.
    """
    try:
        _write_to_ledger(folder.parent.parent)
        path = folder / NAME
        if not path.exists() or path.stat().st_size < NEEDED:
            _allocate(path)
    except OSError as error:
        raise _no_room(error, folder) from error


def free(folder: Path) -> bool:
    """Give the room back. Returns whether there was any."""
    try:
        (folder / NAME).unlink()
    except OSError:
        return False
    return True


def _write_to_ledger(outputs: Path) -> None:
    ledger = outputs / "ledger.jsonl"
    if ledger.exists():
        # Opening alone tells: the superuser passes every check of permissions, but no read-only file system.
        os.close(os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    probe = outputs / f".probe-{secrets.token_hex(4)}"
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNERS_FILE))
    probe.unlink()


def _allocate(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNERS_FILE)
    try:
        _reserve(descriptor, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _reserve(descriptor: int, path: Path) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, NEEDED)
            return
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    status = os.fstatvfs(descriptor)
    if status.f_bavail * status.f_frsize < NEEDED:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    os.ftruncate(descriptor, NEEDED)


def _no_room(error: OSError, folder: Path) -> RecordError:
    if error.errno in FULL:
        return RecordError(
            _ASKED,
            f"{folder}: {error.strerror}: its record needs up to {NEEDED >> 20} MB",
            "nothing was sent by this step; free space, or begin anew in another folder with --outputs",
        )
    return RecordError(
        _ASKED,
        f"{error.filename or folder}: {error.strerror or error}",
        "nothing was sent by this step; let the archive be writable, or begin anew elsewhere with --outputs",
    )
