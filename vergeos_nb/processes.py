"""Whether a process lives."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

# The space of process numbers that Linux itself begins with (PROC_PID_INIT_INO): no container's.
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
        # Linux tells; elsewhere the signal above has to do.
        return _stat(pid)[0] not in ("Z", "X")
    return True


class Process(NamedTuple):
    """A process, so that another process can ask later whether it still lives.

    A value that the system does not give is "". Older versions wrote "" too.

    Attributes:
        host: the machine's name; other machines can have the same.
        machine: this start of the machine and the space of process numbers: containers can share a host name
            while their process numbers are different worlds.
        installation: the installed system, the same after the next start. A digest, because the number itself
            must stay private.
        started: when it was started, in ticks since the machine was. Numbers are used again.
    """

    host: str
    pid: int
    machine: str = ""
    installation: str = ""
    started: str = ""


class Life(StrEnum):
    """Whether a process lives. ``unknown``: it cannot be checked from here."""

    LIVES = "lives"
    GONE = "gone"
    UNKNOWN = "unknown"


def this_process() -> Process:
    """The process that asks."""
    return Process(platform.node(), os.getpid(), this_machine(), _installation(), started(os.getpid()))


def ask(process: Process) -> Life:
    """Whether this very process lives, not another one that has its number now.

    No clock is asked. A process of an earlier start of this machine is gone. One of another machine or of
    another container cannot be asked.
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
    """Whether it runs, or ran, since this machine was started. If so, both have the same steady clock."""
    boot = process.machine.partition(" ")[0]
    return bool(boot) and boot == this_machine().partition(" ")[0]


def this_machine() -> str:
    """This start of this machine and this space of process numbers, "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""


def started(pid: int) -> str:
    """When a process was started, in ticks since the machine was, "" where the system does not tell."""
    with suppress(OSError, IndexError):
        return _stat(pid)[19]
    return ""


def _is_earlier_start(process: Process, here: str) -> bool:
    """Whether it ran before this machine was restarted. For containers this is unknown, because they move."""
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
    """The fields of a process that follow its name, as Linux tells them; the first is its state."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
