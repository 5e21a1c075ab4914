"""Tell from an exception what the machine or the shell lacks, because this is not a bug of this program."""

from __future__ import annotations

import errno
import os
import re
import resource
import sys
from contextlib import suppress

from vergeos_nb.errors import MachineError, RecordError, VergeNbError

# A run needs about 70 files: sockets to its kernel, the journal, and the modules that it loads.
FILES_OF_A_RUN = 96
# A run and its kernel each take up to half of that. A native library that gets no memory ends the process.
MEMORY_OF_A_RUN = 768 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_AGAIN = "then run it again; nothing is repeated by itself"
# Exceptions of other processes come as text.
_NUMBER = re.compile(r"\[Errno ([0-9]+)\]")
_THREADS = "can't start new thread"
_MEMORY = ("MemoryError", "failed to map segment", "Cannot allocate memory")
_TEMPORARY = "No usable temporary directory"
OURS = "vergeos_nb"
# In glibc's malloc.h.
_M_ARENA_MAX = -8


def lacking(error: BaseException, asked: str) -> VergeNbError | None:
    """Our error if the exception was raised because the machine lacks something; None for any other cause.

    Args:
        asked: what was attempted.
    """
    if isinstance(error, ModuleNotFoundError) and (known := _no_package(error.name or "", asked)) is not None:
        return known
    for one in causes(error):
        number = getattr(one, "errno", None)
        path = one.filename if isinstance(one, OSError) else None
        text = f"{type(one).__name__}: {one}"
        known = _by_number(number if isinstance(number, int) else None, path, asked)
        if known is not None or (known := lacking_in(text, asked)) is not None:
            return known
    return None


def lacking_in(text: str, asked: str) -> VergeNbError | None:
    """The same for an exception of which only the text is known."""
    if _THREADS in text:
        return _no_processes(asked)
    if any(words in text for words in _MEMORY):
        return _no_memory(asked)
    if _TEMPORARY in text:
        return MachineError(asked, "there is no folder for temporary files", f"set TMPDIR to one, {_AGAIN}")
    found = _NUMBER.search(text)
    return _by_number(int(found[1]), None, asked) if found else None


def working_directory_gone(asked: str) -> MachineError | None:
    """The error of a process whose working directory was removed, or None."""
    try:
        os.getcwd()  # noqa: PTH109 — Path.cwd hides nothing, and is slower to load
    except OSError as error:
        came_back = f"the working directory is not there any more ({error.strerror})"
        return MachineError(asked, came_back, "change to a folder that exists, then run it again")
    return None


def check_limits(asked: str) -> None:
    """Raise this process's limit of open files as far as a run needs and the shell allows; check its memory.

    Raises:
        MachineError: a limit of the shell is too low for a run.
    """
    memory = resource.getrlimit(resource.RLIMIT_AS)[0]
    if memory != resource.RLIM_INFINITY and memory < MEMORY_OF_A_RUN:
        raise _no_memory(asked)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_OF_A_RUN:
        return
    if hard != resource.RLIM_INFINITY and hard < FILES_OF_A_RUN:
        raise _no_files(asked)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_OF_A_RUN, hard))


def _by_number(number: int | None, path: object, asked: str) -> VergeNbError | None:
    where = f"{path}: " if path is not None else ""
    if number == errno.EMFILE:
        return _no_files(asked)
    if number == errno.ENFILE:
        return MachineError(
            asked, "the machine has too many files open", f"end programs that hold them, {_AGAIN}"
        )
    if number == errno.ENOMEM:
        return _no_memory(asked)
    if number == errno.EAGAIN:
        return _no_processes(asked)
    if number in _FULL:
        came_back = f"{where}{os.strerror(number)}"
        return RecordError(asked, came_back, f"free space or name another folder with --outputs, {_AGAIN}")
    if number == errno.ENOENT:
        return working_directory_gone(asked)
    return None


def _no_files(asked: str) -> MachineError:
    limit = _limit(resource.RLIMIT_NOFILE)
    return MachineError(
        asked,
        f"this process may have {limit} files open at a time (ulimit -n), and needs more",
        f"raise the limit, such as `ulimit -n 1024`, {_AGAIN}",
    )


def _no_memory(asked: str) -> MachineError:
    limit = _limit(resource.RLIMIT_AS, 1024)
    told = "" if limit == "unlimited" else f"; this process may take {limit} KB (ulimit -v)"
    return MachineError(
        asked, f"there is not enough memory{told}", f"end programs that use it, or raise the limit, {_AGAIN}"
    )


def _no_processes(asked: str) -> MachineError:
    limits = f"{_limit(resource.RLIMIT_NPROC)} processes and threads (ulimit -u)"
    memory = _limit(resource.RLIMIT_AS, 1024)
    if memory != "unlimited":
        limits += f" and {memory} KB of memory (ulimit -v)"
    return MachineError(
        asked,
        f"no further process or thread could be started; this user may have {limits}",
        f"end other programs, or raise the limit, {_AGAIN}",
    )


def _no_package(module: str, asked: str) -> VergeNbError | None:
    package = module.partition(".")[0]
    if package in ("", OURS):
        return None
    return MachineError(
        asked,
        f"the Python package {package!r} is not installed for {sys.executable}",
        f"install what {OURS.replace('_', '-')} needs again there, with `python -m pip install`; or run it "
        "with the Python into which it was installed",
    )


def _limit(kind: int, unit: int = 1) -> str:
    soft = resource.getrlimit(kind)[0]
    return "unlimited" if soft == resource.RLIM_INFINITY else str(soft // unit)


def causes(error: BaseException) -> list[BaseException]:
    """The exception and those that led to it, the newest first, also those that a traceback would hide."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or one.__context__
    return chain


def share_one_heap() -> None:
    """Let all later threads of this process take their memory from one heap, where the C library is glibc.

    By default it gives each thread its own heap, and free memory stays in it. In a run that is 8 MB.
    """
    # Loads slowly, and only a run needs it.
    import ctypes

    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
