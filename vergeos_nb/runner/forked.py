"""A fork of this process that never returns to its callers, with the methods of ``subprocess.Popen`` that its
owner uses."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

# Linux lists here what a process has open, and its threads, also those of libraries.
_OPEN = Path("/proc/self/fd")
_THREADS = Path("/proc/self/task")


def alone() -> bool:
    """Whether this process has one thread, so that a fork of it is whole. False if that cannot be seen."""
    try:
        return len(list(_THREADS.iterdir())) == 1
    except OSError:
        return False


class Forked:
    """A process that does some work and ends. It leads a session of its own.

    What this process planned for its own end is not done there, and its open files are closed.

    Args:
        work: done in the new process. Its exit code is 0, that of ``SystemExit``, or 1 after another error.
        keeps: the one descriptor that stays open.
        prints: the file that takes what it prints.

    Raises:
        OSError: there can be no more processes.
    """

    def __init__(self, work: Callable[[], None], *, keeps: int, prints: IO[bytes]) -> None:
        self._lock = threading.Lock()
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _do(work, keeps, prints.fileno())

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit code, when it has ended."""
        return self._waited(0)

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def _waited(self, how: int) -> int | None:
        # Another thread could reap it meanwhile, and the system could use its number again.
        with self._lock:
            if self._code is None:
                ended, status = os.waitpid(self.pid, how)
                self._code = os.waitstatus_to_exitcode(status) if ended else None
            return self._code


def _do(work: Callable[[], None], keeps: int, prints: int) -> NoReturn:
    """Do the work and end. The frames of the callers are never returned to."""
    code = 1
    try:
        _part_from_parent(keeps, prints)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.__excepthook__(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _part_from_parent(keeps: int, prints: int) -> None:
    # A temporary folder of the parent's, for example, would be removed twice.
    atexit._clear()
    threading.excepthook, sys.unraisablehook = threading.__excepthook__, sys.__unraisablehook__
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (prints, 1), (prints, 2)):
        os.dup2(ours, standard)
    for number in [int(one.name) for one in _OPEN.iterdir()]:
        if number > 2 and number != keeps:
            with suppress(OSError):  # the list itself was open, too
                os.close(number)
    # Modules must not be taken from the folder of a script, or from the working directory.
    if not sys.flags.safe_path and (not sys.path[0] or Path(sys.path[0]).is_dir()):
        del sys.path[0]
