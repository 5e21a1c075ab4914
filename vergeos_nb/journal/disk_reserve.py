"""Disk space for the record of a changing call: reserved before the call, released to write the record.

Checking the free space is not enough: it can be gone a moment later, and it does not show quotas. So before a
run changes something, it writes a file of the size that its record will need.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from vergeos_nb.archive.folders.sealable import try_to_seal, try_to_sign
from vergeos_nb.archive.ledger.ledger import LedgerLockError
from vergeos_nb.errors import RecordError
from vergeos_nb.files import OWNERS_FILE
from vergeos_nb.layout import PROBE, RESERVE, archive_of

NEEDED = 8 << 20
"""Bytes. A record of a run that tries every method takes about 1 MB, and the journal of a long wait a few."""
FULL = (errno.ENOSPC, errno.EDQUOT)
# File systems that cannot reserve space. There the free space is checked.
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_ASKED = "making sure that the record can be kept"
_UNSENT = "nothing was sent by this step"
_ELSEWHERE = f"{_UNSENT}; make the archive writable, or begin again elsewhere with --outputs"


def take(folder: Path) -> None:
    """Make sure that a run's record can be written and sealed, and reserve space for it. Can be repeated.

    Args:
        folder: the record's, two levels below the archive's.

    Raises:
        RecordError: the disk is full, or the record could not be sealed.
    """
    try:
        try_to_seal(folder)
        path = folder / RESERVE
        if not path.exists() or path.stat().st_size < NEEDED:
            _allocate(path)
    except OSError as error:
        raise _no_room(error, folder) from error
    except LedgerLockError as busy:
        hint = f"{_UNSENT}; see whether a run hangs on this machine, then run this again"
        raise RecordError(_ASKED, busy.came_back, hint) from busy
    except RecordError as error:
        if isinstance(cause := error.__cause__, OSError) and cause.errno in FULL:
            raise _no_room(cause, folder) from error
        raise RecordError(_ASKED, error.came_back, _ELSEWHERE) from error
    try:
        try_to_sign(archive_of(folder).outputs)
    except (OSError, RecordError) as error:
        came_back = (
            error.came_back if isinstance(error, RecordError) else f"{error.filename}: {error.strerror}"
        )
        hint = (
            f"{_UNSENT}; make the key usable without a question, or unset VERGEOS_NB_SIGNING_KEY to seal the "
            "record without a signature"
        )
        raise RecordError(f"{_ASKED} and signed", came_back, hint) from error


def note(folder: Path, lines: int) -> None:
    """Write into the reserve how many lines the journal has right before a changing request is sent.

    Without this number, a journal that was cut at the end of a line would look like one that sent nothing.
    """
    with contextlib.suppress(OSError), (folder / RESERVE).open("r+b") as file:
        file.write(b"%020d" % lines)
        file.flush()
        os.fsync(file.fileno())


def noted(folder: Path) -> int:
    """The number of lines that `note` wrote; 0 if it wrote none, or if the run has its record."""
    try:
        with (folder / RESERVE).open("rb") as file:
            return int(file.read(20))
    except (OSError, ValueError):
        return 0


def free(folder: Path) -> bool:
    """Release the space. Returns whether any was reserved."""
    with contextlib.suppress(OSError):
        (folder / PROBE).unlink()
    try:
        (folder / RESERVE).unlink()
    except OSError:
        return False
    return True


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
            f"{_UNSENT}; free space, or begin again in another folder with --outputs",
        )
    return RecordError(_ASKED, f"{error.filename or folder}: {error.strerror or error}", _ELSEWHERE)
