"""Whether a process lives."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

# The process number space that Linux starts with (PROC_PID_INIT_INO). It is never a container's.
_FIRST_SPACE = "pid:[4026531836]"


def lives(pid: int) -> bool:
    """Whether a process with this number lives on this machine. A zombie does not count as living."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    with suppress(OSError, IndexError):
        # Only Linux shows this. Elsewhere the signal above must be enough.
        return _stat(pid)[0] not in ("Z", "X")
    return True


class Process(NamedTuple):
    """A process, so that another process can ask later whether it still lives.

    A value that the system does not give is "". Older versions wrote "" too.

    Attributes:
        host: the machine's name; other machines can have the same.
        machine: this start of the machine, and its process number space: containers can have the same host
            name, but each counts its processes by itself.
        installation: the installed operating system, the same after a restart. It is a digest, because the
            number itself must stay private.
        started: when it was started, in ticks since the machine started. Process numbers are used again.
    """

    host: str
    pid: int
    machine: str = ""
    installation: str = ""
    started: str = ""


class Life(StrEnum):
    """Whether a process lives. ``unknown``: this cannot be checked from here."""

    LIVES = "lives"
    GONE = "gone"
    UNKNOWN = "unknown"


def this_process() -> Process:
    """This process."""
    return Process(platform.node(), os.getpid(), this_machine(), _installation(), started(os.getpid()))


def ask(process: Process) -> Life:
    """Whether exactly this process lives, not another one that got its number later.

    This does not depend on the clock. A process from before the machine's last start is gone. A process of
    another machine or another container cannot be checked.
    """
    here, there = this_machine(), process.machine
    if not (here and there):
        if process.host != platform.node():
            return Life.UNKNOWN
    elif here != there:
        return Life.GONE if _is_earlier_start(process, here) else Life.UNKNOWN
    if process.pid <= 0 or not lives(process.pid):
        return Life.GONE
    now = started(process.pid)
    return Life.GONE if process.started and now and process.started != now else Life.LIVES


def is_on_this_start(process: Process) -> bool:
    """Whether it was started after this machine was. If so, its steady clock is the same as ours."""
    boot = process.machine.partition(" ")[0]
    return bool(boot) and boot == this_machine().partition(" ")[0]


def this_machine() -> str:
    """This start of this machine and its process number space; "" if the system does not show it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""


def started(pid: int) -> str:
    """When a process was started, in ticks since the machine started; "" if the system does not show it."""
    with suppress(OSError, IndexError):
        return _stat(pid)[19]
    return ""


def _is_earlier_start(process: Process, here: str) -> bool:
    """Whether it ran before this machine's last start. For containers this is unknown, because they move."""
    boot, _, space = process.machine.partition(" ")
    our_boot, _, our_space = here.partition(" ")
    same = (process.host, process.installation) == (platform.node(), _installation())
    return same and process.installation != "" and space == our_space == _FIRST_SPACE and boot != our_boot


def _installation() -> str:
    with suppress(OSError):
        # Loads slowly, and most commands do without.
        import hashlib

        number = Path("/etc/machine-id").read_bytes().strip()
        return hashlib.sha256(b"vergeos-nb " + number).hexdigest()[:32] if number else ""
    return ""


def _stat(pid: int) -> list[str]:
    """What Linux shows about a process after its name; the first field is its state."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
