"""A lease as a file: locked, read and written. What is decided by it is in `lease`.

The lock is a file beside the lease that stays; the lease itself is put there whole by a rename, so a process
that dies while it writes leaves the old one or the new one, and its lock is the kernel's to open.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vergeos_nb.client.scrub import visible
from vergeos_nb.clock import Clock, from_iso, iso
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.processes import Process

FORMAT = "vergeos-nb/lease/1"

LOCK_WAIT_S = 5.0
"""How long to wait for another process that is just reading or writing the same lease."""
_LOCK_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lease: a person, in a process of a machine, for a run."""

    name: str
    host: str
    pid: int
    run: str

    def __str__(self) -> str:
        where = f"process {self.pid} on {visible(self.host)}, run {visible(self.run)}"
        return f"{visible(self.name)} ({where})"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a lease file says. Times are seconds since 1970.

    Attributes:
        machine, installation, process_started: what the owner's process is known again by.
        steady_until: when it ends by the steady clock of the owner's machine, or None where an older version
            wrote the file.
    """

    subject: str
    owner: Owner
    token: str
    machine: str
    taken_at: float
    expires_at: float
    taken_over_from: str
    installation: str = ""
    process_started: str = ""
    steady_until: float | None = None

    @property
    def process(self) -> Process:
        """The process that holds it."""
        owner = self.owner
        return Process(owner.host, owner.pid, self.machine, self.installation, self.process_started)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A lease file that says nothing that can be relied on."""

    reason: str


@contextlib.contextmanager
def locked(path: Path, asked: str, clock: Clock) -> Iterator[None]:
    """Hold the lock beside a lease file.

    Raises:
        Refused: somebody else kept it for `LOCK_WAIT_S`.
        RecordError: it cannot be made, or the file system has no locks.
    """
    lock = path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except PermissionError:
            # Another user made it; a lock on this machine needs no more than reading.
            descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise unusable(path, asked, error) from error
    try:
        _wait_for_lock(descriptor, lock, asked, clock)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, lock: Path, asked: str, clock: Clock) -> None:
    deadline = clock.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise unusable(lock, asked, error) from error
        if clock.monotonic() >= deadline:
            raise Refused(
                asked,
                f"another process has kept {lock} locked for {LOCK_WAIT_S:g} s",
                "see whether a run hangs on this machine, and try again.",
            )
        clock.sleep(_LOCK_STEP_S)


def read(path: Path, subject: str, asked: str) -> Entry | Damaged | None:
    """What the lease file says; None where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, asked, error) from error
    try:
        entry = _entry(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return Damaged(f"{path} is {'damaged' if content else 'empty'}")
    if entry.subject != subject:
        return Damaged(f"{path} is the lease of {visible(entry.subject)}")
    return entry


def _entry(data: Mapping[str, Any]) -> Entry:
    """The lease that a file holds.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: it holds none.
    """
    if data["format"] != FORMAT:
        raise ValueError("another format")
    who = data["owner"]
    owner = Owner(_text(who["name"]), _text(who["host"]), who["pid"], _text(who["run"]))
    if isinstance(owner.pid, bool) or not isinstance(owner.pid, int) or owner.pid <= 0:
        raise ValueError("no process number")  # 0 and below would mean groups of processes
    return Entry(
        _text(data["subject"]),
        owner,
        _text(data["token"]),
        _text(data["machine"]),
        from_iso(data["taken_at"]),
        from_iso(data["expires_at"]),
        _text(data["taken_over_from"]),
        _text(data.get("installation", "")),
        _text(data.get("process_started", "")),
        _number(data.get("steady_until")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise TypeError("no number")
    return value


def write(path: Path, entry: Entry, asked: str) -> None:
    """Put a lease file there whole, on disk when this returns."""
    data = {
        "format": FORMAT,
        **asdict(entry),
        "taken_at": iso(entry.taken_at),
        "expires_at": iso(entry.expires_at),
    }
    # Only the holder of the lock is here, so one name is enough. What a dead process left may be another
    # user's, and then can be removed but not written.
    draft = path.with_suffix(".draft")
    try:
        draft.unlink(missing_ok=True)
        with draft.open("x", encoding="ascii") as file:
            file.write(json.dumps(data, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(path, asked, error) from error


def file_name(subject: str) -> str:
    """A tame name that no two subjects share: what can be read of it, and a digest of all of it."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    tame = re.sub(r"[^a-z0-9]+", "-", subject.lower())[:60].strip("-") or "vm"
    return f"{tame}-{digest[:32]}.lease"


def unusable(path: Path, asked: str, error: OSError) -> RecordError:
    """The error for a file that the disk does not let us use."""
    return RecordError(
        asked,
        f"{path}: {error.strerror or error}",
        "nothing is changed without a lease; let the archive be in a folder that can be written and locked.",
    )
