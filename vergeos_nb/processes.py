"""What processes share: their numbers, their standard streams, and the home directory of their user."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def hold_standard_streams() -> None:
    """Open what of 0, 1 and 2 is closed, onto nothing.

    Another file would get the number otherwise, and everything that is printed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def has_home() -> bool:
    """Whether the user has a home directory that can be written, as Jupyter wants one."""
    try:
        home = Path("~").expanduser()
    except RuntimeError:
        return False  # a number that no user database knows
    return os.access(home, os.W_OK | os.X_OK)


def lives(pid: int) -> bool:
    """Whether a process of this number lives on this machine. One that ended and was not reaped does not."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    with suppress(OSError, IndexError):
        # Linux tells; elsewhere the signal above has to do.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return True
